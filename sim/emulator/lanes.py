"""Compiled loops for sums that are rounded at every step.

The bits of |sum + product| are rounded as an integer: to nearest by adding half a unit, or by
adding a random integer, and clearing what lies below; only where results can be subnormal does it
take floating-point arithmetic. float32 lanes serve where the sum of a step may be rounded to 24
bits first (:mod:`.rounded` decides); float64 lanes round it to odd where they have to.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numba import njit

from hw.formats import Float

OPTIONS = {
    "error_model": "numpy",
    "nogil": True,
    "fastmath": {"contract"},  # products are exact: fused or not, a sum is the same
}


@dataclass(frozen=True)
class Rounding:
    """How numbers of `lane` (float32 or float64) are rounded to a format."""

    lane: type
    mode: str
    quick: bool = False
    """To nearest, and 2**(exponent + bits lost) stays within the lane: fewer operations."""
    subnormals: bool = True
    """Whether results below the least normal number may need rounding."""
    flush: bool = False
    """Whether they are zeros."""
    nan: bool = True
    """Whether the format has NaN."""
    one_zero: bool = False

    @classmethod
    def to(cls, fmt: Float, lane: type, mode: str, **options) -> "Rounding":
        one_zero = fmt.specials == "fnuz"
        return cls(
            lane, mode, flush=not fmt.subnormals, nan=fmt.has_nan, one_zero=one_zero, **options
        )


def numbers(fmt: Float, lane: type) -> tuple:
    """What :func:`rounder` needs of a format, as scalars of the lane."""
    bits, man = (np.int32, 23) if lane is np.float32 else (np.int64, 52)

    def pattern(value: float):
        return lane(value).view(bits)

    over = fmt.max if fmt.saturate else np.inf if fmt.has_infinity else np.nan
    drop = man - fmt.man
    with np.errstate(over="ignore"):
        return (
            bits(drop),  # bits below the lowest one kept
            bits((drop << man) + (1 << (man - 1))),  # makes 2**e 1.5 · 2**(e + drop)
            pattern(2.0**fmt.emin),
            lane(2.0 ** (fmt.emin + drop)),  # adding it rounds subnormals to nearest
            lane(2.0 ** (fmt.man - fmt.emin)),  # subnormals times this are whole
            lane(2.0 ** (fmt.emin - fmt.man)),
            pattern(fmt.max),
            pattern(over),
        )


@cache
def rounder(how: Rounding):
    """Compiled ``f(number, random integer, its bits, numbers)``."""
    return (_quick if how.quick else _general)(how)


def _quick(how: Rounding):
    """To nearest: adding 1.5 · 2**(e + bits lost), e the exponent, cuts a number off rounded."""
    lane = how.lane
    bits = np.int32 if lane is np.float32 else np.int64
    top, rest = bits(np.iinfo(bits).min), bits(np.iinfo(bits).max)
    infinite = lane(np.inf).view(bits)
    flush, has_nan, one_zero = how.flush, how.nan, how.one_zero

    @njit(inline="always", **OPTIONS)
    def rounded(number, random, places, numbers):
        drop, lift, least, magic, whole, unit, most, over = numbers
        pattern = lane(number).view(bits)
        exponent = bits(pattern & infinite)
        exponent = exponent if exponent > least else least
        shift = bits(exponent + lift).view(lane)
        out = lane(lane(number + shift) - shift)
        size = bits(lane(out).view(bits) & rest)
        over_size = over if (size > most) & (size <= infinite) else size
        if flush:
            over_size = over_size if size >= least else bits(0)
        out = bits(over_size | bits(pattern & top)).view(lane)
        if not has_nan:
            out = out if number == number else lane(0)
        if one_zero:
            out = lane(out + lane(0))
        return out

    return rounded


def _general(how: Rounding):
    """On the bits of the magnitude, as an integer."""
    lane = how.lane
    bits = np.int32 if lane is np.float32 else np.int64
    top, rest = bits(np.iinfo(bits).min), bits(np.iinfo(bits).max)
    infinite, one = lane(np.inf).view(bits), bits(1)
    nearest, cuts = how.mode == "rne", how.mode == "zero"
    subnormals, flush, one_zero = how.subnormals, how.flush, how.one_zero
    nan = lane(np.nan if how.nan else 0.0).view(bits)

    @njit(inline="always", **OPTIONS)
    def rounded(number, random, places, numbers):
        drop, lift, least, magic, whole, unit, most, over = numbers
        pattern = lane(number).view(bits)
        size = bits(pattern & rest)
        out = size
        if nearest:
            half = bits(bits(one << bits(drop - one)) - one)
            out = bits(size + bits(half + bits(bits(size >> drop) & one)))
        elif not cuts:
            out = bits(size + bits(bits(random) << bits(drop - places)))
        out = bits(out & bits(bits(-1) << drop))
        if subnormals:
            low = bits(size).view(lane)
            if nearest:
                low = lane(lane(low + magic) - magic)
            elif cuts:
                low = lane(np.floor(low * whole) * unit)
            else:
                more = lane(bits(one << bits(places)))
                low = np.floor(low * whole * more) + lane(random)
                low = lane(np.floor(low / more) * unit)
            below = lane(low).view(bits)
            if flush:
                below = below if below >= least else bits(0)
            out = below if size < least else out
        if cuts:
            out = (over if size >= infinite else most) if out > most else out
        else:
            out = over if out > most else out
        out = bits(out | bits(pattern & top))
        out = nan if size > infinite else out
        out = bits(out).view(lane)
        if one_zero:
            out = lane(out + lane(0))
        return out

    return rounded


@njit(inline="always", **OPTIONS)
def to_odd(x, y):
    """x + y in float64; if that is not exact, its neighbour with an odd last bit."""
    total = x + y
    back = total - x
    error = (x - (total - back)) + (y - back)
    pattern = np.float64(total).view(np.int64)
    step = np.int64(1) if (error > 0) == (total > 0) else np.int64(-1)
    inexact = (error > 0) | (error < 0)
    moved = pattern + step if inexact & (pattern & 1 == 0) else pattern
    return np.int64(moved).view(np.float64)


@cache
def product(
    step: Rounding, odd: bool, add: Rounding, convert: Rounding | None, looked_up: bool = False
):
    """Compiled loop over rows, tiles and steps.

    ``f(a, w, table, random, places, start, onto, out, dim, sums, stored)``: a[M, K] and w[K, N] in
    the lane's type, or codes with which products are `looked_up` in `table`; K a multiple of `dim`;
    random[K, M, N] integers of `places` bits; `start`[M, N] enters the first tile; `out`[M, N] is
    the memory, and what is in it is kept if `onto`; `sums` and `stored` are the :func:`numbers` of
    the two formats. `odd`: sums of a step are rounded to odd first; `convert`: how they become what
    the memory holds.
    """
    lane, stochastic, widens = step.lane, step.mode == "stochastic", convert is not None
    round_step, round_add = rounder(step), rounder(add)
    round_tile = rounder(convert or add)
    nothing = lane(0)

    @njit(**OPTIONS)
    def run(a, w, table, random, places, start, onto, out, dim, sums, stored):
        rows, depth = a.shape
        columns = w.shape[1]
        total = np.empty(columns, lane)
        for i in range(rows):
            for first in range(0, depth, dim):
                for j in range(columns):
                    total[j] = start[i, j] if first == 0 else nothing
                for k in range(first, first + dim):
                    x = a[i, k]
                    for j in range(columns):
                        product = table[x, w[k, j]] if looked_up else x * w[k, j]
                        exact = to_odd(total[j], product) if odd else total[j] + product
                        draw = random[k, i, j] if stochastic else 0
                        total[j] = round_step(exact, draw, places, sums)
                for j in range(columns):
                    tile = np.float64(total[j])
                    if widens:
                        tile = round_tile(tile, 0, 0, stored)
                    if first > 0 or onto:
                        tile = round_add(to_odd(out[i, j], tile), 0, 0, stored)
                    out[i, j] = tile

    return run
