"""Elements as the local memories keep them.

An element is an integer: the value of an `Int`, the units of a `Fixed`, the code of any other
format (``int64``, Python integers in arrays of ``object`` for accumulators wider than that).
"""

import numpy as np
from numpy.typing import NDArray

from hw.config import Config
from hw.formats import Draws, Fixed, Format, Int, Rounded, Sums, sums, widened
from hw.formats.scaling import scale as scaled

Elements = NDArray


def from_codes(fmt: Format, codes: NDArray) -> Elements:
    """Elements from their bit patterns."""
    return fmt.decode(codes) if isinstance(fmt, Int | Fixed) else codes.astype(np.int64)


def to_codes(fmt: Format, elements: Elements) -> NDArray:
    """Bit patterns of elements."""
    if elements.dtype == object:
        return elements & ((1 << fmt.width) - 1)
    return elements.astype(np.uint64) & np.uint64((1 << fmt.width) - 1)


def values_of(fmt: Format, elements: Elements) -> NDArray:
    """Values of elements of an input, weight or output format."""
    return elements if isinstance(fmt, Int) else fmt.decode(elements.astype(np.uint64))


def elements_of(fmt: Format, values: NDArray) -> Elements:
    """Elements of values that the format has."""
    return values if isinstance(fmt, Int) else fmt.encode(values).astype(np.int64)


def reread(source: Format, target: Format, elements: Elements) -> Elements:
    """The same bits in another format, cut or filled with zeros to its width."""
    return from_codes(target, to_codes(source, elements) & np.uint64((1 << target.width) - 1))


def rescaled(values: NDArray, scale: np.float32, target: Format, relu: bool = False) -> Elements:
    """Elements of `target` for scaled values (docs/numbers.md, *Scaling*)."""
    return elements_of(target, scaled(values, scale, target, relu))


class Sum:
    """The accumulator's arithmetic on elements.

    Members
    -------
    dtype : of elements.
    """

    def __init__(self, config: Config):
        self.accumulator = accumulator = config.accumulator
        self.summed, self.array, self.blocks = config.summed, config.sums, config.blocks
        self.stochastic = config.stochastic
        self.arithmetic: Sums = sums(accumulator)
        self.rounded = isinstance(accumulator, Rounded)
        wide = isinstance(accumulator, Fixed) and accumulator.dtype is object
        self.dtype = object if wide else np.int64

    def _stored(self, raw: NDArray) -> Elements:
        return self.arithmetic.codes(raw).astype(np.int64) if self.rounded else raw

    def _raw(self, elements: Elements) -> NDArray:
        return self.arithmetic.raw(elements.astype(np.uint64)) if self.rounded else elements

    def tile(
        self,
        a: NDArray,
        w: NDArray,
        d: NDArray,
        draws: Draws | None = None,
        scales: tuple[NDArray, NDArray] = (1.0, 1.0),
    ) -> Elements:
        """d[M, N] + a[M, K] · w[K, N] of values, as the array adds them, and as they are stored;
        stochastic rounding takes its integers from `draws`, blocks their scales (of rows, of
        columns) from `scales`."""
        random = draws.take(*d.shape, self.summed.bits) if self.stochastic else 0
        partial = self.array.tile(a, w, d, random)
        if self.blocks:
            return self._stored(self.blocks.golden(partial, *scales))
        return self._stored(widened(self.summed, self.accumulator, partial))

    def add(self, x: Elements, y: Elements) -> Elements:
        """Sum of two stored sums."""
        return self._stored(self.arithmetic.add(self._raw(x), self._raw(y)))

    def enter(self, values: NDArray) -> Elements:
        """Sums for values of the input's format."""
        return self._stored(self.arithmetic.enter(values))

    def values(self, elements: Elements) -> NDArray[np.float64]:
        """Values of stored sums, rounded to odd where they have more than 53 bits."""
        return self.arithmetic.values(self._raw(elements))
