"""Two's complement and unsigned integers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .rounding import whole, whole_numbers


@dataclass(frozen=True)
class Int:
    """An integer of `width` bits (1 to 32), two's complement if `signed` (2 to 32).

    Values are ``int64`` arrays, so that sums of any supported accumulator fit.
    """

    width: int
    signed: bool = True

    def __post_init__(self):
        least = 2 if self.signed else 1
        if not whole(self.width, least, 32):
            raise ValueError(
                f"Int.width is {self.width!r}; it must be an integer from {least} to 32"
            )

    @classmethod
    def parse(cls, name: str) -> "Int":
        """The format called `name`, such as ``int8`` or ``uint4``."""
        sign, found, width = name.partition("int")
        if sign not in ("", "u") or not found or not width.isdecimal():
            raise ValueError(f"no format {name!r}; integers are int2 to int32, uint1 to uint32")
        return cls(int(width), signed=not sign)

    @property
    def name(self) -> str:
        return f"{'int' if self.signed else 'uint'}{self.width}"

    @property
    def min(self) -> int:
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        return (1 << (self.width - self.signed)) - 1

    @property
    def least_exponent(self) -> int:
        """All values are whole multiples of 2 to this."""
        return 0

    def encode(self, values: ArrayLike) -> NDArray[np.uint64]:
        values = whole_numbers(self.name, values)
        if values.size and (values.min() < self.min or values.max() > self.max):
            raise ValueError(
                f"values from {values.min()} to {values.max()} do not fit {self.name} "
                f"({self.min} to {self.max}); quantize() saturates"
            )
        return values.astype(np.int64).astype(np.uint64) & np.uint64((1 << self.width) - 1)

    def decode(self, codes: ArrayLike) -> NDArray[np.int64]:
        codes = np.asarray(codes, dtype=np.uint64) & np.uint64((1 << self.width) - 1)
        values = codes.astype(np.int64)
        return values - ((values > self.max).astype(np.int64) << self.width)

    def wrap(self, values: ArrayLike) -> NDArray[np.int64]:
        """Values modulo 2**width: what an adder of this width leaves."""
        return self.decode(np.asarray(values, dtype=np.int64).astype(np.uint64))

    def saturate(self, values: ArrayLike) -> NDArray[np.int64]:
        """Integer values clipped to the limits."""
        return np.clip(np.asarray(values, dtype=np.int64), self.min, self.max)

    def quantize(self, values: ArrayLike, rounding: str = "rne") -> NDArray[np.int64]:
        values = rounding_to_int(self.name, values, rounding)
        return np.clip(np.rint(values), self.min, self.max).astype(np.int64)


def rounding_to_int(name: str, values: ArrayLike, rounding: str) -> NDArray[np.float64]:
    """`values` that the integer format `name` can round; ValueError for NaN or another rounding."""
    if rounding != "rne":
        raise ValueError(f"rounding {rounding!r} is not offered for {name}; use 'rne'")
    values = np.asarray(values, dtype=np.float64)
    if np.isnan(values).any():
        raise ValueError(f"NaN has no {name} value; replace it before quantize()")
    return values
