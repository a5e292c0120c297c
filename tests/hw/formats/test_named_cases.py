"""Special values, limits and ties by name, as the standards' tables have them.

OCP OFP8 1.0, table 1; OCP Microscaling 1.0, tables 1 to 5; IEEE 754-2019, table 3.5.
"""

import numpy as np
import pytest

from hw.formats import Float, Int, Log, Posit, Rounded, Ternary, parse_format
from tests.hw.formats.test_float import same

INF, NAN = np.inf, np.nan
LIMITS = {  # code of each: largest, least normal, largest subnormal, least subnormal
    "e4m3fn": [(0x7E, 448), (0x08, 2**-6), (0x07, 0.875 * 2**-6), (0x01, 2**-9)],
    "e5m2": [(0x7B, 57344), (0x04, 2**-14), (0x03, 0.75 * 2**-14), (0x01, 2**-16)],
    "e2m3": [(0x1F, 7.5), (0x08, 1), (0x07, 0.875), (0x01, 0.125)],
    "e3m2": [(0x1F, 28), (0x04, 0.25), (0x03, 0.1875), (0x01, 0.0625)],
    "e2m1": [(0x7, 6), (0x2, 1), (0x1, 0.5), (0x1, 0.5)],
    "fp16": [(0x7BFF, 65504), (0x400, 2**-14), (0x3FF, 1023 * 2**-24), (0x1, 2**-24)],
    "bf16": [(0x7F7F, 255 * 2.0**120), (0x80, 2**-126), (0x7F, 127 * 2**-133), (0x1, 2**-133)],
    "fp32": [(0x7F7FFFFF, (2**24 - 1) * 2.0**104), (0x800000, 2**-126),
             (0x7FFFFF, (2**23 - 1) * 2**-149), (0x1, 2**-149)],
}  # fmt: skip
NO_NUMBERS = {
    "e4m3fn": {0x7F: NAN, 0xFF: NAN},
    "e5m2": {0x7C: INF, 0xFC: -INF, 0x7D: NAN, 0x7E: NAN, 0x7F: NAN, 0xFF: NAN},
    "e4m3fnuz": {0x80: NAN},
    "fp16": {0x7C00: INF, 0xFC00: -INF, 0x7C01: NAN, 0x7E00: NAN},
    "posit8es2": {0x80: NAN},
    "log8": {0x80: NAN},
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_and_subnormals(name):
    fmt, sign = Float.parse(name), 1 << Float.parse(name).width - 1
    for code, value in LIMITS[name]:
        for c, v in ((code, value), (code | sign, -value)):
            assert fmt.decode(c) == v and fmt.encode(v) == c and fmt.quantize(v) == v
    assert fmt.max == LIMITS[name][0][1]


@pytest.mark.parametrize("name", NO_NUMBERS)
def test_nan_and_infinities(name):
    fmt = parse_format(name)
    for code, value in NO_NUMBERS[name].items():
        same(fmt.decode([code]), np.array([value]))
    assert np.isnan(fmt.decode(fmt.encode(NAN))) and np.isnan(fmt.quantize(NAN))
    if not fmt.has_infinity:
        beyond = fmt.max if isinstance(fmt, Log) else NAN
        same(fmt.quantize([INF, -INF]), np.array([beyond, -beyond]))


@pytest.mark.parametrize("name", ["e4m3fn", "e5m2", "e2m1", "fp16", "e5m2-ftz"])
def test_signed_zeros(name):
    fmt = Float.parse(name)
    sign = 1 << fmt.width - 1
    same(fmt.decode([0, sign]), np.array([0.0, -0.0]))
    assert fmt.encode([0.0, -0.0]).tolist() == [0, sign]
    small = 2.0 ** (fmt.emin - fmt.man - 3)
    same(fmt.quantize([small, -small]), np.array([0.0, -0.0]))
    step = Rounded(fmt).multiply_add
    same(step([0, -0.0, -1, 1, 1], [1, 1, 0, -1, 0], [-0.0, -0.0, 0, 1, -0.0]),
         np.array([0.0, -0.0, 0.0, 0.0, 0.0]))  # fmt: skip
    same(Rounded(fmt, "zero").multiply_add([1.0], [-1.0], [1.0]), np.array([0.0]))


def test_formats_with_one_zero():
    for fmt in (Float.parse("e4m3fnuz"), Posit(8, 1), Log(8), Int(8), Ternary()):
        assert fmt.encode([-0.0]) == 0 and not np.signbit(fmt.quantize([-0.0]))
    small = np.array([-(2.0**-60)])
    assert not np.signbit(Float.parse("e4m3fnuz").quantize(small))
    assert Posit(8, 1).quantize(small) == -(2.0**-12) and Log(8).quantize(small) == 0


TIES = {
    "e4m3fn": [(1.0625, 1.0), (1.1875, 1.25), (17, 16), (19, 20), (2**-10, 0), (3 * 2**-10, 2**-8)],
    "e2m1": [(0.25, 0), (0.75, 1), (1.25, 1), (1.75, 2), (2.5, 2), (3.5, 4), (5, 4), (7, 6)],
    "fp16": [(1 + 2**-11, 1), (1 + 3 * 2**-11, 1 + 2**-9), (65519.99, 65504), (2**-25, 0)],
    "e5m0fn": [(1.5, 2), (3, 2), (6, 8), (0.75, 0.5), (2**-15, 0)],
    "e4m0fnuz": [(1.5, 2), (3, 2), (0.75, 0.5)],
    "posit8es1": [(1 + 1 / 32, 1), (1 + 3 / 32, 1.125), (3 * 2**10, 4096), (2**-13, 2**-12)],
    "int8": [(0.5, 0), (1.5, 2), (2.5, 2), (126.5, 126)],
}


@pytest.mark.parametrize("name", TIES)
def test_ties(name):
    """To the even code, on both sides of zero; what lies beside a tie goes to its own side."""
    fmt = parse_format(name)
    for value, want in TIES[name]:
        assert fmt.quantize(value) == want and fmt.quantize(-value) == -want, value
    if name == "int8":
        return
    for value, _ in TIES[name]:
        below, above = fmt.quantize([np.nextafter(value, 0), np.nextafter(value, INF)])
        assert below <= fmt.quantize(value) <= above


OVERFLOWS = {  # largest, the tie above it, twice as much, infinity
    "e5m2": [57344, INF, INF, INF],
    "e5m2-sat": [57344, 57344, 57344, 57344],
    "e4m3fn": [448, 448, NAN, NAN],  # the tie goes to 448, whose code is even
    "e4m3fn-sat": [448, 448, 448, 448],
    "e4m3fnuz": [240, NAN, NAN, NAN],
    "e2m1": [6, 6, 6, 6],
    "posit8es0": [64, 64, 64, NAN],
    "log8": [2**7.875, 2**7.875, 2**7.875, 2**7.875],
}


@pytest.mark.parametrize("name", OVERFLOWS)
def test_overflow(name):
    fmt = parse_format(name)
    most = fmt.max
    codes = np.arange(1 << fmt.width - 1)
    numbers = np.sort(fmt.decode(codes)[np.isfinite(fmt.decode(codes))])
    tie = most + (most - numbers[-2]) / 2
    want = np.array(OVERFLOWS[name], float)
    points = np.array([most, tie, 2 * most, INF])
    np.testing.assert_allclose(fmt.quantize(points), want, rtol=2**-6 if name == "log8" else 0)
    np.testing.assert_allclose(fmt.quantize(-points), -want, rtol=2**-6 if name == "log8" else 0)
    assert (fmt.quantize(points[:3], "zero") == most).all()
