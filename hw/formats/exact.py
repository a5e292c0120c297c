"""float64 values as exact numbers: sums with one rounding, and products of matrices of integers."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


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


def least_exponent(values: NDArray[np.float64]) -> int:
    """The largest e for which all `values` (finite) are whole multiples of 2**e; 0 if all are 0."""
    fraction, exponent = np.frexp(values)
    size = np.ldexp(fraction, 53).astype(np.int64)
    lowest = np.frexp((size & -size).astype(np.float64))[1] + exponent - 54
    return int(lowest[size != 0].min(initial=2048)) if size.any() else 0


def integers64(values: ArrayLike, exponent: int) -> NDArray[np.int64]:
    """Finite values in units of 2**exponent, cut off toward zero, modulo 2**64."""
    fraction, places = np.frexp(np.asarray(values, np.float64))
    size = np.ldexp(np.abs(fraction), 53).astype(np.int64)
    places = places.astype(np.int64) - 53 - exponent
    up = np.where(places > 63, 0, size << np.clip(places, 0, 63))
    size = np.where(places >= 0, up, size >> np.clip(-places, 0, 63))
    return np.where(fraction < 0, -size, size)


def integers(values: ArrayLike, exponent: int) -> NDArray[np.object_]:
    """Finite values in units of 2**exponent, cut off toward zero, as Python integers."""
    fraction, places = np.frexp(np.asarray(values, np.float64))
    size = np.ldexp(fraction, 53).astype(np.int64).astype(object)
    return _shifted(size, places.astype(np.int64) - 53 - exponent)


def _shift(value: int, places: int) -> int:
    size = abs(value) << places if places >= 0 else abs(value) >> -places
    return size if value >= 0 else -size


_shifted = np.vectorize(_shift, otypes=[object])


def odd(total: int, exponent: int) -> float:
    """``total * 2**exponent``, rounded to odd."""
    lost = max(abs(total).bit_length() - 53, 0)
    kept = abs(total) >> lost
    kept |= (kept << lost) != abs(total)
    return float(np.ldexp(float(kept if total >= 0 else -kept), exponent + lost))


def _product_to_odd(units: int, factor: float) -> float:
    fraction, exponent = np.frexp(factor)
    return odd(units * int(fraction * 2.0**53), int(exponent) - 53)


product_to_odd = np.vectorize(_product_to_odd, otypes=[np.float64])
"""Python integers · finite float64, rounded to odd."""


def digits_product(a: NDArray, w: NDArray) -> list[tuple[int, NDArray[np.int64]]]:
    """a[M, K] · w[K, N] of float64 integers of any size: pairs (p, t), the product is Σ t·2**p.

    Both are written in digits of so few bits that their products sum up exactly in float64.
    """
    k = a.shape[1]
    base = (52 - k.bit_length()) // 2
    digits = [list(_digits(x, base)) for x in (a, w)]
    places: dict[int, NDArray] = {}
    for i, x in digits[0]:
        for j, y in digits[1]:
            part = (x @ y).astype(np.int64)
            places[i + j] = places[i + j] + part if i + j in places else part
    return sorted(places.items())


def _digits(values: NDArray[np.float64], base: int):
    """Pairs (place, signed digits), digits that are zero everywhere left out."""
    place = 0
    while values.any():
        above = np.trunc(np.ldexp(values, -base))
        digit = values - np.ldexp(above, base)
        if digit.any():
            yield place, digit
        values, place = above, place + base
