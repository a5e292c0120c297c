"""Fused multiply-add against MPFR, fixed point against fractions, widths against published ones."""

import os
from fractions import Fraction

import gmpy2
import numpy as np
import pytest

from hw.formats import Fixed, Float, Format, Int, Posit, Rounded, parse_format, suited, sums

COUNT = 1_000_000 if os.environ.get("ALHENA_FULL") == "1" else 20_000
TRIPLES = [
    ("e5m2", "e5m2", "e6m9"),
    ("e4m3fn", "e5m2", "bf16"),
    ("e2m1", "e2m1", "e5m2"),
    ("bf16", "bf16", "fp32"),
    ("fp16", "fp16", "fp16"),
    ("fp32", "fp32", "fp32"),
    ("e3m4", "e5m2", "e5m6"),
    ("e8m3", "e2m3", "e4m3"),
]
MODES = {"rne": gmpy2.RoundToNearest, "zero": gmpy2.RoundToZero}


def operands(a: Float, b: Float, c: Float, count: int):
    """Codes of all kinds; half of the sums nearly or exactly cancel the product, or are ties."""
    rng = np.random.default_rng(count)
    x, y, z = (f.decode(rng.integers(0, 1 << f.width, count)) for f in (a, b, c))
    half = count // 2
    with np.errstate(invalid="ignore", over="ignore"):
        near = -x[:half] * y[:half] * (1 + rng.integers(-3, 4, half) * 2.0**-c.man)
        z[:half] = c.quantize(near)
        far = x[half:] * y[half:] * 2.0 ** rng.integers(-c.man - 4, c.man + 4, count - half)
        z[half::2] = c.quantize(far[::2])
    return x, y, z


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("a", "b", "c"), TRIPLES)
def test_fused_multiply_add_is_rounded_once(a, b, c, mode):
    fa, fb, fc = map(Float.parse, (a, b, c))
    x, y, z = operands(fa, fb, fc, COUNT)
    got = Rounded(fc, mode).multiply_add(x, y, z)
    context = gmpy2.context(
        precision=fc.man + 1, emax=fc.emax + 1, emin=fc.emin - fc.man + 1,
        subnormalize=True, round=MODES[mode],
    )  # fmt: skip
    exact = [list(map(gmpy2.mpfr, values.tolist())) for values in (x, y, z)]
    with context:
        want = [float(gmpy2.fma(*three)) for three in zip(*exact, strict=True)]
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(("n", "es"), [(8, 0), (8, 2), (16, 1), (16, 2)])
def test_fused_multiply_add_of_posits(n, es):
    fmt, rng = Posit(n, es), np.random.default_rng(n)
    x, y, z = (fmt.decode(rng.integers(0, 1 << n, 4000)) for _ in range(3))
    z[::2] = fmt.quantize(-x[::2] * y[::2])
    got = Rounded(fmt).multiply_add(x, y, z)
    for a, b, c, value in zip(x, y, z, got, strict=True):
        if np.isnan([a, b, c]).any():
            assert np.isnan(value)
            continue
        total = Fraction(a) * Fraction(b) + Fraction(c)
        # float64 holds twice the posit's bits, so rounding to it first does no harm but for ties
        nearest = float(total)
        if Fraction(nearest) != total:
            nearest = np.nextafter(nearest, np.inf if total > Fraction(nearest) else -np.inf)
            nearest = (nearest + float(total)) / 2
        assert value == fmt.quantize(nearest)


def test_special_values():
    inf, nan = np.inf, np.nan
    fp16 = Rounded(Float.parse("fp16"))
    a, b = [inf, inf, 0, inf, 300, 300, -1], [1, 1, inf, 0, 300, -300, 0]
    got = fp16.multiply_add(a, b, [0, -inf, 0, 1, 0, 0, 0])
    np.testing.assert_array_equal(got, [inf, nan, nan, nan, inf, -inf, 0])
    assert np.signbit(fp16.multiply_add(-1, 0, -0.0)) and not np.signbit(
        fp16.multiply_add(1, 0, -0.0)
    )


