"""Scales of blocks, where a tile's sums enter the accumulator memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .accumulator import Fixed, Rounded
from .block import Block
from .e8m0 import E8M0
from .exact import product_to_odd
from .float import Float
from .integer import Int
from .sums import sums


@dataclass(frozen=True)
class BlockScale:
    """What the accumulator memory is given of a sum over elements of one block of each operand.

    ``sum · 2**unit · rows[i] · columns[j]``, exact, rounded once, ties to even. A NaN among the
    three is NaN, infinity times zero too; the sign is the product's, that of zeros included.

    Parameters
    ----------
    summed : Int, Fixed or Rounded
        What the array sums in.
    memory : Rounded
    input, weight : Block, optional
        Without it the scale of that operand is 1.
    """

    summed: Int | Fixed | Rounded
    memory: Rounded
    input: Block | None
    weight: Block | None

    @property
    def unit(self) -> int:
        """Exponent of what 1·1 of the two element formats is worth."""
        blocks = [block for block in (self.input, self.weight) if block]
        return sum(int(np.log2(block.unit)) for block in blocks)

    @property
    def bits(self) -> int:
        """Bits of the exact product."""
        return _bits(self.summed) + sum(_bits(scale) for scale in self._scales)

    @property
    def short(self) -> bool:
        """Whether a float64 sum, exact or rounded to odd, times both scales loses nothing more."""
        return self.bits <= 53 or all(isinstance(scale, E8M0) for scale in self._scales)

    def golden(self, raw: ArrayLike, rows: ArrayLike, columns: ArrayLike) -> NDArray[np.float64]:
        """Values of `memory` for sums[M, N] as `summed` stores them, and scales [M], [N]."""
        rows, columns = (np.asarray(x, np.float64) for x in (rows, columns))
        with np.errstate(invalid="ignore"):
            factors = np.ldexp(rows[:, None] * columns, self.unit)
            if self.short:
                values = sums(self.summed).values(raw) * factors
            else:
                values = self._odd(np.asarray(raw), factors)
        return self.memory.quantize(values)

    @property
    def _scales(self) -> list[Float | E8M0]:
        return [block.scale for block in (self.input, self.weight) if block]

    def _odd(self, raw: NDArray, factors: NDArray[np.float64]) -> NDArray[np.float64]:
        """The product rounded to odd, of sums that are integers (a `Rounded` has few bits)."""
        lsb = self.summed.lsb if isinstance(self.summed, Fixed) else 0
        values = sums(self.summed).values(raw)
        plain = np.isfinite(values * factors) & (values * factors != 0)
        units = np.where(plain, raw, 0).astype(object)
        exact = np.ldexp(product_to_odd(units, np.where(plain, factors, 0.0)), lsb)
        return np.where(plain, exact, values * factors)


def _bits(fmt: Int | Fixed | Rounded | Float | E8M0) -> int:
    """Bits of the longest significand."""
    if isinstance(fmt, Rounded | Float):
        return (fmt.format if isinstance(fmt, Rounded) else fmt).man + 1
    return 1 if isinstance(fmt, E8M0) else fmt.width
