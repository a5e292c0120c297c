"""Sums of products of a multiplier of one's own."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .accumulator import Rounded
from .base import Format
from .float import Float
from .integer import Int
from .multiplier import Multiplier
from .pairing import Accumulator
from .posit import Posit
from .sums import sums


def whole(input: Format, weight: Format, accumulator: Accumulator) -> bool:
    """Whether a multiplier sees signed integers, and not significands beside signs."""
    integers = isinstance(input, Int) and isinstance(weight, Int)
    if isinstance(accumulator, Int) or not integers:
        return integers
    return not isinstance(accumulator, Rounded) and accumulator.lsb <= 0


def factors(input: Format, weight: Format, accumulator: Accumulator) -> tuple[Int, Int]:
    """The operands of a multiplier: integers, or significands."""
    if whole(input, weight, accumulator):
        return input, weight
    return Int(_bits(input), signed=False), Int(_bits(weight), signed=False)


def bound(
    multiplier: Multiplier, input: Format, weight: Format, accumulator: Accumulator
) -> Multiplier:
    """`multiplier` with all products of these formats; ValueError if it breaks a rule."""
    for fmt in (input, weight):
        if not isinstance(fmt, Int | Float | Posit):
            raise ValueError(f"{fmt.name} has no multiplier; an Int, a Float or a Posit has")
    operands = factors(input, weight, accumulator)
    return multiplier.over(*operands, normal=isinstance(accumulator, Rounded))


def _bits(fmt: Format) -> int:
    """Bits of a significand: the magnitude of an integer."""
    if isinstance(fmt, Int):
        return fmt.width
    return max(fmt.n - 2 - fmt.es, 1) if isinstance(fmt, Posit) else fmt.man + 1


def _least(fmt: Format, normal: bool) -> int | None:
    """The least exponent of a significand's lowest bit, if there is one."""
    if normal or isinstance(fmt, Posit):
        return None
    return fmt.emin - fmt.man if isinstance(fmt, Float) else 0


@dataclass(frozen=True)
class ProductSums:
    """:class:`.sums.Sums` whose products are those of `multiplier`."""

    multiplier: Multiplier
    input: Format
    weight: Format
    accumulator: Accumulator

    @cached_property
    def _multiplier(self) -> Multiplier:
        return bound(self.multiplier, self.input, self.weight, self.accumulator)

    def products(self, a: ArrayLike, w: ArrayLike) -> NDArray[np.float64]:
        """Values of a · w. Where an operand is no number the product is IEEE 754's."""
        a, w = np.asarray(a, np.float64), np.asarray(w, np.float64)
        multiply = self._multiplier.golden
        if whole(self.input, self.weight, self.accumulator):
            return multiply(a, w).astype(np.float64)
        (x, up), (y, right) = self._parts(self.input, a), self._parts(self.weight, w)
        values = np.ldexp(multiply(x, y).astype(np.float64), up + right)
        values = np.where(np.signbit(a) ^ np.signbit(w), -values, values)
        numbers = np.isfinite(a) & np.isfinite(w)
        if numbers.all():
            return values
        with np.errstate(invalid="ignore"):
            return np.where(numbers, values, a * w)

    def _parts(self, fmt: Format, values: NDArray) -> tuple[NDArray, NDArray]:
        """Significands and the exponents of their lowest bits."""
        size = np.where(np.isfinite(values), np.abs(values), 0.0)
        exponent = np.frexp(size)[1] - _bits(fmt)
        least = _least(fmt, isinstance(self.accumulator, Rounded))
        if least is not None:
            exponent = np.full_like(exponent, 0) if isinstance(fmt, Int) else exponent
            exponent = np.maximum(exponent, least)
        return np.ldexp(size, -exponent).astype(np.int64), exponent

    def tile(self, a: ArrayLike, w: ArrayLike, d: ArrayLike, random: ArrayLike = 0) -> NDArray:
        products = self.products(np.asarray(a)[:, None, :], np.asarray(w).T)
        depth = products.shape[2]  # each sum is a tile of one row and one column
        d = np.asarray(d)
        draws = np.broadcast_to(random, (depth, *d.shape)).reshape(depth, -1, 1)
        columns = products.reshape(-1, depth), np.ones((depth, 1))
        return sums(self.accumulator).tile(*columns, d.reshape(-1, 1), draws).reshape(d.shape)

    def add(self, x: ArrayLike, y: ArrayLike) -> NDArray:
        return sums(self.accumulator).add(x, y)

    def enter(self, values: ArrayLike) -> NDArray:
        return sums(self.accumulator).enter(values)

    def values(self, raw: ArrayLike) -> NDArray[np.float64]:
        return sums(self.accumulator).values(raw)

    def codes(self, raw: ArrayLike) -> NDArray:
        return sums(self.accumulator).codes(raw)

    def raw(self, codes: ArrayLike) -> NDArray:
        return sums(self.accumulator).raw(codes)
