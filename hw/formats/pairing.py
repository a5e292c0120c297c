"""Which accumulators go with which inputs and weights."""

from .accumulator import Fixed, Rounded
from .base import Format
from .float import Float
from .integer import Int

Accumulator = Int | Fixed | Rounded

PRODUCTS = 4096
"""Products that an exact accumulator of :func:`suited` sums without loss."""

WIDEST = 64
"""Bits up to which :func:`suited` sums exactly."""


def suited(input: Format, weight: Format) -> Accumulator:
    """The accumulator that is proposed for sums of products of `input` and `weight`.

    Integers sum in int32; others exactly in fixed point (whole bytes), as long as `PRODUCTS` of
    them fit into `WIDEST` bits; the rest rounds to fp32 at every step.
    """
    if isinstance(input, Int) and isinstance(weight, Int):
        return Int(32)
    exact = Fixed.exact(input, weight, PRODUCTS)
    width = -(-exact.width // 8) * 8
    return Fixed(width, exact.lsb) if width <= WIDEST else Rounded(Float.parse("fp32"))


def mismatch(input: Format, weight: Format, accumulator: Accumulator) -> str | None:
    """What an accumulator for products of `input` and `weight` must be, if it is not."""
    best = suited(input, weight).name
    if isinstance(accumulator, Int):
        if not (isinstance(input, Int) and isinstance(weight, Int)):
            return f"a Fixed or a Rounded, for example {best}: {input.name} is no integer"
        need = input.width + weight.width
        if not accumulator.signed or accumulator.width < need:
            return f"signed and at least {need} bits wide (one product), for example {best}"
    if isinstance(accumulator, Rounded) and not isinstance(accumulator.format, Float):
        return f"a Rounded to a Float, for example {best}"
    if isinstance(accumulator, Fixed) and accumulator.width > 128:
        return f"at most 128 bits wide, for example {best}"
    return None
