"""Matrix products as the array computes them, without its rows, commands and cycles."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw.formats import Blocks, Rounded, sums

from . import blocks, rounded
from .mac import Mac
from .whole import Whole


@dataclass(frozen=True)
class Product:
    """What is in the accumulator memory afterwards."""

    mac: Mac

    raw: NDArray
    """Stored sums, as :func:`hw.formats.sums` has them."""

    kernel: str
    """What computed them."""

    tensor: float = 1.0
    """Scale of whole tensors (nvfp4), which the memory does not see."""

    @property
    def values(self) -> NDArray[np.float64]:
        """Rounded to odd where a sum has more than 53 bits."""
        return sums(self.mac.memory).values(self.raw) * self.tensor

    @property
    def codes(self) -> NDArray:
        return sums(self.mac.memory).codes(self.raw)


def gemm(
    a: ArrayLike | Blocks,
    b: ArrayLike | Blocks,
    mac: Mac,
    d: ArrayLike = 0.0,
    onto: ArrayLike | None = None,
    random: ArrayLike | None = None,
) -> Product:
    """a[M, K] · b[K, N] + d[M, N], bit for bit what the array and its memory make of it.

    K is taken in tiles of `mac.dim`, the last one filled up with zeros. In the array a tile starts
    from `d` (the first one) or zero and adds its products, k ascending; the accumulator memory
    takes over the first tile, or adds it to `onto`, and adds the others one after the other.

    Parameters
    ----------
    a, b, d : array
        Values of ``mac.input``, ``mac.weight`` and ``mac.input``. Where operands come in blocks,
        along K, :class:`hw.formats.Blocks` or numbers to encode; then there is no `d`, and no tile
        crosses a block.
    onto : array
        Stored sums that are in the memory before.
    random : array[K, M, N]
        The integers of stochastic rounding, one for every product.

    The loop is chosen by the formats and by the largest magnitudes in `a` and `b`; all give the
    same bits. Without numba, sums that are rounded at every step take about a hundred times longer.
    """
    if mac.blocks:
        if np.any(d):
            raise ValueError("d is not 0; sums of operands in blocks start from 0, use onto")
        return Product(mac, *blocks.gemm(mac, a, b, onto, random))
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(f"a has the shape {a.shape}, b {b.shape}; they must be (M, K) and (K, N)")
    shape = a.shape[0], b.shape[1]
    d = np.broadcast_to(np.asarray(d, np.float64), shape)
    if onto is not None:
        onto = np.broadcast_to(onto, shape)
    random = _random(mac, random, (a.shape[1], *shape))
    empty = -a.shape[1] % mac.dim if a.shape[1] else mac.dim
    if empty:
        a, b = np.pad(a, ((0, 0), (0, empty))), np.pad(b, ((0, empty), (0, 0)))
        random = np.pad(random, ((0, empty if random.size > 1 else 0), (0, 0), (0, 0)))
    if not isinstance(mac.sum, Rounded):
        return Product(mac, *Whole(mac, a, b, d, onto).run())
    loop = rounded.loop_for(mac)
    if loop is None:
        draws = random if mac.sum.bits else 0
        return Product(mac, mac.golden(a, b, d, onto, draws), "tiles")
    return Product(mac, rounded.run(mac, loop, a, b, d, onto, random), loop.name)


def _random(mac: Mac, random: ArrayLike | None, shape: tuple[int, int, int]) -> NDArray[np.uint16]:
    bits = mac.sum.bits if isinstance(mac.sum, Rounded) else 0
    if not bits:
        return np.zeros((1, 1, 1), np.uint16)
    if random is None or np.shape(random) != shape:
        what = "missing" if random is None else f"of the shape {np.shape(random)}"
        raise ValueError(f"random is {what}; {mac.sum.name} needs integers of the shape {shape}")
    random = np.asarray(random)
    if random.size and not 0 <= random.min() <= random.max() < 1 << bits:
        raise ValueError(f"random must be integers from 0 to {(1 << bits) - 1}")
    return random.astype(np.uint16)
