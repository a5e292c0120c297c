"""Sums that are rounded at every step: which compiled loop gives every bit, and running it."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hw.formats import Float, Format, Int
from hw.formats.exact import least_exponent

from .mac import Mac

try:
    from . import lanes
except ImportError:  # numba is an extra
    lanes = None


@dataclass(frozen=True)
class Loop:
    """Which loop of :mod:`.lanes` serves."""

    lane: type
    odd: bool
    quick: bool
    subnormals: bool

    @property
    def name(self) -> str:
        return f"{self.lane.__name__}{' to odd' if self.odd else ''}"


@cache
def significand(fmt: Format) -> int:
    """Bits of the longest significand of `fmt`."""
    if isinstance(fmt, Int):
        return max(abs(fmt.min), fmt.max).bit_length() - (fmt.signed and fmt.max + 1 == -fmt.min)
    if isinstance(fmt, Float):
        return fmt.man + 1
    values = fmt.decode(np.arange(1 << fmt.width)).astype(np.float64)
    return longest(values[np.isfinite(values)])


def longest(values: NDArray) -> int:
    """Bits of the longest significand among finite `values`."""
    whole = np.ldexp(np.frexp(values[values != 0])[0], 53).astype(np.int64)
    return int(53 - np.log2((whole & -whole).astype(float)).min(initial=53))


def traits(mac: Mac) -> tuple[int, int, float]:
    """Of the products: bits of the longest, exponent of the least step, log2 of the largest."""
    operands = (mac.input, mac.weight)
    largest = sum(float(np.log2(max(abs(f.min), abs(f.max)))) for f in operands)
    least = sum(f.least_exponent for f in operands)
    return sum(significand(f) for f in operands), least, largest


def table_traits(products: NDArray) -> tuple[int, int, float]:
    """:func:`traits` of a table."""
    finite = np.where(np.isfinite(products), products, 0.0)
    largest = float(np.log2(max(np.abs(finite).max(), 1e-300)))
    return longest(finite), least_exponent(finite), largest


def loop_for(mac: Mac) -> Loop | None:
    """The fastest loop that is exact, None if there is none (or no numba).

    A sum of p (product, P bits) and s (q bits) that is not exact in t bits is one of numbers far
    apart. With P <= q and 2·q <= t - 2 the larger one is representable and the smaller one below a
    quarter of its unit, before and after rounding to t bits: both roundings give the larger one.
    Other roundings and longer products take the sum rounded to odd, unless t bits hold all sums.
    """
    out, stored = mac.sum.format, mac.memory.format
    usable = all(isinstance(f, Float) and f.man > 0 for f in (out, stored))
    if lanes is None or not usable:
        return None
    bits, least, largest = table_traits(mac.products) if mac.multiplier else traits(mac)
    top = max(largest, float(np.log2(out.max))) + 1
    span = top + 1 - min(least, out.least_exponent)
    subnormals = least < out.least_exponent or not out.subnormals
    for lane, t, low, high in ((np.float32, 24, -149, 128), (np.float64, 53, -1000, 900)):
        reach = max(largest + 1, float(np.log2(out.max)), out.emin + t - out.man)
        if min(least, out.least_exponent) < low or reach >= high or bits > t:
            continue
        fits = span <= t
        apart = mac.sum.rounding == "rne" and bits <= out.man + 1 and 2 * out.man <= t - 4
        if lane is np.float32 and not (apart or (fits and mac.sum.rounding == "rne")):
            continue
        quick = mac.sum.rounding == "rne" and top + t - out.man < high
        return Loop(lane, not (apart or fits), quick, subnormals)
    return None


def run(
    mac: Mac,
    loop: Loop,
    a: NDArray,
    w: NDArray,
    d: NDArray,
    onto: NDArray | None,
    random: NDArray,
) -> NDArray[np.float64]:
    """Stored sums; operands are values, depth a multiple of `dim`."""
    out, stored, lane = mac.sum.format, mac.memory.format, loop.lane
    options = {"quick": loop.quick, "subnormals": loop.subnormals}
    step = lanes.Rounding.to(out, lane, mac.sum.rounding, **options)
    adding = "zero" if mac.memory.rounding == "zero" else "rne"
    add = lanes.Rounding.to(stored, np.float64, adding)
    convert = lanes.Rounding.to(stored, np.float64, "rne") if stored != out else None
    function = lanes.product(step, loop.odd, add, convert, mac.multiplier is not None)
    start = np.ascontiguousarray(out.quantize(d), lane)
    result = np.empty(d.shape) if onto is None else np.array(onto, np.float64)
    table = np.zeros((1, 1), lane)
    if mac.multiplier:
        a, w = (f.encode(x).astype(np.int32) for f, x in ((mac.input, a), (mac.weight, w)))
        table = mac.products.astype(lane)
    else:
        a, w = (np.ascontiguousarray(x, lane) for x in (a, w))
    function(
        a, w, table, random, mac.sum.bits, start, onto is not None, result, mac.dim,
        lanes.numbers(out, lane), lanes.numbers(stored, np.float64),
    )  # fmt: skip
    return result
