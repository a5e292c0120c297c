"""Sums of integers and fixed-point numbers, by matrix products of the BLAS where they are exact.

A product of matrices of integers is exact, in any order of its additions, if all partial sums stay
below 2**24 (float32) or 2**53 (float64); larger integers are cut into digits.
"""

import numpy as np
from numpy.typing import NDArray

from hw.formats import Fixed, sums
from hw.formats.exact import digits_product, integers, integers64

from .mac import Mac

try:
    from . import steps
except ImportError:  # numba is an extra
    steps = None


def largest(values: NDArray) -> float:
    """The largest magnitude; NaN if there is one."""
    return max(float(values.max(initial=0.0)), -float(values.min(initial=0.0)))


def _power(exponent: int) -> float:
    with np.errstate(over="ignore"):
        return float(np.ldexp(1.0, exponent))


class Whole:
    """One product of matrices for a `mac` that sums in an `Int` or a `Fixed`.

    Operands are values, the depth a multiple of `dim`.
    """

    def __init__(self, mac: Mac, a: NDArray, w: NDArray, d: NDArray, onto: NDArray | None):
        self.mac, self.onto = mac, onto
        self.fixed = isinstance(mac.sum, Fixed)
        self.lsb = mac.sum.lsb if self.fixed else 0
        self.scales = mac.input.least_exponent, mac.weight.least_exponent
        self.up = sum(self.scales) - self.lsb
        self.bad = None
        if not all(np.isfinite(largest(x)) for x in (a, w, d)):
            self.bad = ~np.isfinite(a).all(1)[:, None] | ~np.isfinite(w).all(0) | ~np.isfinite(d)
            a, w, d = (np.where(np.isfinite(x), x, 0.0) for x in (a, w, d))
        self.a, self.w, self.d = a, w, d
        self.peak = largest(a) * 2.0 ** -self.scales[0] * (largest(w) * 2.0 ** -self.scales[1])
        """The largest product, in the least steps of both operands."""

    def run(self) -> tuple[NDArray, str]:
        """Stored sums, and what computed them."""
        if self.mac.multiplier:
            return self._tile_by_tile()
        inside = self.up >= 0 and self._stays_in_range()
        if inside or self._free_order():
            return self._at_once(inside)
        return self._tile_by_tile()

    def _free_order(self) -> bool:
        return not self.fixed and self.mac.memory == self.mac.sum

    def _stays_in_range(self) -> bool:
        """Whether no sum, of a tile or in the memory, can wrap around or saturate."""
        product, d = self.peak * _power(self.up), largest(self.d) * _power(-self.lsb)
        before = 0 if self.onto is None else largest(self.onto)
        tile, total = product * self.mac.dim + d, product * self.a.shape[1] + d + before
        sum, memory = (0.999 * 2.0 ** (x.width - 1) for x in (self.mac.sum, self.mac.memory))
        return tile < sum and total < memory

    def _at_once(self, inside: bool) -> tuple[NDArray, str]:
        memory = self.mac.memory
        wide = self.fixed and memory.dtype is object
        total, kernel = self._product(wide)
        if self.d.any():
            total = total + (integers if wide else integers64)(self.d, self.lsb)
        bad = self.bad
        if self.onto is not None:
            onto = self.onto
            if self.fixed:
                lost = onto == memory.nan
                bad = lost if bad is None else bad | lost
                onto = np.where(lost, 0, onto)
            total = total + onto
        if not self.fixed:
            return total if inside else memory.wrap(total), kernel
        return (total if bad is None else np.where(bad, memory.nan, total)), kernel

    def _product(self, wide: bool) -> tuple[NDArray, str]:
        """In units; integers modulo 2**64, or Python integers if `wide`."""
        a, w = self.a, self.w
        most = self.peak * a.shape[1]
        if most < 1 << 53:
            lane = np.float32 if most < 1 << 24 else np.float64
            pair = zip((a, w), self.scales, strict=True)
            a, w = (lane(2.0**-e) * x.astype(lane) if e else x.astype(lane) for x, e in pair)
            total = (a @ w).astype(np.int64)
            kernel = "sgemm" if lane is np.float32 else "dgemm"
            parts = [(0, total)]
        else:
            a, w = (np.ldexp(x, -e) for x, e in zip((a, w), self.scales, strict=True))
            parts, kernel = digits_product(a, w), "dgemm of digits"
        if not wide:
            parts = [(place, t) for place, t in parts if place + self.up < 64]
        empty = np.zeros((a.shape[0], w.shape[1]), object if wide else np.int64)
        for place, part in parts:
            part = part.astype(object) if wide else part
            shifted = part << place + self.up if place + self.up else part
            empty = empty + shifted if len(parts) > 1 else shifted
        return empty, kernel

    def _tile_by_tile(self) -> tuple[NDArray, str]:
        mac, memory = self.mac, sums(self.mac.memory)
        tile_of = self._compiled()
        kernel = "steps in float64" if tile_of else "tiles"
        total = self.onto
        for first in range(0, self.a.shape[1], mac.dim):
            part = slice(first, first + mac.dim)
            d = self.d if first == 0 else np.zeros_like(self.d)
            tile = mac.store((tile_of or mac.tile)(self.a[:, part], self.w[part], d))
            total = tile if total is None else memory.add(total, tile)
        if self.bad is not None:
            total = np.where(self.bad, mac.memory.nan, total).astype(mac.memory.dtype)
        return total, kernel

    def _compiled(self):
        """The compiled loop for a tile with products that are cut off or looked up, or with sums
        that saturate; None if it is not exact, or not needed."""
        mac, target = self.mac, self.mac.sum
        saturates = self.fixed and target.overflow == "saturate"
        exact = not saturates and self.up >= 0 and not mac.multiplier  # products of matrices
        if steps is None or exact or target.width > (50 if saturates else 64):
            return None
        unit = _power(-self.lsb)
        table = np.zeros((1, 1))
        largest_product = self.peak * _power(self.up)
        if mac.multiplier:
            table = np.nan_to_num(mac.products, posinf=0.0, neginf=0.0)
            largest_product = largest(table) * unit
        if not saturates and largest_product * mac.dim + largest(self.d) * unit >= 1 << 52:
            return None
        most = float(target.max) if saturates else np.inf

        def run(a: NDArray, w: NDArray, d: NDArray) -> NDArray:
            start = np.clip(np.trunc(d * unit), -most, most)
            if mac.multiplier:
                a, w = mac.input.encode(a), mac.weight.encode(w)
                total = steps.looked_up(a, w, table, start, unit, most)
            else:
                pair = (np.ascontiguousarray(x) for x in (a, w))
                total = steps.multiplied(*pair, start, unit, most)
            total = target.wrap(total.astype(np.int64))
            return np.where(total == target.nan, target.min, total) if self.fixed else total

        return run
