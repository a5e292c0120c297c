"""The scale path: how mvin and mvout turn values of one format into those of another."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .base import Format
from .integer import Int
from .ternary import Ternary

SIGNIFICAND = 24
"""Bits of float32's significand, the hidden one included."""


def to24(values: ArrayLike) -> NDArray[np.float64]:
    """Values rounded to `SIGNIFICAND` bits, ties to even; the exponent has no limits.

    As all of the path: magnitudes must lie between 2**-800 and 2**800, or be 0 or not finite.
    Values of more than 53 bits must have been rounded to odd.
    """
    fraction, exponent = np.frexp(np.asarray(values, np.float64))
    return np.ldexp(np.rint(np.ldexp(fraction, SIGNIFICAND)), exponent - SIGNIFICAND)


def scale(values: ArrayLike, factor: ArrayLike, target: Format, relu: bool = False) -> NDArray:
    """Values of `target` for ``relu(values) · factor``, rounded three times, ties to even.

    To 24 bits, the product again to 24 bits, then to the target (docs/numbers.md). `factor` is a
    finite float32; a subnormal one counts as zero. `relu` makes +0 of what is not above 0, but for
    NaN. A NaN that the target does not have becomes 0. Between integers (an array of them, of at
    most 32 bits) it is float32's own arithmetic.
    """
    values = np.asarray(values)
    if relu:
        values = np.where(values <= 0, 0, values)
    if values.dtype.kind == "i" and isinstance(target, Int):
        with np.errstate(over="ignore", under="ignore"):  # both ways saturate as they should
            product = values.astype(np.float32) * np.asarray(factor, np.float32)
        return target.quantize(product)
    factor = np.asarray(factor, np.float32).astype(np.float64)
    factor = np.where(np.abs(factor) < 2.0**-126, np.copysign(0.0, factor), factor)
    with np.errstate(invalid="ignore"):
        product = to24(values) * factor  # exact: 48 bits
    return fit(to24(product), target)


def fit(values: ArrayLike, target: Format) -> NDArray:
    """``target.quantize(values)`` for any values: a NaN that the target does not have becomes 0."""
    values = np.asarray(values, np.float64)
    if isinstance(target, Int | Ternary):
        values = np.where(np.isnan(values), 0.0, values)
    return target.quantize(values)
