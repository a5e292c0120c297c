"""Fixed point, wide enough for any sum of products of narrow formats."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .base import Format
from .codebook import entry
from .exact import integers, odd
from .rounding import whole, whole_numbers

OVERFLOWS = ("wrap", "saturate")


@dataclass(frozen=True)
class Fixed:
    """Two's complement fixed point of `width` bits, the lowest worth 2**lsb.

    Its values are counted in units of 2**lsb: ``int64`` up to 64 bits (62 if it saturates), Python
    integers (arrays of ``object``) above; codes are ``uint64`` up to 64 bits, Python integers
    above. The lowest code is no number. `overflow`, ``wrap`` or ``saturate``, says what sums beyond
    the range become (:class:`.sums.FixedSums`).
    """

    width: int
    lsb: int
    overflow: str = "wrap"

    def __post_init__(self):
        if not whole(self.width, 2, 1024):
            raise ValueError(f"Fixed.width is {self.width!r}; it must be an integer from 2 to 1024")
        if not whole(self.lsb, -1074, 640):  # products of all formats, as float64 has them
            raise ValueError(f"Fixed.lsb is {self.lsb!r}; it must be an integer from -1074 to 640")
        if self.overflow not in OVERFLOWS:
            raise ValueError(f"Fixed.overflow is {self.overflow!r}; it must be wrap or saturate")

    @classmethod
    def exact(cls, a: Format, b: Format, k: int) -> "Fixed":
        """The narrowest that sums `k` products of `a` and `b` without loss: of all values that a
        table can be loaded with, where weights are indices (:func:`.codebook.entry`)."""
        return cls(*cls.needs(a, b, k))

    @staticmethod
    def needs(a: Format, b: Format, k: int) -> tuple[int, int]:
        """Width and lsb of :meth:`exact`, however large."""
        b = entry(a, b)
        lsb = a.least_exponent + b.least_exponent
        largest = [max(abs(int(x * 2**-f.least_exponent)) for x in (f.min, f.max)) for f in (a, b)]
        return (largest[0] * largest[1] * k).bit_length() + 1, lsb

    @classmethod
    def parse(cls, name: str) -> "Fixed":
        """The accumulator called `name`: ``fixed49e-18``, ``fixed24e-8-sat``."""
        found = re.fullmatch(r"fixed(\d+)e(-?\d+)(-sat)?", name)
        if not found:
            raise ValueError(f"no format {name!r}; fixed point is fixed<bits>e<lsb>, -sat behind")
        return cls(int(found[1]), int(found[2]), "saturate" if found[3] else "wrap")

    @property
    def name(self) -> str:
        return f"fixed{self.width}e{self.lsb}" + ("-sat" if self.overflow == "saturate" else "")

    signed = True

    @property
    def min(self) -> int:
        """Lowest number, in units of 2**lsb; one above the code of no number."""
        return -self.max

    @property
    def max(self) -> int:
        return (1 << (self.width - 1)) - 1

    @property
    def nan(self) -> int:
        """What stands for no number."""
        return -self.max - 1

    @property
    def nan_code(self) -> int:
        return 1 << (self.width - 1)

    has_nan = True
    has_infinity = False

    @property
    def least_exponent(self) -> int:
        return self.lsb

    @property
    def dtype(self) -> type:
        most = 64 if self.overflow == "wrap" else 62  # sums of two must not overflow unseen
        return np.int64 if self.width <= most else object

    def encode(self, values: ArrayLike) -> NDArray:
        """Codes of units; ValueError for what is beyond the range."""
        values = whole_numbers(self.name, values)
        if values.size and not self.nan <= min(values.flat) <= max(values.flat) <= self.max:
            raise ValueError(f"units beyond {self.nan} to {self.max} do not fit {self.name}")
        values = values.astype(self.dtype)
        if self.dtype is np.int64:
            return values.astype(np.uint64) & np.uint64((1 << self.width) - 1)
        codes = values % (1 << self.width)
        return codes.astype(np.uint64) if self.width <= 64 else codes

    def decode(self, codes: ArrayLike) -> NDArray:
        """Units of codes; bits above `width` are ignored."""
        if self.dtype is np.int64:
            return _signed64(np.asarray(codes, np.uint64).astype(np.int64), self.width)
        return self.wrap(np.asarray(codes, object))

    def quantize(self, values: ArrayLike, rounding: str = "rne") -> NDArray:
        """Units nearest to `values` (float64), ties to even, saturating; infinities and NaN become
        no number."""
        if rounding != "rne":
            raise ValueError(f"rounding {rounding!r} is not offered for {self.name}; use 'rne'")
        values = np.asarray(values, np.float64)
        finite = np.isfinite(values)
        size = np.where(finite, values, 0.0)
        exponent = np.frexp(size)[1]
        small = np.rint(np.ldexp(size, -self.lsb))  # exact below 2**52 units, no rounding above
        units = integers(np.where(exponent - self.lsb > 52, size, 0.0), self.lsb)
        small = np.where(exponent - self.lsb > 52, 0.0, small).astype(np.int64).astype(object)
        units = np.clip(units + small, self.min, self.max)
        return np.where(finite, units, self.nan).astype(self.dtype)

    def wrap(self, units: NDArray) -> NDArray:
        """Integers modulo 2**width, the lowest code included; int64 ones may be modulo 2**64."""
        if units.dtype == np.int64 and self.width <= 64:
            return _signed64(units, self.width)
        half = 1 << (self.width - 1)
        return ((units + half) % (2 * half) - half).astype(self.dtype)

    def values(self, units: ArrayLike) -> NDArray[np.float64]:
        """float64 values of units, rounded to odd where they have more than 53 bits."""
        units = np.asarray(units)
        if self.width <= 64:
            units = units.astype(np.int64)
            if self.width <= 54:
                values = np.ldexp(units.astype(np.float64), self.lsb)
            else:
                values = _odd64(units, self.lsb)
            return np.where(units == self.nan, np.nan, values)
        return np.vectorize(self._value, otypes=[np.float64])(units.astype(object))

    def _value(self, total: int) -> float:
        return float("nan") if total == self.nan else odd(total, self.lsb)


def _odd64(units: NDArray[np.int64], lsb: int) -> NDArray[np.float64]:
    """units · 2**lsb, rounded to odd."""
    size = np.abs(units)
    lost = np.maximum(np.frexp((size >> 11).astype(np.float64))[1] - 42, 0)  # beyond 53 bits
    kept = size >> lost
    kept |= kept << lost != size
    return np.copysign(np.ldexp(kept.astype(np.float64), lsb + lost), units)


def _signed64(units: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    return units << (64 - width) >> (64 - width)
