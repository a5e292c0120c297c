"""What the array computes, as the emulator needs to know it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw.config import Config
from hw.formats import BlockScale, Fixed, Format, Int, Rounded, holds, sums, widened

Accumulator = Int | Fixed | Rounded


@dataclass(frozen=True)
class Mac:
    """An array of `dim` rows: products of `input` and `weight`, summed in `sum`; tiles are added
    up in a memory whose format is `memory` (`sum`, if it is not given).

    `multiplier` (:class:`hw.arith.mac.Multiplier`) stands in place of the exact product; sums of
    operands in `blocks` are scaled on their way into the memory.
    """

    input: Format
    weight: Format
    sum: Accumulator
    memory: Accumulator | None = None
    dim: int = 16
    multiplier: object | None = None
    blocks: BlockScale | None = None

    @classmethod
    def of(cls, config: Config) -> "Mac":
        """What the array of `config` computes."""
        formats = config.input, config.weight, config.summed, config.accumulator
        return cls(*formats, config.dim, config.multiplier, config.blocks)

    def __post_init__(self):
        if self.memory is None:
            object.__setattr__(self, "memory", self.sum)
        self._check("dim", isinstance(self.dim, int) and self.dim >= 1, "an integer from 1")
        holding = self.blocks is not None or holds(self.memory, self.sum)
        self._check("memory", holding, f"a wider one of {self.sum.name}'s kind")

    def _check(self, field: str, good: bool, what: str):
        if not good:
            value = getattr(self, field)
            raise ValueError(f"Mac.{field} is {getattr(value, 'name', value)}; it must be {what}")

    @cached_property
    def products(self) -> NDArray[np.float64]:
        """Values of the multiplier's products by codes, [input, weight]."""
        from hw.arith.mac import Mac as Unit  # needs the RTL language: only where it is asked for

        from .products import products

        return products(Unit(self.input, self.weight, self.sum, multiplier=self.multiplier))

    def store(self, raw: NDArray) -> NDArray:
        """Sums that leave the array as the memory keeps them."""
        return widened(self.sum, self.memory, raw)

    def golden(
        self,
        a: ArrayLike,
        w: ArrayLike,
        d: ArrayLike = 0.0,
        onto: ArrayLike | None = None,
        random: ArrayLike = 0,
    ) -> NDArray:
        """:func:`.gemm.gemm`, tile after tile as the formats define it; stored sums."""
        a, w = np.asarray(a, np.float64), np.asarray(w, np.float64)
        memory = sums(self.memory)
        d = np.broadcast_to(np.asarray(d, np.float64), (a.shape[0], w.shape[1]))
        random = np.broadcast_to(random, (a.shape[1], *d.shape))
        total = onto
        for first in range(0, max(a.shape[1], 1), self.dim):
            part = slice(first, first + self.dim)
            rows, columns = a[:, part], w[part]
            empty = self.dim - rows.shape[1]
            rows = np.pad(rows, ((0, 0), (0, empty)))
            columns = np.pad(columns, ((0, empty), (0, 0)))
            start = d if first == 0 else np.zeros(d.shape)
            draws = np.pad(random[part], ((0, empty), (0, 0), (0, 0)))
            tile = self.store(self.tile(rows, columns, start, draws))
            total = tile if total is None else memory.add(total, tile)
        return total

    def tile(self, a: NDArray, w: NDArray, d: NDArray, random: ArrayLike = 0) -> NDArray:
        """What leaves the array: :meth:`hw.formats.Sums.tile` with the multiplier's products."""
        if self.multiplier is None:
            return sums(self.sum).tile(a, w, d, random)
        products = self.products[self.input.encode(a)[:, None, :], self.weight.encode(w).T]
        depth = products.shape[2]  # each sum is a tile of one row and one column
        draws = np.broadcast_to(random, (depth, *d.shape)).reshape(depth, -1, 1)
        products = products.reshape(-1, depth)
        tile = sums(self.sum).tile(products, np.ones((depth, 1)), d.reshape(-1, 1), draws)
        return tile.reshape(d.shape)
