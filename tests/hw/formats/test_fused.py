"""Fused multiply-add in every format, every rounding, against MPFR and integers.

``ALHENA_FULL=1`` takes a million random, cancelling and corner cases each.
"""

import math
import os
from bisect import bisect_right
from fractions import Fraction
from functools import cache

import gmpy2
import numpy as np
import pytest

from hw.formats import Float, Posit, Rounded
from tests.hw.arith.mac.oracle import fused
from tests.hw.formats.test_accumulator import MODES, operands
from tests.hw.formats.test_float import same
from tests.hw.formats.test_posit import value

COUNT = 1_000_000 if os.environ.get("ALHENA_FULL") == "1" else 3_000
FLOATS = (
    *("e8m7b512", "e8m23b-256"),
    *("tf32", "e4m3", "e4m3fn", "e4m3fnuz", "e3m4", "e2m3", "e3m2", "e2m1", "e6m9-ftz", "bf16-ftz"),
    *("e5m2-sat", "e4m3fn-sat", "e4m3fnuz-ftz-sat", "e5m2fnuz", "e5m0fn", "e4m3b11", "e1m2none"),
)
"""Those that are not in test_accumulator.py."""


def corners(fmt: Float, values):
    """`values`, every ninth of them an extreme: zeros, least, largest, no numbers."""
    codes = [
        0,
        1,
        (1 << fmt.man) - 1,
        1 << fmt.man,
        *fmt.encode(fmt.quantize([fmt.max, fmt.min, 1.0])),
    ]
    codes = [*codes, *(c ^ 1 << fmt.width - 1 for c in map(int, codes))]
    codes += [fmt.nan_code] if fmt.has_nan else []
    some = fmt.decode(codes)
    some = np.append(some, [np.inf, -np.inf] if fmt.has_infinity else [])
    places = np.random.default_rng(len(values)).integers(0, len(some), len(values[::9]))
    values[::9] = some[places]
    return values


def triples(fmt: Float):
    x, y, z = operands(fmt, fmt, fmt, COUNT)
    shifts = np.random.default_rng(7).permutation(3)
    return [np.roll(corners(fmt, v), s) for v, s in zip((x, y, z), shifts.tolist(), strict=True)]


def finished(fmt: Float, size: float, mode: str, finite: bool) -> float:
    """What a sum rounded to enough exponents becomes (docs/numbers.md, *Rounding*)."""
    if math.isnan(size):
        return math.nan if fmt.has_nan else 0.0
    if abs(size) > fmt.max:
        if fmt.saturate or (mode == "zero" and finite):
            return math.copysign(fmt.max, size)
        return math.copysign(math.inf, size) if fmt.has_infinity else math.nan
    if not fmt.subnormals and abs(size) < 2.0**fmt.emin:
        size = math.copysign(0.0, size)
    return size + 0.0 if fmt.specials == "fnuz" else size


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FLOATS)
def test_floats(name, mode):
    fmt = Float.parse(name)
    x, y, z = triples(fmt)
    got = Rounded(fmt, mode).multiply_add(x, y, z)
    finite = (np.isfinite(x) & np.isfinite(y) & np.isfinite(z)).tolist()
    exact = [list(map(gmpy2.mpfr, v.tolist())) for v in (x, y, z)]
    if fmt.man:
        context = gmpy2.context(
            precision=fmt.man + 1, emin=fmt.emin - fmt.man + 1, subnormalize=True, round=MODES[mode]
        )
        with context:
            sums = [float(gmpy2.fma(*three)) for three in zip(*exact, strict=True)]
    else:  # MPFR has no such short numbers
        with gmpy2.context(precision=200):
            sums = [one_bit(fmt, gmpy2.fma(*t), mode) for t in zip(*exact, strict=True)]
    pairs = zip(sums, finite, strict=True)
    same(got, np.array([finished(fmt, size, mode, good) for size, good in pairs]))


def one_bit(fmt: Float, total, mode: str) -> float:
    """The power of two for an exact sum; a tie goes to the even exponent field."""
    size = float(abs(total))
    if not math.isfinite(size) or not size:
        return float(total)
    least = 2.0**fmt.emin
    low = 2.0 ** gmpy2.floor(gmpy2.log2(abs(total))) if size >= least else 0.0
    high = max(2 * low, least)
    middle = (low + high) / 2
    field = int(math.log2(low)) + fmt.bias if low else 0
    up = mode == "rne" and (abs(total) > middle or (abs(total) == middle and field % 2))
    return math.copysign(high if up else low, total)


@pytest.mark.parametrize("bits", [1, 7, 16])
@pytest.mark.parametrize("name", ["fp32", "bf16", "fp16", "tf32", "e4m3fn", "e5m2-sat", "e6m9-ftz"])
def test_stochastic_rounding(name, bits):
    """count + (behind + random >= 2**bits), in integers."""
    fmt = Float.parse(name)
    x, y, z = triples(fmt)
    random = np.random.default_rng(bits).integers(0, 1 << bits, COUNT)
    got = Rounded(fmt, "stochastic", bits).multiply_add(x, y, z, random)
    four = zip(x.tolist(), y.tolist(), z.tolist(), random.tolist(), strict=True)
    want = [fused(fmt, a, b, c, "stochastic", r, bits) for a, b, c, r in four]
    same(got, fmt.decode(want))


@cache
def borders_of(n: int, es: int) -> list[float]:
    """The posits of one more bit: every other one has n bits."""
    exact = [value(code, n + 1, es) for code in range(1 << n)]
    assert [Fraction(float(x)) for x in exact] == exact
    return list(map(float, exact))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("n", "es"), [(4, 0), (6, 2), (8, 0), (8, 1), (8, 2), (16, 1), (16, 2)])
def test_posits(n, es, mode):
    """The exact sum lies above so many borders: posits of one more bit, or the values."""
    fmt, rng = Posit(n, es), np.random.default_rng(n)
    x, y, z = (fmt.decode(rng.integers(0, 1 << n, COUNT)) for _ in range(3))
    z[::2] = fmt.quantize(-x[::2] * y[::2] * (1 + rng.integers(-2, 3, len(x[::2])) / 64))
    got = fmt.encode(Rounded(fmt, mode).multiply_add(x, y, z)).tolist()
    half = 1 << n - 1
    borders = borders_of(n, es)[mode == "rne" :: 2]
    exact = [list(map(gmpy2.mpfr, v.tolist())) for v in (x, y, z)]
    with gmpy2.context(precision=600):
        totals = [gmpy2.fma(*three) for three in zip(*exact, strict=True)]
        sizes = list(map(abs, totals))
    for total, size, code in zip(totals, sizes, got, strict=True):
        if not gmpy2.is_finite(total):
            assert code == half
            continue
        want = bisect_right(borders, size)
        if mode == "rne":
            want -= bool(want and borders[want - 1] == size and want % 2)  # of a tie the even one
        else:
            want -= 1
        want = min(max(want, 1), half - 1) if size else 0
        assert code == (-want % (1 << n) if total < 0 else want), float(total)
