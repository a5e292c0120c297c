"""Blocks of narrow elements that share a scale: OCP Microscaling (MX) and NVFP4."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .base import Format
from .e8m0 import E8M0
from .float import Float
from .integer import Int
from .rounding import whole


class Blocks(NamedTuple):
    """An array in blocks along one axis."""

    codes: NDArray[np.uint64]
    """Elements, in the shape of the array."""

    scales: NDArray[np.uint64]
    """Codes of the scales; along the axis, one for every block."""

    tensor: float = 1.0
    """Scale of the whole array, a float32."""


@dataclass(frozen=True)
class Block:
    """`size` elements along an axis share a scale; a value is element · scale (· tensor's scale).

    An integer element has its point behind the second bit, as MXINT8's: int8 is in units of 2**-6.

    With `scale` E8M0 the conversion is that of OCP Microscaling Formats 1.0, section 6.3: scale
    2**(floor(log2(largest magnitude)) - element.emax), elements rounded to nearest even and
    saturating. The scale is held to 2**-127 … 2**127; a block of zeros has the least; a block with
    an infinity or NaN has the scale NaN.

    With a `Float` as scale it is the largest magnitude / element.max, rounded to nearest and
    saturated, and elements are value / scale rounded to nearest even. With `tensor` (NVFP4, as in
    arXiv 2509.25149, appendix C, but with quotients rounded once) a float32 scales the whole array,
    largest magnitude / (element.max · scale.max), so that the largest block scale is scale.max.
    """

    element: Float | Int
    size: int
    scale: Format = E8M0()
    tensor: bool = False

    def __post_init__(self):
        if not whole(self.size, 1, 1 << 16):
            raise ValueError(f"Block.size is {self.size!r}; it must be an integer from 1 to 65536")
        if not isinstance(self.element, Float | Int):
            name = getattr(self.element, "name", self.element)
            raise ValueError(f"Block.element is {name!r}; it must be a Float or an Int")
        if not isinstance(self.scale, E8M0 | Float):
            name = getattr(self.scale, "name", self.scale)
            raise ValueError(f"Block.scale is {name!r}; it must be E8M0 or a Float")
        if not self.scale.has_nan:
            raise ValueError(f"Block.scale is {self.scale.name}; it must be a format with NaN")
        if self.tensor and isinstance(self.scale, E8M0):
            raise ValueError("Block.tensor is True; it must be False with a scale of E8M0")

    @property
    def name(self) -> str:
        for name, block in NAMED.items():
            if self == block:
                return name
        tensor = "-fp32" if self.tensor else ""
        return f"{self.element.name}x{self.size}-{self.scale.name}{tensor}"

    @property
    def width(self) -> int:
        """Bits of an element."""
        return self.element.width

    @property
    def bits(self) -> float:
        """Bits of an element with its part of the scale."""
        return self.width + self.scale.width / self.size

    @property
    def unit(self) -> float:
        """What 1 of the element format is worth."""
        return 2.0 ** (2 - self.width) if isinstance(self.element, Int) else 1.0

    @property
    def emax(self) -> int:
        """Exponent of the largest element."""
        return 0 if isinstance(self.element, Int) else self.element.emax

    def quantize(self, values: ArrayLike, axis: int = -1) -> NDArray[np.float64]:
        """What is left of `values`."""
        return self.decode(self.encode(values, axis), axis)

    def encode(self, values: ArrayLike, axis: int = -1) -> Blocks:
        """`values` (any float32) in blocks along `axis`; the last block may be a shorter one."""
        values = np.moveaxis(np.asarray(values, np.float64), axis, -1)
        count = values.shape[-1]
        values = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, -count % self.size)])
        blocks = values.reshape(*values.shape[:-1], values.shape[-1] // self.size, self.size)
        most = np.abs(blocks).max(axis=-1, initial=0.0)
        lost = ~np.isfinite(most)
        most = np.where(lost, 0.0, most)
        tensor = self._tensor(most)
        scales = self._scales(most, tensor)
        by = np.where(scales == 0, 1.0, scales)[..., None] * tensor * self.unit
        kept = np.where(lost[..., None] | (scales == 0)[..., None], 0.0, blocks)
        elements = self._saturated(kept / by)
        codes = self.element.encode(elements).reshape(values.shape)[..., :count]
        scales = self.scale.encode(np.where(lost, np.nan, scales))
        return Blocks(np.moveaxis(codes, -1, axis), np.moveaxis(scales, -1, axis), tensor)

    def decode(self, blocks: Blocks, axis: int = -1) -> NDArray[np.float64]:
        """Values of an array in blocks; exact where a float64 holds them."""
        codes, scales = (np.moveaxis(x, axis, -1) for x in blocks[:2])
        elements = self.element.decode(codes).astype(np.float64) * self.unit
        scales = np.repeat(self.scale.decode(scales), self.size, axis=-1)
        scales = scales[..., : elements.shape[-1]]
        return np.moveaxis(elements * scales * blocks.tensor, -1, axis)

    def checked(self, name: str, blocks: Blocks, axis: int) -> Blocks:
        """`blocks` of a matrix, along `axis`; ValueError, which calls them `name`, if they are none
        of this format: two dimensions, a scale for every `size` codes (the last block may be
        shorter), codes that there are, a tensor's scale that is a normal float32 above 0."""
        codes, scales = (np.asarray(x) for x in blocks[:2])
        want = list(codes.shape)
        if codes.ndim == 2:
            want[axis] = -(-want[axis] // self.size)
        if codes.ndim != 2 or list(scales.shape) != want:
            raise ValueError(
                f"{name} has codes of shape {codes.shape} and scales of {scales.shape}; "
                f"{self.name} needs two dimensions and a scale for every {self.size} codes along "
                f"axis {axis}"
            )
        for what, array, fmt in (("codes", codes, self.element), ("scales", scales, self.scale)):
            most = (1 << fmt.width) - 1
            if array.size and (
                array.dtype.kind not in "iu" or array.min() < 0 or array.max() > most
            ):
                raise ValueError(f"{name} has {what} that are none of {fmt.name}'s (0 to {most})")
        limits, tensor = np.finfo(np.float32), blocks.tensor
        single = isinstance(tensor, int | float | np.number)
        if not (single and limits.tiny <= tensor <= limits.max):
            raise ValueError(
                f"{name}.tensor is {tensor}; it must be from {limits.tiny} to {limits.max}"
            )
        return Blocks(codes, scales, float(tensor))

    def _tensor(self, most: NDArray[np.float64]) -> float:
        if not self.tensor or not most.any():
            return 1.0
        largest = self.element.max * self.unit * self.scale.max
        limits = np.finfo(np.float32)
        return float(np.float32(np.clip(most.max() / largest, limits.tiny, limits.max)))

    def _scales(self, most: NDArray[np.float64], tensor: float) -> NDArray[np.float64]:
        if isinstance(self.scale, E8M0):
            exponent = np.frexp(most)[1] - 1 - self.emax
            scales = np.ldexp(1.0, np.where(most > 0, np.clip(exponent, -127, 127), -127))
            return scales
        scales = most / tensor / (self.element.max * self.unit)
        return self.scale.quantize(np.minimum(scales, self.scale.max))

    def _saturated(self, elements: NDArray[np.float64]) -> NDArray:
        limits = self.element.min, self.element.max
        return self.element.quantize(np.clip(elements, *limits))


def cuts(k: int, tile: int, *sizes: int) -> list[range]:
    """Parts of ``range(k)``, of at most `tile`, that cross no block of these sizes: what the array
    sums before blocks are scaled."""
    edges = sorted({0, k, *(edge for size in sizes for edge in range(0, k, size))})
    parts = zip(edges, edges[1:], strict=False)
    return [
        range(at, min(at + tile, end)) for start, end in parts for at in range(start, end, tile)
    ]


def element_of(fmt: Format | Block) -> Format:
    """What is multiplied: the element of a block, any other format itself."""
    return fmt.element if isinstance(fmt, Block) else fmt


def _mx(element: str) -> Block:
    return Block(Float.parse(element), 32)


NAMED: dict[str, Block] = {
    "mxfp8e4m3": _mx("e4m3fn"),
    "mxfp8e5m2": _mx("e5m2"),
    "mxfp6e2m3": _mx("e2m3"),
    "mxfp6e3m2": _mx("e3m2"),
    "mxfp4": _mx("e2m1"),
    "mxint8": Block(Int(8), 32),
    "nvfp4": Block(Float.parse("e2m1"), 16, Float.parse("e4m3fn"), tensor=True),
}
"""The published ones."""
