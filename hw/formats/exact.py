"""Sums and products of float64 values with one rounding at the end."""

import numpy as np
from numpy.typing import NDArray


def sum_to_odd(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """x + y, rounded to odd: exact, or the neighbour of the sum whose last bit is 1.

    Rounding that to at most 51 bits, in any mode, gives what rounding the sum itself does (Boldo,
    Melquiond: Emulation of FMA and correctly rounded sums, 2008). The error of the sum is Knuth's
    TwoSum. Magnitudes must lie between 2**-900 and 2**900, or be 0 or not finite.
    """
    with np.errstate(invalid="ignore"):
        total = x + y
        back = total - x
        error = (x - (total - back)) + (y - back)
    inexact = np.isfinite(total) & (error != 0)
    bits = total.view(np.int64)
    outward = (error > 0) == (total > 0)
    moved = bits + np.where(outward, 1, -1)  # the neighbour on the side of the exact sum
    return np.where(inexact & (bits & 1 == 0), moved, bits).view(np.float64)
