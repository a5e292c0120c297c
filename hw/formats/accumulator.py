"""What a sum of products is kept in: rounded at every step, or fixed point."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .base import Format
from .exact import sum_to_odd
from .fixed import Fixed
from .rounding import MODES, whole

__all__ = ["Fixed", "Rounded"]


@dataclass(frozen=True)
class Rounded:
    """Every multiply-add is rounded once to `format`, as a fused one is.

    `rounding` is ``rne``, ``zero`` or ``stochastic`` with `bits` random bits per step. Values and
    codes are those of `format`.
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

    @property
    def signed(self) -> bool:
        return True

    @property
    def min(self) -> float:
        return self.format.min

    @property
    def max(self) -> float:
        return self.format.max

    def encode(self, values: ArrayLike) -> NDArray[np.uint64]:
        return self.format.encode(values)

    def decode(self, codes: ArrayLike) -> NDArray[np.float64]:
        return self.format.decode(codes)

    def quantize(self, values: ArrayLike, rounding: str = "rne") -> NDArray[np.float64]:
        return self.format.quantize(values, rounding)

    def multiply_add(
        self, a: ArrayLike, b: ArrayLike, sums: ArrayLike, random: ArrayLike = 0
    ) -> NDArray[np.float64]:
        """sums + a·b, rounded; all are values, `random` the integers of stochastic rounding."""
        with np.errstate(invalid="ignore"):
            product = np.multiply(a, b, dtype=np.float64)  # exact: at most 48 bits
        total = sum_to_odd(np.asarray(sums, np.float64), product)
        return self.format.quantize(total, self.rounding, random, self.bits)
