"""Float against ml_dtypes and gfloat: every code, and rounding at every border."""

import ml_dtypes
import numpy as np
import pytest
from gfloat import FormatInfo, RoundMode, decode_ndarray, round_ndarray
from gfloat.types import Domain

from hw.formats import Float, Format

TYPES = {
    "fp16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "e5m2": ml_dtypes.float8_e5m2,
    "e4m3": ml_dtypes.float8_e4m3,
    "e4m3fn": ml_dtypes.float8_e4m3fn,
    "e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "e4m3fnuzb11": ml_dtypes.float8_e4m3b11fnuz,
    "e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
    "e3m4": ml_dtypes.float8_e3m4,
    "e2m3": ml_dtypes.float6_e2m3fn,
    "e3m2": ml_dtypes.float6_e3m2fn,
    "e2m1": ml_dtypes.float4_e2m1fn,
}
NAMES = (*TYPES, "tf32", "e6m9", "e8m3fn", "e5m6fnuz", "e1m2none", "e4m0fn", "e6m1ieeeb20")

MARKS = ("", "-ftz", "-sat", "-ftz-sat")


def same(got, want):
    """Equal values, zeros with equal signs, NaN where NaN is."""
    np.testing.assert_array_equal(got, want)
    number = ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(got)[number], np.signbit(want)[number])


def codes(fmt):
    return np.arange(1 << fmt.width, dtype=np.uint64)


def oracle(fmt: Float) -> FormatInfo:
    """The same format as gfloat describes it."""
    nans = {"ieee": (1 << fmt.man) - 1, "fn": 1, "fnuz": 0, "none": 0}[fmt.specials]
    domain = Domain.Extended if fmt.has_infinity else Domain.Finite
    return FormatInfo(
        fmt.name, fmt.width, fmt.man + 1, bias=fmt.bias, is_signed=True, domain=domain,
        has_nz=fmt.specials != "fnuz", num_high_nans=nans, has_subnormals=True,
        is_twos_complement=False,
    )  # fmt: skip


def samples(fmt: Float, count=20_000):
    """Values of all sizes, and all around every value of the format and every tie."""
    rng = np.random.default_rng(fmt.width)
    spread = rng.integers(fmt.emin - fmt.man - 3, fmt.emax + 4, count)
    some = np.ldexp(rng.standard_normal(count), spread)
    places = codes(fmt) if fmt.width <= 16 else rng.integers(0, 1 << fmt.width, 4096)
    exact = fmt.decode(places)
    exact = np.unique(np.append(exact[np.isfinite(exact)], [fmt.max, -fmt.max]))
    step = np.ldexp(1.0, np.maximum(np.frexp(exact)[1] - 1, fmt.emin) - fmt.man)
    borders = np.concatenate([exact, exact + step / 2, exact - step / 2, exact + step / 4])
    beside = [np.nextafter(borders, np.inf), np.nextafter(borders, -np.inf)]
    return np.concatenate([some, borders, *beside, [0.0, -0.0, np.inf, -np.inf]])


@pytest.mark.parametrize("name", TYPES)
def test_every_code_decodes_as_in_ml_dtypes(name):
    fmt = Float.parse(name)
    storage = np.uint16 if fmt.width > 8 else np.uint8
    with np.errstate(invalid="ignore"):
        want = codes(fmt).astype(storage).view(TYPES[name]).astype(np.float64)
    same(fmt.decode(codes(fmt)), want)


@pytest.mark.parametrize("name", NAMES)
def test_every_code_decodes_as_in_gfloat(name):
    fmt = Float.parse(name)
    some = codes(fmt) if fmt.width <= 16 else np.random.default_rng(0).integers(0, 1 << 19, 65536)
    same(fmt.decode(some), decode_ndarray(oracle(fmt), np.asarray(some, np.int64)))


@pytest.mark.parametrize("name", NAMES)
def test_every_value_has_its_code(name):
    fmt = Float.parse(name)
    values = fmt.decode(codes(fmt)) if fmt.width <= 16 else fmt.decode(np.arange(1 << 19))
    number = ~np.isnan(values)
    np.testing.assert_array_equal(fmt.encode(values[number]), np.flatnonzero(number))
    if fmt.has_nan:
        assert fmt.encode([np.nan]) == fmt.nan_code and np.isnan(fmt.decode([fmt.nan_code]))


@pytest.mark.parametrize("name", TYPES)
def test_rounds_as_ml_dtypes(name):
    fmt = Float.parse(name)
    with np.errstate(over="ignore"):
        values = samples(fmt).astype(np.float32)
        same(fmt.quantize(values), values.astype(TYPES[name]).astype(np.float64))


@pytest.mark.parametrize("mode", [("rne", RoundMode.TiesToEven), ("zero", RoundMode.TowardZero)])
@pytest.mark.parametrize("name", NAMES)
def test_rounds_as_gfloat(name, mode):
    fmt = Float.parse(name)
    values = samples(fmt, 2000)
    if fmt.specials == "none":
        values = values[np.isfinite(values)]
    sat = fmt.saturate
    if mode[0] == "zero" and not sat:  # IEEE 754: nothing finite becomes an infinity
        values = values[np.abs(values) <= fmt.max]
    same(fmt.quantize(values, mode[0]), round_ndarray(oracle(fmt), values, mode[1], sat=sat))


