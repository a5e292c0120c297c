"""What a sum of products is kept in: rounded at every step, or fixed point."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .base import Format
from .exact import sum_to_odd
from .rounding import MODES, whole

OVERFLOWS = ("wrap", "saturate")


@dataclass(frozen=True)
class Rounded:
    """Every multiply-add is rounded once to `format`, as a fused one is.

    `rounding` is ``rne``, ``zero`` or ``stochastic`` with `bits` random bits per step.
    """

    format: Format
    rounding: str = "rne"
    bits: int = 0

    def __post_init__(self):
        if self.rounding not in MODES:
            raise ValueError(
                f"Rounded.rounding is {self.rounding!r}; it must be {', '.join(MODES)}"
            )
        random = self.rounding == "stochastic"
        if not whole(self.bits, random, 16 * random):
            most = "from 1 to 16" if random else f"0 with {self.rounding}"
            raise ValueError(f"Rounded.bits is {self.bits!r}; it must be {most}")

    @property
    def name(self) -> str:
        mode = {"rne": "", "zero": "-rz", "stochastic": f"-sr{self.bits}"}[self.rounding]
        return self.format.name + mode

    @property
    def width(self) -> int:
        return self.format.width

    def multiply_add(
        self, a: ArrayLike, b: ArrayLike, sums: ArrayLike, random: ArrayLike = 0
    ) -> NDArray[np.float64]:
        """sums + a·b, rounded; all are values, `random` the integers of stochastic rounding."""
        with np.errstate(invalid="ignore"):
            product = np.multiply(a, b, dtype=np.float64)  # exact: at most 48 bits
        total = sum_to_odd(np.asarray(sums, np.float64), product)
        return self.format.quantize(total, self.rounding, random, self.bits)


@dataclass(frozen=True)
class Fixed:
    """Two's complement fixed point of `width` bits, the lowest worth 2**lsb.

    Products lose what lies below `lsb` (their magnitude is cut off). A sum beyond the range
    wraps around or saturates. The lowest code is no number: an infinity or NaN among the operands
    makes it, nothing leaves it. Sums are in units of 2**lsb: ``int64`` up to 62 bits, Python
    integers (arrays of ``object``) above.
    """

    width: int
    lsb: int
    overflow: str = "wrap"

    def __post_init__(self):
        if not whole(self.width, 2, 1024):
            raise ValueError(f"Fixed.width is {self.width!r}; it must be an integer from 2 to 1024")
        if not whole(self.lsb, -1024, 1024):
            raise ValueError(f"Fixed.lsb is {self.lsb!r}; it must be an integer from -1024 to 1024")
        if self.overflow not in OVERFLOWS:
            raise ValueError(f"Fixed.overflow is {self.overflow!r}; it must be wrap or saturate")

    @classmethod
    def exact(cls, a: Format, b: Format, k: int) -> "Fixed":
        """The narrowest that sums `k` products of `a` and `b` without loss."""
        lsb = a.least_exponent + b.least_exponent
        largest = [max(abs(int(x * 2**-f.least_exponent)) for x in (f.min, f.max)) for f in (a, b)]
        return cls((largest[0] * largest[1] * k).bit_length() + 1, lsb)

    @property
    def name(self) -> str:
        return f"fixed{self.width}e{self.lsb}" + ("-sat" if self.overflow == "saturate" else "")

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
    def dtype(self) -> type:
        return np.int64 if self.width <= 62 else object

    def units(self, values: ArrayLike) -> NDArray:
        """Finite values in units of 2**lsb, what lies below cut off; of any size."""
        fraction, exponent = np.frexp(np.asarray(values, np.float64))
        size = np.ldexp(fraction, 53).astype(np.int64).astype(object)
        return _shifted(size, exponent.astype(np.int64) - 53 - self.lsb)

    def multiply_add(self, a: ArrayLike, b: ArrayLike, sums: ArrayLike) -> NDArray:
        """sums + a·b; `a` and `b` are values, sums are in units."""
        with np.errstate(invalid="ignore"):
            product = np.multiply(a, b, dtype=np.float64)  # exact: at most 48 bits
        finite = np.isfinite(product)
        sums = np.asarray(sums, object)
        total = sums + self.units(np.where(finite, product, 0.0))
        lost = ~finite | (sums == self.nan)
        return np.where(lost, self.nan, self._bounded(total)).astype(self.dtype)

    def _bounded(self, total: NDArray) -> NDArray:
        if self.overflow == "saturate":
            return np.clip(total, self.min, self.max)
        half = 1 << (self.width - 1)
        wrapped = (total + half) % (2 * half) - half
        return np.where(wrapped == self.nan, self.min, wrapped)

    def values(self, sums: ArrayLike) -> NDArray[np.float64]:
        """Values of sums, rounded to odd where they have more than 53 bits."""
        return np.vectorize(self._value, otypes=[np.float64])(np.asarray(sums, object))

    def _value(self, total: int) -> float:
        if total == self.nan:
            return float("nan")
        lost = max(abs(total).bit_length() - 53, 0)
        kept = abs(total) >> lost
        kept |= (kept << lost) != abs(total)
        return float(np.ldexp(float(kept if total >= 0 else -kept), self.lsb + lost))


def _shift(value: int, places: int) -> int:
    size = abs(value) << places if places >= 0 else abs(value) >> -places
    return size if value >= 0 else -size


_shifted = np.vectorize(_shift, otypes=[object])
