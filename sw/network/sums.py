"""Sums of products for the plain-numpy reference, in any accumulator.

Shares no code with hw.formats or the simulator. Products are added one after the other, k
ascending in every tile of K, tiles in the order given; the sum of a tile starts at zero and is
added to what the accumulator memory holds. Operands are float64 values, sums `Integers`' units or
float64 values.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hw.formats import Accumulator, Fixed, Int, Rounded

from .numbers import Values, add_rounded

Steps = Sequence[tuple[int, int]]
"""(first k, count) of every tile, in order."""


@dataclass(frozen=True)
class Integers:
    """Two's complement in units of 2**lsb; exact Python integers if `wide`.

    `flags`: whether operands may be infinite or NaN, which the lowest code then remembers.
    """

    width: int
    lsb: int = 0
    saturate: bool = False
    fixed: bool = True
    wide: bool = False

    def units(self, values: Values) -> NDArray:
        """Whole units, cut off toward zero."""
        scaled = np.trunc(np.ldexp(values, -self.lsb))
        if self.wide:
            return np.array([int(x) for x in scaled.flat], object).reshape(scaled.shape)
        return scaled.astype(np.int64)

    def held(self, units: NDArray) -> NDArray:
        """Units within the width: wrapped or clipped."""
        half = 1 << (self.width - 1)
        if self.saturate:
            return np.minimum(np.maximum(units, 1 - half), half - 1)
        if self.wide:
            return (units + half) % (2 * half) - half
        free = 64 - self.width
        return units << free >> free

    def leave(self, units: NDArray) -> NDArray:
        """The lowest code is no number in fixed point."""
        lowest = -(1 << (self.width - 1))
        return np.where(units == lowest, lowest + 1, units) if self.fixed else units

    def values(self, units: NDArray) -> Values:
        """float64 values; bits below the 51st are collected in the last one (to odd)."""
        size = np.abs(units)
        if self.wide:
            lost = np.array([max(int(x).bit_length() - 51, 0) for x in size.flat], object)
            lost = lost.reshape(size.shape)
        else:
            lost = np.where(size >= 1 << 52, 12, 0)
        kept = size >> lost
        kept = kept | ((kept << lost) != size)
        sizes = np.ldexp(kept.astype(np.float64), (lost + self.lsb).astype(np.int64))
        return np.where(units < 0, -sizes, sizes)


def dot(accumulator: Accumulator, x: Values, w: Values, bias: Values, steps: Steps) -> Values:
    """bias[N] + x[M, K] · w[K, N] as float64 values (more than 53 bits: rounded to odd)."""
    if isinstance(accumulator, Rounded):
        return _dot_rounded(accumulator, x, w, bias, steps)
    bad = ~np.isfinite(x).all(1)[:, None] | ~np.isfinite(w).all(0) | ~np.isfinite(bias)
    x, w, bias = (np.where(np.isfinite(v), v, 0.0) for v in (x, w, bias))
    if isinstance(accumulator, Int):
        sums = Integers(accumulator.width, fixed=False)
    else:
        sums = _integers(accumulator, x, w)
    total = np.broadcast_to(sums.units(bias), (len(x), w.shape[1]))
    for first, count in steps:
        part = np.zeros_like(total)
        for k in range(first, first + count):
            part = part + sums.units(x[:, k, None] * w[k])
            part = sums.held(part) if sums.saturate or sums.wide else part
        total = sums.leave(sums.held(total + sums.leave(sums.held(part))))
    return np.where(bad, np.nan, sums.values(total))


def _integers(fixed: Fixed, x: Values, w: Values) -> Integers:
    saturates = fixed.overflow == "saturate"
    largest = np.ldexp(np.abs(x).max(initial=0) * np.abs(w).max(initial=0), -fixed.lsb)
    wide = fixed.width > (62 if saturates else 64) or largest >= 2.0**62
    return Integers(fixed.width, fixed.lsb, saturates, True, bool(wide))


def _dot_rounded(accumulator: Rounded, x: Values, w: Values, bias: Values, steps: Steps) -> Values:
    fmt, rounding = accumulator.format, accumulator.rounding
    if rounding == "stochastic":
        raise ValueError(f"{accumulator.name} sums depend on random bits; none are drawn here")
    total = np.broadcast_to(bias, (len(x), w.shape[1])).astype(np.float64)
    for first, count in steps:
        part = np.zeros_like(total)
        for k in range(first, first + count):
            with np.errstate(invalid="ignore"):
                product = x[:, k, None] * w[k]
            part = add_rounded(fmt, rounding, part, product)
        total = add_rounded(fmt, rounding, total, part)
    return total