@pytest.mark.parametrize("bits", [1, 5, 16])
@pytest.mark.parametrize("name", ["e4m3fn", "e5m2", "e6m9", "e2m1", "bf16"])
def test_rounds_stochastically_as_gfloat(name, bits):
    fmt = Float.parse(name)
    with np.errstate(over="ignore"):  # gfloat adds in float64: few bits leave room
        values = samples(fmt, 5000).astype(np.float32).astype(np.float64)
    values = values[np.abs(values) < fmt.max]
    random = np.random.default_rng(bits).integers(0, 1 << bits, values.size)
    want = round_ndarray(
        oracle(fmt), values, RoundMode.StochasticFastest, srbits=random, srnumbits=bits
    )
    same(fmt.quantize(values, "stochastic", random, bits), want)


@pytest.mark.parametrize("name", ["fp16", "e4m3fn", "e5m2fnuz", "e2m3"])
def test_without_subnormals(name):
    plain, flushing = Float.parse(name), Float.parse(name + "-ftz")
    least = 2.0**plain.emin
    values = plain.decode(codes(plain))
    keep = ~(np.abs(values) < least)
    signed = plain.specials != "fnuz"
    flushed = np.copysign(0.0, values) if signed else 0.0
    same(flushing.decode(codes(plain)), np.where(keep, values, flushed))
    values = samples(plain, 2000)
    want = plain.quantize(values)
    zero = np.copysign(0.0, want) if signed else 0.0
    same(flushing.quantize(values), np.where(np.abs(want) < least, zero, want))


def test_what_is_too_large():
    values = [1e9, -1e9, np.inf, -np.inf, 464.0, 464.1, -448.0]
    inf, nan = np.inf, np.nan
    for name, want in {
        "e4m3fn": [nan, nan, nan, nan, 448, nan, -448],
        "e4m3fn-sat": [448, -448, 448, -448, 448, 448, -448],
        "e4m3": [inf, -inf, inf, -inf, inf, inf, -inf],
        "e4m3-sat": [240, -240, 240, -240, 240, 240, -240],
        "e2m1": [6, -6, 6, -6, 6, 6, -6],
    }.items():
        same(Float.parse(name).quantize(values), np.array(want, np.float64))
    same(Float.parse("e4m3").quantize([1e9, inf], "zero"), np.array([240.0, inf]))
    same(Float.parse("e2m1").quantize([nan]), np.array([0.0]))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("marks", MARKS)
def test_names(name, marks):
    if name.startswith("e1") and "ftz" in marks:
        return
    fmt = Float.parse(name + marks)
    assert Float.parse(fmt.name) == fmt and isinstance(fmt, Format)
    assert ("ftz" in marks) != fmt.subnormals


def test_names_tell_formats_apart():
    """Biases that a name of its own would hide, or that are negative."""
    fmts = [
        Float(e, m, bias, kind, saturate=sat)
        for e, m in ((4, 3), (5, 2), (2, 3), (2, 1), (5, 10))
        for bias in (-256, -5, 0, *range(1, 17), 512)
        for kind in ("ieee", "fn", "fnuz", "none")
        for sat in ((False, True) if kind != "none" else (True,))
    ]
    assert len({fmt.name for fmt in fmts}) == len(fmts)
    assert [Float.parse(fmt.name) for fmt in fmts] == fmts


def test_limits():
    assert [(f.max, f.least_exponent) for f in map(Float.parse, ("e4m3fn", "e5m2", "fp16"))] == [
        (448, -9), (57344, -16), (65504, -24)
    ]  # fmt: skip
    assert Float.parse("bf16").max == float(ml_dtypes.finfo(ml_dtypes.bfloat16).max)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 3), "Float.exp is 0; it must be an integer from 1 to 8"),
        ((4, 24), "Float.man is 24; it must be an integer from 0 to 23"),
        ((4, 0), "Float.specials is 'ieee'; it must be fn, fnuz or none"),
        ((4, 3, None, "odd"), "Float.specials is 'odd'; it must be ieee or fn or fnuz or none"),
        ((4, 3, 1000), "Float.bias is 1000; it must be an integer from -256 to 512"),
        ((1, 0, None, "fn"), "Float.specials is 'fn'; it must be fnuz or none: fn needs"),
        ((4, 3, None, "fn", "no"), "Float.subnormals is 'no'; it must be True or False"),
        ((4, 3, None, "fn", True, 1), "Float.saturate is 1; it must be True or False"),
    ],
)
def test_messages(arguments, message):
    with pytest.raises(ValueError, match=message):
        Float(*arguments)


def test_other_names_and_values():
    with pytest.raises(ValueError, match="no format 'e9m'; floats are fp32"):
        Float.parse("e9m")
    with pytest.raises(ValueError, match="e4m3fn has no value 449.0; quantize"):
        Float.parse("e4m3fn").encode([1.0, 449.0])