def test_stochastic_steps_have_the_right_mean():
    accumulator = Rounded(Float.parse("e6m3"), "stochastic", 8)
    got = accumulator.multiply_add(1.0, 1 / 64, np.full(256, 1.0), np.arange(256))
    assert set(got) == {1.0, 1.125} and (got > 1).sum() == 256 // 8


@pytest.mark.parametrize(
    ("name", "widths"),
    [
        ("e2m1", (9, 17, 21)),
        ("e2m3", (13, 21, 25)),
        ("e3m2", (19, 27, 31)),
        ("e4m3fn", (37, 45, 49)),
        ("e5m2", (65, 73, 77)),
        ("fp16", (81, 89, 93)),
        ("bf16", (523, 531, 535)),
    ],
)
def test_exact_widths(name, widths):
    fmt = Float.parse(name)
    assert tuple(Fixed.exact(fmt, fmt, k).width for k in (1, 256, 4096)) == widths


def test_exact_widths_of_others():
    assert [Fixed.exact(Int(8), Int(8), k).width for k in (1, 256, 4096)] == [16, 24, 28]
    for es, widths in enumerate([(26, 34, 38), (50, 58, 62), (98, 106, 110)]):
        fmt = Posit(8, es)
        assert tuple(Fixed.exact(fmt, fmt, k).width for k in (1, 256, 4096)) == widths
    assert Fixed.exact(Float.parse("e5m2"), Float.parse("e4m3fn"), 256).width == 59


@pytest.mark.parametrize("name", ["e8m7b512", "e8m23b512", "log16f6", "fp32", "posit16es2"])
def test_what_no_fixed_point_holds_sums_in_a_float(name):
    assert suited(parse_format(name), parse_format(name)).name == "fp32"


@pytest.mark.parametrize("name", ["e2m1", "e4m3fn", "e5m2", "bf16", "posit8"])
def test_exact_sums(name):
    fmt = Posit(8, 2) if name == "posit8" else Float.parse(name)
    fixed, rng = Fixed.exact(fmt, fmt, 32), np.random.default_rng(1)
    a, b = (fmt.decode(rng.integers(0, 1 << fmt.width, (32, 100))) for _ in range(2))
    a, b = (np.where(np.isfinite(x), x, fmt.max) for x in (a, b))
    pairs = list(zip(a.T, b.T, strict=True))
    got = [int(sums(fixed).tile([x], y[:, None], [[0.0]])[0, 0]) for x, y in pairs]
    want = [sum(Fraction(x) * Fraction(y) for x, y in zip(*pair, strict=True)) for pair in pairs]
    assert [s * Fraction(2) ** fixed.lsb for s in got] == want
    assert fixed.values(got).tolist() == pytest.approx(list(map(float, want)), rel=2**-51, abs=0)


@pytest.mark.parametrize("width", [6, 40, 62, 63, 90])
def test_fixed_point_rounds_to_nearest(width):
    fixed, rng = Fixed(width, -5), np.random.default_rng(width)
    values = np.ldexp(rng.standard_normal(2000), rng.integers(-9, width + 2, 2000))
    values[:500] = np.arange(-250, 250) / 128
    got = fixed.quantize(np.append(values, [np.nan, np.inf]))
    most = (1 << width - 1) - 1
    want = [max(-most, min(most, round(Fraction(x) * 32))) for x in values]
    assert got.tolist() == [*want, -most - 1, -most - 1]
    assert isinstance(fixed, Format) and (fixed.min, fixed.max) == (-most, most)
    with pytest.raises(ValueError, match=f"do not fit fixed{width}e-5"):
        fixed.encode([1 << width - 1])


def test_messages():
    fp16 = Float.parse("fp16")
    with pytest.raises(ValueError, match="Rounded.rounding is 'up'; it must be rne, zero"):
        Rounded(fp16, "up")
    with pytest.raises(ValueError, match="Rounded.bits is 0; it must be from 1 to 16"):
        Rounded(fp16, "stochastic")
    with pytest.raises(ValueError, match="Fixed.width is 1; it must be an integer from 2 to 1024"):
        Fixed(1, 0)
    with pytest.raises(ValueError, match="Fixed.overflow is 'stop'; it must be wrap or saturate"):
        Fixed(8, 0, "stop")
