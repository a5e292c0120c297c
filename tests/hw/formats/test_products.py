"""Sums with a multiplier of one's own against integers, and what the formats make it see."""

import numpy as np
import pytest

from hw.formats import Fixed, Float, Int, Multiplier, Posit, parse_accumulator, parse_format
from hw.formats.multipliers import parse_multiplier
from hw.formats.products import ProductSums, bound, factors


@pytest.mark.parametrize(
    ("input", "weight", "accumulator", "names"),
    [
        ("int8", "uint4", "int32", "int8 uint4"),
        ("int8", "int8", "fixed24e-2", "int8 int8"),
        ("int8", "int8", "fixed24e1", "uint8 uint8"),
        ("int8", "uint4", "fp32", "uint8 uint4"),
        ("e4m3fn", "int8", "fp32", "uint4 uint8"),
        ("posit8es1", "e5m2", "fixed80e-40", "uint5 uint3"),
        ("e3m0fn", "e3m0fn", "fixed40e-10", "uint1 uint1"),
    ],
)
def test_factors(input, weight, accumulator, names):
    formats = parse_format(input), parse_format(weight), parse_accumulator(accumulator)
    assert " ".join(fmt.name for fmt in factors(*formats)) == names


def odd(a, b):
    """Not symmetric."""
    return np.where((a == 0) | (b == 0), 0, a * b - (a & 1) * (b >> 1 & 1))


def test_integers():
    rng = np.random.default_rng(1)
    a, w = rng.integers(-128, 128, (5, 9)), rng.integers(-8, 8, (9, 4))
    d = rng.integers(-128, 128, (5, 4))
    want = np.zeros((5, 4), int)
    for i, j in np.ndindex(5, 4):
        want[i, j] = d[i, j] + sum(int(odd(a[i, k], w[k, j])) for k in range(9))
    for accumulator, shift in ((Int(12), 0), (Fixed(30, -3), 3)):
        own = ProductSums(Multiplier("odd", odd), Int(8), Int(4), accumulator)
        got = own.tile(a, w, d)
        np.testing.assert_array_equal(got, accumulator.wrap(want << shift))


@pytest.mark.parametrize("accumulator", ["fixed49e-18", "fp32"])
def test_significands(accumulator):
    """Magnitudes by table, signs and specials as IEEE 754 has them."""
    fmt, mitchell = Float.parse("e5m2"), parse_multiplier("mitchell")
    own = ProductSums(mitchell, fmt, fmt, parse_accumulator(accumulator))
    # 1.75 * 1.75: 1 + .75 + .75 - 1 = .5 above 2^1
    x = [1.75, -1.5, 0.0, -0.0, np.inf, np.nan]
    got = own.products(x, [1.75, 1.25, -3.0, 0.0, -2.0, 1.0])
    np.testing.assert_array_equal(got, [3.0, -1.75, -0.0, -0.0, -np.inf, np.nan])
    assert np.signbit(got[2:4]).all()
    small = 2.0**-16
    got = own.products([3 * small], [0.875])
    assert got == 2.5 * small  # 1.5 * 1.75, 1.25 * 2


def test_refusals():
    e4m3 = Float.parse("e4m3fn")
    low = parse_multiplier("truncated7")
    bound(low, e4m3, e4m3, parse_accumulator("fixed49e-18"))
    with pytest.raises(ValueError, match="rounded accumulator it must be at least 64"):
        bound(low, e4m3, e4m3, parse_accumulator("fp32"))
    with pytest.raises(ValueError, match="uint13 by uint13 has 2.26 products"):
        bound(low, Posit(16, 1), Posit(16, 1), parse_accumulator("fp32"))
