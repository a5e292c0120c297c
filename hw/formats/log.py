"""Logarithmic numbers: a sign and a fixed-point exponent."""

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .nearest import Listed
from .rounding import whole


@dataclass(frozen=True)
class Log(Listed):
    """``sign | field``; a field f > 0 stands for 2**((f - bias) / 2**fraction), field 0 for zero.

    So that products and sums stay exact numbers, the values within an octave are those powers of
    two rounded to `man` bits behind the point (the values of whole exponents are exact; with the
    default the others are wrong by less than a twentieth of a step). Of codes with field 0, the one
    with the sign is NaN. Too large a number, or an infinity, becomes the largest.

    Parameters
    ----------
    width : int
        Bits, 3 to 16.
    fraction : int
        Bits of the exponent behind the point, 0 to width - 3; by default width - 5, or 0.
    bias : int
        The field of 1.0, by default the middle, 2**(width - 2).
    man : int
        At most 20; by default fraction + 4, or 0 without fraction.
    """

    width: int
    fraction: int | None = None
    bias: int | None = None
    man: int | None = None

    signed = True
    has_nan = True
    has_infinity = False

    def __post_init__(self):
        self._check("width", 3, 16, max(self.width - 5, 0) if whole(self.width, 3, 16) else 0)
        self._check("fraction", 0, self.width - 3, max(self.width - 5, 0))
        self._check("bias", 1, (1 << self.width - 1) - 1, 1 << self.width - 2)
        default = self.fraction + 4 if self.fraction else 0
        self._check("man", self.fraction + 1 if self.fraction else 0, 20, default)
        if abs(np.array(self._exponents)).max() > 500:
            raise ValueError(
                f"Log.fraction is {self.fraction}; it must be larger: {self.name} reaches beyond "
                "2**500"
            )

    def _check(self, field: str, least: int, most: int, default: int):
        value = getattr(self, field)
        if value is None:
            object.__setattr__(self, field, default)
        elif not whole(value, least, most):
            raise ValueError(f"Log.{field} is {value!r}; it must be from {least} to {most}")

    @classmethod
    def parse(cls, name: str) -> "Log":
        """The format called `name`: ``log8``, ``log6f2``, ``log8f3b100m9``."""
        found = re.fullmatch(r"log(\d+)(?:f(\d+))?(?:b(\d+))?(?:m(\d+))?", name)
        if not found:
            raise ValueError(f"no format {name!r}; logarithmic ones are log<bits>f<fraction bits>")
        return cls(*(None if part is None else int(part) for part in found.groups()))

    @property
    def name(self) -> str:
        bias = "" if self.bias == 1 << self.width - 2 else f"b{self.bias}"
        man = "" if self.man == (self.fraction + 4 if self.fraction else 0) else f"m{self.man}"
        return f"log{self.width}f{self.fraction}{bias}{man}"

    @property
    def _exponents(self) -> tuple[int, int]:
        """Exponents of the least and of the largest magnitude, rounded down."""
        most = (1 << self.width - 1) - 1
        return (1 - self.bias) >> self.fraction, (most - self.bias) >> self.fraction

    @property
    def least_exponent(self) -> int:
        """All values are whole multiples of 2 to this."""
        return self._exponents[0] - self.man

    @property
    def nan_code(self) -> int:
        return 1 << self.width - 1

    @property
    def _values(self) -> NDArray[np.float64]:
        return _values(self)

    @property
    def _order(self) -> NDArray[np.int64]:
        half = 1 << self.width - 1
        return np.concatenate([np.arange(2 * half - 1, half, -1), np.arange(half)])

    def _codes(self, values: NDArray[np.float64], rounding: str) -> NDArray[np.uint64]:
        codes = super()._codes(np.where(np.isnan(values), 0.0, values), rounding)
        return np.where(np.isnan(values), np.uint64(self.nan_code), codes)


@cache
def _values(fmt: Log) -> NDArray[np.float64]:
    """The value of every code."""
    fields = np.arange(1, 1 << fmt.width - 1) - fmt.bias
    whole_part = fields >> fmt.fraction
    rest = (fields - (whole_part << fmt.fraction)) / (1 << fmt.fraction)
    significand = np.rint(np.ldexp(np.exp2(rest), fmt.man))
    sizes = np.ldexp(significand, whole_part - fmt.man)
    return np.concatenate([[0.0], sizes, [np.nan], -sizes])
