"""The reference's own rounding against ml_dtypes, gmpy2 and fractions."""

from fractions import Fraction

import gmpy2
import ml_dtypes
import numpy as np
import pytest

from hw.formats import Float, Int, Posit
from sw.network.numbers import add_rounded, nearest, significant

DTYPES = {
    "e4m3fn": ml_dtypes.float8_e4m3fn,
    "e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "e4m3": ml_dtypes.float8_e4m3,
    "e5m2": ml_dtypes.float8_e5m2,
    "e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
    "e3m2": ml_dtypes.float6_e3m2fn,
    "e2m3": ml_dtypes.float6_e2m3fn,
    "e2m1": ml_dtypes.float4_e2m1fn,
    "bf16": ml_dtypes.bfloat16,
    "fp16": np.float16,
}


def samples(largest: float, count: int = 4000) -> np.ndarray:
    """float32 values of all sizes, ties among them."""
    rng = np.random.default_rng(0)
    wide = rng.normal(size=count) * 2.0 ** rng.integers(-20, 20, count)
    ties = rng.integers(-255, 256, count) * 2.0 ** rng.integers(-12, 12, count)
    near = rng.normal(size=count) * min(largest, 1e30) / 2
    ends = [0.0, -0.0, largest, -largest, np.inf, -np.inf, np.nan]
    return np.concatenate([wide, ties, near, ends]).astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("name", DTYPES)
def test_floats_as_ml_dtypes_casts(name):
    fmt = Float.parse(name)
    values = samples(fmt.max)
    if fmt.specials == "none":
        values = np.clip(np.nan_to_num(values, nan=0.0), -fmt.max, fmt.max)
    with np.errstate(over="ignore"):
        want = values.astype(np.float32).astype(DTYPES[name]).astype(np.float64)
    got = nearest(fmt, values)
    np.testing.assert_array_equal(got, want)
    if fmt.specials != "fnuz":
        finite = ~np.isnan(want)
        assert np.array_equal(np.signbit(got[finite]), np.signbit(want[finite]))


def test_what_becomes_of_infinities_and_nan():
    ends = np.array([np.inf, -np.inf, np.nan, 1e9])
    want = {
        "e2m1": [6, -6, 0, 6],
        "e5m2-sat": [57344, -57344, np.nan, 57344],
        "e5m2": [np.inf, -np.inf, np.nan, np.inf],
        "e4m3fn": [np.nan] * 4,
    }
    for name, values in want.items():
        np.testing.assert_array_equal(nearest(Float.parse(name), ends), values)
    np.testing.assert_array_equal(nearest(Posit(8, 1), ends), [np.nan] * 3 + [4096])
    np.testing.assert_array_equal(nearest(Int(8), ends), [127, -128, 0, 127])
    assert nearest(Float.parse("e4m3fn-ftz"), np.array([2.0**-7, 2.0**-6])).tolist() == [0, 2.0**-6]


def posit_value(code: int, n: int, es: int) -> Fraction:
    """By the standard's formula, for positive codes."""
    bits = [code >> place & 1 for place in reversed(range(n - 1))]
    run = next((i for i, bit in enumerate(bits) if bit != bits[0]), len(bits))
    regime = run - 1 if bits[0] else -run
    rest = bits[run + 1 :] + [0] * (es + n)
    exponent = sum(bit << (es - 1 - i) for i, bit in enumerate(rest[:es]))
    fraction = sum(Fraction(bit, 2 << i) for i, bit in enumerate(rest[es:]))
    return (1 + fraction) * Fraction(2) ** (regime * 2**es + exponent)


@pytest.mark.parametrize(("n", "es"), [(6, 0), (8, 0), (8, 1), (8, 2)])
def test_posits_round_their_code(n, es):
    fmt = Posit(n, es)
    values = {code: posit_value(code, n, es) for code in range(1, 1 << (n - 1))}
    for code, value in values.items():
        above = posit_value(2 * code + 1, n + 1, es)  # one bit more: between code and code + 1
        inside = float((value + above) / 2)
        assert nearest(fmt, np.array([float(value), -inside])).tolist() == [value, -value]
        if code + 1 in values:
            even = values[code + code % 2]
            assert nearest(fmt, np.array([float(above)]))[0] == even
    smallest = float(values[1])
    assert nearest(fmt, np.array([smallest * 1e-9, -0.0])).tolist() == [smallest, 0]


def test_significands_of_24_bits_at_any_exponent():
    values = samples(1e30) * (1 + 2.0**-24) * 2.0**-300
    with gmpy2.context(precision=24, emin=-5000, emax=5000):
        want = [float(gmpy2.mpfr(v)) for v in values]
    np.testing.assert_array_equal(significant(values), want)


@pytest.mark.parametrize("rounding", ["rne", "zero"])
@pytest.mark.parametrize("name", ["fp32", "bf16", "fp16", "e6m5", "e5m2", "e4m3fn-sat"])
def test_sums_are_rounded_once(name, rounding):
    fmt = Float.parse(name)
    x = nearest(fmt, samples(fmt.max, 300)) if fmt.width <= 16 else samples(1e30, 300)
    x = np.where(np.isfinite(x), x, 1.0)
    rng = np.random.default_rng(1)
    y = rng.permutation(x) * rng.permutation(x)
    half = x * 2.0 ** -(fmt.man + 1)
    x, y = np.tile(x, 4), np.concatenate([y, -x, half, half * (1 + 2.0**-30)])
    mode = gmpy2.RoundToNearest if rounding == "rne" else gmpy2.RoundToZero
    # gmpy2's exponents are those of significands below 1
    limits = {"emin": fmt.emin - fmt.man + 1, "emax": fmt.emax + 1, "subnormalize": True}
    pairs = [(gmpy2.mpfr(float(a)), gmpy2.mpfr(float(b))) for a, b in zip(x, y, strict=True)]
    with gmpy2.context(precision=fmt.man + 1, round=mode, **limits):
        want = np.array([float(gmpy2.add(*pair)) for pair in pairs])
    if fmt.saturate:
        want = np.clip(want, -fmt.max, fmt.max)
    np.testing.assert_array_equal(add_rounded(fmt, rounding, x, y), want)
