"""Scales that are powers of two (OCP Microscaling Formats 1.0, section 5.4.1)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .rounding import unchanged


@dataclass(frozen=True)
class E8M0:
    """Eight bits of exponent: code c is 2**(c - 127), code 255 is NaN. No sign, no zero."""

    width = 8
    signed = False
    name = "e8m0"
    min = 2.0**-127
    max = 2.0**127
    emax = 127
    least_exponent = -127
    nan_code = 255
    has_nan = True
    has_infinity = False

    def decode(self, codes: ArrayLike) -> NDArray[np.float64]:
        codes = np.asarray(codes, np.uint64).astype(np.int64) & 255
        return np.where(codes == 255, np.nan, np.ldexp(1.0, codes - 127))

    def encode(self, values: ArrayLike) -> NDArray[np.uint64]:
        """Codes of values of this format; ValueError for others (quantize() rounds)."""
        values = np.asarray(values, np.float64)
        unchanged(self.name, values, self.quantize(values))
        number = np.where(np.isnan(values), 1.0, values)
        return np.where(np.isnan(values), 255, np.frexp(number)[1] + 126).astype(np.uint64)

    def quantize(self, values: ArrayLike, rounding: str = "rne") -> NDArray[np.float64]:
        """``rne``: the nearest power of two, of two the one with the even code; ``zero``: the next
        lower one. Held to the limits; what is negative becomes NaN."""
        values = np.asarray(values, np.float64)
        if rounding not in ("rne", "zero"):
            raise ValueError(f"rounding is {rounding!r}; it must be rne or zero")
        number = np.clip(np.where(np.isnan(values), 1.0, values), self.min, self.max)
        fraction, exponent = np.frexp(number)
        exponent = exponent - 1
        tie_up = (fraction == 0.75) & (exponent % 2 == 0)  # code exponent + 127 is odd
        if rounding == "rne":
            exponent = exponent + ((fraction > 0.75) | tie_up)
        powers = np.ldexp(1.0, exponent)
        return np.where(np.isnan(values) | (values < 0), np.nan, powers)
