"""The reference's sums against fractions, product after product."""

from fractions import Fraction

import numpy as np
import pytest

from hw.formats import Int
from hw.formats.names import parse_accumulator
from sw.network.sums import dot

TILES = [(3, 3), (0, 3), (6, 2)]


def operands(bits: int):
    rng = np.random.default_rng(bits)
    draw = [rng.integers(-(1 << bits), 1 << bits, s) * 2.0**-bits for s in ((4, 8), (8, 3), (3,))]
    return draw[0], draw[1], np.rint(draw[2] * 16) / 16


def fixed(width: int, lsb: int, saturate: bool, x, w, bias) -> Fraction:
    """A sum in units, tiles in order."""
    half = 1 << (width - 1)

    def held(units: int) -> int:
        if saturate:
            return max(1 - half, min(half - 1, units))
        return (units + half) % (2 * half) - half

    total = int(Fraction(bias) / Fraction(2) ** lsb)
    for first, count in TILES:
        part = 0
        for k in range(first, first + count):
            part = held(part + int(Fraction(x[k]) * Fraction(w[k]) / Fraction(2) ** lsb))
        total = held(total + max(part, 1 - half))
        total = max(total, 1 - half)
    return total * Fraction(2) ** lsb


@pytest.mark.parametrize(
    "name", ["fixed20e-14", "fixed8e-5", "fixed8e-6-sat", "fixed64e-14", "fixed90e-40", "fixed6e-3"]
)
def test_fixed_point(name):
    accumulator = parse_accumulator(name)
    x, w, bias = operands(7)
    got = dot(accumulator, x, w, bias, TILES)
    shape = accumulator.width, accumulator.lsb, accumulator.overflow == "saturate"
    for i, j in np.ndindex(got.shape):
        assert Fraction(got[i, j]) == fixed(*shape, x[i], w[:, j], bias[j])


def test_integers_wrap():
    x, w = np.full((1, 8), 100.0), np.full((8, 1), 127.0)
    for width in (17, 32):
        want = (8 * 12700 + 5 + (1 << width - 1)) % (1 << width) - (1 << width - 1)
        assert dot(Int(width), x, w, np.array([5.0]), TILES) == want


def test_float32_sums_follow_the_tiles():
    rng = np.random.default_rng(3)
    x, w = (rng.normal(size=s).astype(np.float32) for s in ((4, 8), (8, 3)))
    bias = rng.normal(size=3).astype(np.float32)
    x, w = (np.rint(v * 2048) / 2048 for v in (x, w))  # so that products are exact in float32
    total = np.broadcast_to(bias, (4, 3))
    for first, count in TILES:
        part = np.zeros((4, 3), np.float32)
        for k in range(first, first + count):
            part = part + (x[:, k, None] * w[k]).astype(np.float32)
        total = total + part
    got = dot(parse_accumulator("fp32"), *(v.astype(np.float64) for v in (x, w, bias)), TILES)
    np.testing.assert_array_equal(got, total.astype(np.float64))


def test_infinities_and_nan():
    x = np.array([[1.0, np.inf], [1.0, np.nan], [2.0, 3.0]])
    w, bias = np.ones((2, 1)), np.zeros(1)
    whole = [(0, 2)]
    got = dot(parse_accumulator("fixed30e-2"), x, w, bias, whole).ravel()
    np.testing.assert_array_equal(got, [np.nan, np.nan, 5])
    got = dot(parse_accumulator("fp32"), x, w, bias, whole).ravel()
    np.testing.assert_array_equal(got, [np.inf, np.nan, 5])


def test_stochastic_sums_are_refused():
    with pytest.raises(ValueError, match="bf16-sr4 sums depend on random bits"):
        dot(parse_accumulator("bf16-sr4"), np.ones((1, 1)), np.ones((1, 1)), np.zeros(1), [(0, 1)])
