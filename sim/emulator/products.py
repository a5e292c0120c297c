"""Products of a multiplier of one's own, as a table over all pairs of codes."""

import numpy as np
from numpy.typing import NDArray

from hw.arith.mac import Mac as Unit
from hw.formats import Rounded

WIDEST = 20
"""Bits that the codes of both operands may have together."""


def products(unit: Unit) -> NDArray[np.float64]:
    """[input code, weight code]: values of the products that `unit` makes.

    NaN where an operand is no number (or an infinity, in fixed point).
    """
    bits = unit.input.width + unit.weight.width
    if bits > WIDEST:
        raise ValueError(
            f"{unit.input.name} and {unit.weight.name} have {bits} bits; an emulated multiplier "
            f"may have {WIDEST}"
        )
    a, w = (np.arange(1 << fmt.width, dtype=np.uint64) for fmt in (unit.input, unit.weight))
    x, y = (part.golden(codes) for part, codes in zip(unit.operands, (a, w), strict=True))
    least = sum(part.least for part in unit.operands)
    if unit.whole:
        x, y = np.broadcast_arrays(x[:, None], y)
        return np.ldexp(unit.multiplier.golden(x, y).astype(np.float64), least)
    factors = np.broadcast_arrays(x.significand[:, None], y.significand)
    size = unit.multiplier.golden(*factors).astype(np.float64)
    values = np.ldexp(size, x.exponent[:, None] + y.exponent + least)
    values = np.where(x.sign[:, None] ^ y.sign, -values, values)
    with np.errstate(invalid="ignore"):
        exact = np.multiply.outer(unit.input.decode(a), unit.weight.decode(w))
    if isinstance(unit.sum, Rounded):  # infinities are operands like others
        return np.where(np.isfinite(exact), values, exact)
    return np.where(x.nan[:, None] | y.nan, np.nan, values)
