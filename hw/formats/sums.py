"""How sums of products come to be: what every accumulator does, tile by tile.

`sums(accumulator)` has the arithmetic of an `Int`, a `Fixed` or a `Rounded` (docs/numbers.md,
*Accumulators*). Stored sums are *raw*: ``int64`` values of an `Int`, units of a `Fixed` (``int64``
up to 64 bits, 62 if it saturates, or Python integers), ``float64`` values of a `Rounded`.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .accumulator import Fixed, Rounded
from .exact import digits_product, integers, integers64, least_exponent, sum_to_odd
from .integer import Int


class Sums(Protocol):
    """The arithmetic of an accumulator. Operands are ``float64`` values of their formats."""

    def tile(self, a: ArrayLike, w: ArrayLike, d: ArrayLike, random: ArrayLike = 0) -> NDArray:
        """What leaves the array: d[M, N] + a[M, K] · w[K, N], k ascending.

        `random` are the integers of stochastic rounding, [K, M, N].
        """

    def add(self, x: ArrayLike, y: ArrayLike) -> NDArray:
        """Sum of two stored sums, as the accumulator memory makes it."""

    def enter(self, values: ArrayLike) -> NDArray:
        """Stored sums for values of an input format."""

    def values(self, raw: ArrayLike) -> NDArray[np.float64]:
        """Values of stored sums, rounded to odd where they have more than 53 bits."""

    def codes(self, raw: ArrayLike) -> NDArray:
        """Bit patterns in memory: ``uint64``, or Python integers beyond 64 bits."""

    def raw(self, codes: ArrayLike) -> NDArray:
        """Stored sums from their bit patterns."""


def sums(accumulator: Int | Fixed | Rounded) -> Sums:
    """The arithmetic of `accumulator`."""
    return {Int: IntSums, Fixed: FixedSums, Rounded: RoundedSums}[type(accumulator)](accumulator)


def widened(narrow: Int | Fixed | Rounded, wide: Int | Fixed | Rounded, raw: NDArray) -> NDArray:
    """Stored sums of `narrow` as `wide` stores them, see :func:`.pairing.holds`; what is rounded is
    rounded to nearest."""
    if wide == narrow:
        return raw
    if isinstance(wide, Fixed):
        return np.where(raw == narrow.nan, wide.nan, raw.astype(wide.dtype)).astype(wide.dtype)
    return wide.quantize(raw) if isinstance(wide, Rounded) else raw


class _Coded:
    """Codes of those whose stored sums are values of the accumulator as a format."""

    def codes(self, raw: ArrayLike) -> NDArray:
        return self.accumulator.encode(raw)

    def raw(self, codes: ArrayLike) -> NDArray:
        return self.accumulator.decode(codes)


def _floats(*operands: ArrayLike) -> list[NDArray[np.float64]]:
    return [np.asarray(x, np.float64) for x in operands]


def _largest(values: NDArray[np.float64]) -> float:
    return float(np.abs(values).max(initial=0.0))


@dataclass(frozen=True)
class IntSums(_Coded):
    """Integers: exact modulo 2**width."""

    accumulator: Int

    def tile(self, a: ArrayLike, w: ArrayLike, d: ArrayLike, random: ArrayLike = 0) -> NDArray:
        a, w, d = _floats(a, w, d)
        if _largest(a) * _largest(w) * a.shape[1] + _largest(d) < 1 << 53:
            total = (a @ w + d).astype(np.int64)
        else:
            total = a.astype(np.int64) @ w.astype(np.int64) + d.astype(np.int64)
        return self.accumulator.wrap(total)

    def add(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.int64]:
        return self.accumulator.wrap(np.asarray(x, np.int64) + np.asarray(y, np.int64))

    def enter(self, values: ArrayLike) -> NDArray[np.int64]:
        return self.accumulator.wrap(np.asarray(values).astype(np.int64))

    def values(self, raw: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(raw, np.float64)


@dataclass(frozen=True)
class RoundedSums(_Coded):
    """Rounded at every step, k after k."""

    accumulator: Rounded

    def tile(self, a: ArrayLike, w: ArrayLike, d: ArrayLike, random: ArrayLike = 0) -> NDArray:
        a, w, d = _floats(a, w, d)
        k = a.shape[1]
        random = np.broadcast_to(random, (k, *d.shape))
        total = self.enter(d)
        for step in range(k):
            column, row = a[:, step, None], w[step]
            total = self.accumulator.multiply_add(column, row, total, random[step])
        return total

    def add(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        rounding = "zero" if self.accumulator.rounding == "zero" else "rne"
        return self.accumulator.quantize(sum_to_odd(*_floats(x, y)), rounding)

    def enter(self, values: ArrayLike) -> NDArray[np.float64]:
        return self.accumulator.quantize(values)

    def values(self, raw: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(raw, np.float64)


@dataclass(frozen=True)
class FixedSums(_Coded):
    """Units of 2**lsb. In the array a flag beside the sum says that an operand was no number; only
    what leaves it keeps the lowest code free, to say the same."""

    accumulator: Fixed

    def tile(self, a: ArrayLike, w: ArrayLike, d: ArrayLike, random: ArrayLike = 0) -> NDArray:
        a, w, d = _floats(a, w, d)
        bad = ~np.isfinite(a).all(1)[:, None] | ~np.isfinite(w).all(0) | ~np.isfinite(d)
        a, w, d = (np.where(np.isfinite(x), x, 0.0) for x in (a, w, d))
        cuts = least_exponent(a) + least_exponent(w) < self.accumulator.lsb
        most = _largest(a) * _largest(w) * a.shape[1] + _largest(d)
        if cuts or (self._saturates and not most <= self._limit):
            return self._leave(self._steps(a, w, self._bounded(self._units(d))), bad)
        return self._leave(self._bounded(self._product(a, w) + self._units(d)), bad)

    def add(self, x: ArrayLike, y: ArrayLike) -> NDArray:
        fixed = self.accumulator
        x, y = np.asarray(x, fixed.dtype), np.asarray(y, fixed.dtype)
        return self._leave(self._bounded(x + y), (x == fixed.nan) | (y == fixed.nan))

    def enter(self, values: ArrayLike) -> NDArray:
        values = np.asarray(values, np.float64)
        finite = np.isfinite(values)
        return self._leave(self._bounded(self._units(np.where(finite, values, 0.0))), ~finite)

    def values(self, raw: ArrayLike) -> NDArray[np.float64]:
        return self.accumulator.values(raw)

    @property
    def _saturates(self) -> bool:
        return self.accumulator.overflow == "saturate"

    @property
    def _limit(self) -> float:
        """A value below the largest one, and surely so after rounding."""
        return float(np.ldexp(0.75, self.accumulator.width - 1 + self.accumulator.lsb))

    def _units(self, values: NDArray[np.float64]) -> NDArray:
        """Whole units, cut off; those of int64 are modulo 2**64, or held to the range if a sum
        with them saturates anyway."""
        fixed = self.accumulator
        if fixed.dtype is object:
            return integers(values, fixed.lsb)
        if self._saturates:
            most = np.ldexp(2.0, fixed.width - 1 + fixed.lsb)
            values = np.clip(values, -most, most)
        return integers64(values, fixed.lsb)

    def _product(self, a: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray:
        """a · w in units, where nothing is cut off; modulo 2**64 if int64."""
        fixed, scales = self.accumulator, (least_exponent(a), least_exponent(w))
        up = sum(scales) - fixed.lsb
        a, w = np.ldexp(a, -scales[0]), np.ldexp(w, -scales[1])
        if fixed.dtype is object:
            parts = digits_product(a, w)
            zero = np.zeros((a.shape[0], w.shape[1]), object)
            return sum((t.astype(object) << place + up for place, t in parts), zero)
        if _largest(a) * _largest(w) * a.shape[1] < 1 << 53:
            total = (a @ w).astype(np.int64)
        else:
            parts = [(place, t) for place, t in digits_product(a, w) if place < 64]
            total = sum((t << place for place, t in parts), np.zeros(1, np.int64))
        return total << up if up < 64 else np.zeros_like(total)

    def _steps(self, a: NDArray[np.float64], w: NDArray[np.float64], total: NDArray) -> NDArray:
        """Every product cut off and every sum bounded, k after k."""
        for step in range(a.shape[1]):
            product = a[:, step, None] * w[step]  # exact: at most 48 bits
            total = self._bounded(total + self._units(product))
        return total

    def _bounded(self, units: NDArray) -> NDArray:
        fixed = self.accumulator
        if not self._saturates:
            return fixed.wrap(units)
        return np.clip(units, fixed.min, fixed.max).astype(fixed.dtype)

    def _leave(self, units: NDArray, bad: NDArray) -> NDArray:
        fixed = self.accumulator
        units = np.where(units == fixed.nan, fixed.min, units)
        return np.where(bad, fixed.nan, units).astype(fixed.dtype)
