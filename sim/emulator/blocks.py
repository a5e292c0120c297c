"""Products of operands in blocks: a tile of the array after the other, scaled and added up."""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw.formats import Block, Blocks, Float, Format, Rounded, sums
from hw.formats.block import cuts

from .mac import Mac


class _Operand:
    """Values of elements, and of the scales of blocks along K."""

    def __init__(self, name: str, values: ArrayLike | Blocks, element: Format, block: Block | None):
        self.size, self.tensor = 0, 1.0
        axis = 1 if name == "a" else 0
        if block is None:
            self.elements = np.asarray(values, np.float64)
            self.scales = None
        else:
            blocks = values if isinstance(values, Blocks) else block.encode(values, axis)
            self.size, self.tensor = block.size, blocks.tensor
            self.elements = element.decode(blocks.codes).astype(np.float64)
            scales = block.scale.decode(blocks.scales)
            self.scales = scales if axis else scales.T
        if self.elements.ndim != 2:
            raise ValueError(f"{name} has {self.elements.ndim} dimensions; it must have 2")
        self.count = self.elements.shape[1 - axis]

    def scale(self, row: int) -> NDArray[np.float64]:
        """Scales of the block of K's `row`, one for each row of A or column of B."""
        return np.ones(self.count) if self.scales is None else self.scales[:, row // self.size]


def gemm(
    mac: Mac, a: ArrayLike | Blocks, b: ArrayLike | Blocks, onto: NDArray | None, random
) -> tuple[NDArray, str, float]:
    """Stored sums, what computed them, and the scale of both tensors, which is left out."""
    from .gemm import gemm as plain  # which calls this one

    left = _Operand("a", a, mac.input, mac.blocks.input)
    right = _Operand("b", b, mac.weight, mac.blocks.weight)
    x, y = left.elements, right.elements
    if x.shape[1] != y.shape[0]:
        raise ValueError(f"a has the shape {x.shape}, b {y.shape}; they must be (M, K) and (K, N)")
    inside = dataclasses.replace(mac, memory=mac.sum, blocks=None)
    memory, total, kernel = sums(mac.memory), onto, ""
    single = mac.memory == Rounded(Float.parse("fp32"))
    for part in cuts(x.shape[1], mac.dim, *(o.size for o in (left, right) if o.size)):
        rows = slice(part.start, part.stop)
        draws = None if random is None else random[rows]
        tile = plain(x[:, rows], y[rows], inside, random=draws)
        factors = left.scale(part.start), right.scale(part.start)
        scaled = mac.blocks.golden(tile.raw, *factors)
        kernel = f"{tile.kernel}, in blocks"
        if total is None:
            total = scaled
        elif single:  # float32's own addition
            with np.errstate(invalid="ignore", over="ignore"):
                total = total.astype(np.float32) + scaled.astype(np.float32)
        else:
            total = memory.add(total, scaled)
    return np.asarray(total, np.float64), kernel, left.tensor * right.tensor
