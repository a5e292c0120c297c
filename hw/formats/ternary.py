"""The narrowest weights: two values and three."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .integer import rounding_to_int


@dataclass(frozen=True)
class Binary:
    """One bit: code 0 is -1, code 1 is +1. Values are ``int64``; zero is rounded to +1."""

    width = 1
    signed = True
    name = "binary"
    min = -1
    max = 1
    least_exponent = 0
    has_nan = has_infinity = False

    def encode(self, values: ArrayLike) -> NDArray[np.uint64]:
        values = np.asarray(values)
        if values.size and not np.isin(values, (-1, 1)).all():
            raise ValueError("binary holds -1 and 1 only; quantize() rounds")
        return (values > 0).astype(np.uint64)

    def decode(self, codes: ArrayLike) -> NDArray[np.int64]:
        return 2 * (np.asarray(codes, np.uint64).astype(np.int64) & 1) - 1

    def quantize(self, values: ArrayLike, rounding: str = "rne") -> NDArray[np.int64]:
        values = rounding_to_int(self.name, values, rounding)
        return np.where(values < 0, -1, 1)


@dataclass(frozen=True)
class Ternary:
    """Two bits for -1, 0 and 1, in two's complement. Values are ``int64``.

    The low bit says whether there is a product, the high one its sign: code 10 is a second zero,
    so that an operand needs no check.
    """

    width = 2
    signed = True
    name = "ternary"
    min = -1
    max = 1
    least_exponent = 0
    has_nan = has_infinity = False

    def encode(self, values: ArrayLike) -> NDArray[np.uint64]:
        values = np.asarray(values)
        if values.size and not np.isin(values, (-1, 0, 1)).all():
            raise ValueError("ternary holds -1, 0 and 1 only; quantize() rounds")
        return values.astype(np.int64).astype(np.uint64) & np.uint64(3)

    def decode(self, codes: ArrayLike) -> NDArray[np.int64]:
        codes = np.asarray(codes, np.uint64).astype(np.int64)
        return (codes & 1) * (1 - (codes & 2))

    def quantize(self, values: ArrayLike, rounding: str = "rne") -> NDArray[np.int64]:
        values = rounding_to_int(self.name, values, rounding)
        return np.clip(np.rint(values), self.min, self.max).astype(np.int64)
