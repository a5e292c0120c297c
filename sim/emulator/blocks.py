"""Products of operands in blocks: a tile of the array after the other, scaled and added up."""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw.formats import Block, Blocks, Fixed, Float, Format, Rounded, sums
from hw.formats.block import cuts

from .mac import Mac
from .whole import largest

try:
    from .scaled import add_scaled
except ImportError:  # numba is an extra
    add_scaled = None

FP32 = Rounded(Float.parse("fp32"))


class _Operand:
    """Values of elements, and of the scales of blocks along K."""

    def __init__(self, name: str, values: ArrayLike | Blocks, element: Format, block: Block | None):
        self.size, self.tensor = 0, 1.0
        axis = 1 if name == "a" else 0
        if block is None:
            if isinstance(values, Blocks):
                raise ValueError(f"{name} is in blocks; mac.blocks has none for it")
            self.elements = np.asarray(values, np.float64)
            self.scales = None
        else:
            if not isinstance(values, Blocks):
                values = np.asarray(values)
                if values.ndim != 2:
                    raise ValueError(f"{name} has {values.ndim} dimensions; it must have 2")
                values = block.encode(values, axis)
            blocks = block.checked(name, values, axis)
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
    tensor = left.tensor * right.tensor
    if onto is not None:
        onto = np.broadcast_to(onto, (len(x), y.shape[1]))
    lane = _lane(mac, x, y)
    if lane and add_scaled:
        return (*_compiled(mac, left, right, onto, lane), tensor)
    inside = dataclasses.replace(mac, memory=mac.sum, blocks=None)
    memory, total, kernel = sums(mac.memory), onto, "tiles, in blocks"
    for part in _parts(mac, left, right):
        rows = slice(part.start, part.stop)
        draws = None if random is None else random[rows]
        tile = plain(x[:, rows], y[rows], inside, random=draws)
        factors = left.scale(part.start), right.scale(part.start)
        scaled = mac.blocks.golden(tile.raw, *factors)
        kernel = f"{tile.kernel}, in blocks"
        total = scaled if total is None else memory.add(total, scaled)
    if total is None:  # without products
        total = np.zeros((len(x), y.shape[1]))
    return total, kernel, tensor


def _parts(mac: Mac, left: _Operand, right: _Operand) -> list[range]:
    sizes = [operand.size for operand in (left, right) if operand.size]
    return cuts(left.elements.shape[1], mac.dim, *sizes)


def _lane(mac: Mac, x: NDArray, y: NDArray) -> type | None:
    """In which floats the BLAS sums a tile exactly, if it does and fp32 follows exact products."""
    if mac.memory != FP32 or isinstance(mac.sum, Rounded) or mac.multiplier:
        return None
    if not mac.blocks.short:
        return None
    least = mac.input.least_exponent + mac.weight.least_exponent
    lsb = mac.sum.lsb if isinstance(mac.sum, Fixed) else 0
    peak = largest(x) * largest(y) * mac.dim * 2.0**-least  # NaN if an operand is no number
    if not (least >= lsb and peak * 2.0 ** (least - lsb) < 0.999 * 2.0 ** (mac.sum.width - 1)):
        return None
    return np.float32 if peak < 1 << 24 else np.float64 if peak < 1 << 53 else None


def _compiled(
    mac: Mac, left: _Operand, right: _Operand, onto: NDArray | None, lane: type
) -> tuple[NDArray, str]:
    x, y = left.elements.astype(lane), right.elements.astype(lane)
    fresh = onto is None
    total = np.zeros((len(x), y.shape[1]), np.float32) if fresh else np.array(onto, np.float32)
    for part in _parts(mac, left, right):
        rows = slice(part.start, part.stop)
        columns = np.ldexp(right.scale(part.start), mac.blocks.unit)
        add_scaled(total, x[:, rows] @ y[rows], left.scale(part.start), columns, fresh)
        fresh = False
    kernel = "sgemm" if lane is np.float32 else "dgemm"
    return total.astype(np.float64), f"{kernel}, in blocks"
