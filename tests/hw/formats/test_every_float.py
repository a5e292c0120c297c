"""Every float up to 12 bits, every code and every border, against gfloat.

``ALHENA_FULL=1`` takes those up to 16 bits.
"""

import os
from itertools import product

import numpy as np
import pytest
from gfloat import RoundMode, decode_ndarray, round_ndarray

from hw.formats import Float
from tests.hw.formats.test_float import codes, oracle, same

FULL = os.environ.get("ALHENA_FULL") == "1"
WIDEST = 16 if FULL else 12
MODES = {"rne": RoundMode.TiesToEven, "zero": RoundMode.TowardZero}


def formats(exp: int, man: int):
    for kind in ("ieee", "fn", "fnuz", "none"):
        few = exp + man == 1 if kind == "fn" else exp < 2 or man < 1
        if not (few and kind in ("ieee", "fn")):
            yield Float(exp, man, specials=kind)


def borders(fmt: Float) -> np.ndarray:
    """Every number, every middle between two, what is next to them, and what is too large."""
    numbers = fmt.decode(codes(fmt))
    numbers = np.unique(numbers[np.isfinite(numbers)])
    step = numbers[-1] - numbers[-2]
    numbers = np.concatenate([[numbers[0] - step], numbers, [numbers[-1] + step]])
    middles = (numbers[1:] + numbers[:-1]) / 2
    points = np.concatenate([numbers, middles, [-0.0, 1e300, -1e300]])
    return np.concatenate([points, np.nextafter(points, np.inf), np.nextafter(points, -np.inf)])


SIZES = [(e, m) for e, m in product(range(1, 9), range(16)) if 3 <= 1 + e + m <= WIDEST]


@pytest.mark.parametrize(("exp", "man"), SIZES)
def test_every_code_and_border(exp, man):
    for fmt in formats(exp, man):
        info = oracle(fmt)
        values = fmt.decode(codes(fmt))
        same(values, decode_ndarray(info, codes(fmt).astype(np.int64)))
        number = ~np.isnan(values)
        assert fmt.encode(values[number]).tolist() == np.flatnonzero(number).tolist(), fmt
        assert (fmt.min, fmt.max) == (
            min(values[np.isfinite(values)]),
            max(values[np.isfinite(values)]),
        )
        points = borders(fmt)
        for saturate, (mode, theirs) in product((False, True), MODES.items()):
            mine = Float(exp, man, specials=fmt.specials, saturate=saturate)
            some = points
            if mode == "zero" and not mine.saturate:  # IEEE 754: nothing finite becomes infinite
                some = points[np.abs(points) <= fmt.max]
                beyond = points[np.abs(points) > fmt.max]
                same(mine.quantize(beyond, "zero"), np.copysign(fmt.max, beyond))
            want = round_ndarray(info, some, theirs, sat=mine.saturate)
            same(mine.quantize(some, mode), want)
