"""Which formats the array takes, and which accumulators go with them."""

from .accumulator import Fixed, Rounded
from .base import Format
from .block import Block
from .codebook import Codebook
from .float import Float
from .integer import Int
from .log import Log
from .posit import Posit
from .ternary import Binary, Ternary

Accumulator = Int | Fixed | Rounded

Element = Int | Float | Posit | Ternary | Log
"""Inputs and outputs: formats with a zero, to which the hardware rounds."""

Weight = Element | Binary | Codebook
"""Weights need not be rounded to, nor have a zero."""

PRODUCTS = 4096
"""Products that an exact accumulator of :func:`suited` sums without loss."""

WIDEST = 64
"""Bits up to which :func:`suited` sums exactly."""


def unfit(fmt: Format | Block, weight: bool = False) -> str | None:
    """What an input or output (or a weight) must be, if `fmt` cannot be one."""
    if isinstance(fmt, Weight if weight else Element):
        return None
    if isinstance(fmt, Binary):
        return "a format with a zero, which stands where there is nothing, for example ternary"
    if isinstance(fmt, Codebook):
        return f"what the hardware rounds to, for example {fmt.format.name}; tables are for weights"
    if isinstance(fmt, Block):
        return f"a format without scales of blocks, for example {fmt.element.name}"
    return "a format such as Int(8) or Float.parse('e4m3')"


def integral(fmt: Format) -> bool:
    """Whether all values are whole numbers, and their type says so."""
    if isinstance(fmt, Codebook):
        return integral(fmt.format)
    return isinstance(fmt, Int | Binary | Ternary)


def suited(input: Format | Block, weight: Format | Block) -> Accumulator:
    """The accumulator that is proposed for sums of products of `input` and `weight`.

    Integers sum in int32; others exactly in fixed point (whole bytes), as long as `PRODUCTS` of
    them fit into `WIDEST` bits; the rest rounds to fp32 at every step. Blocks, which have scales,
    are added up in fp32.
    """
    if isinstance(input, Block) or isinstance(weight, Block):
        return Rounded(Float.parse("fp32"))
    if integral(input) and integral(weight):
        return Int(32)
    exact = Fixed.exact(input, weight, PRODUCTS)
    width = -(-exact.width // 8) * 8
    return Fixed(width, exact.lsb) if width <= WIDEST else Rounded(Float.parse("fp32"))


def suited_in_block(input: Format, weight: Format, products: int) -> Accumulator:
    """What the array sums `products` products of elements in, before blocks are scaled: exactly,
    as long as they fit into `WIDEST` bits, otherwise in fp32."""
    products = max(products, 1)
    width = _bits(input) + _bits(weight) + (products - 1).bit_length()
    if integral(input) and integral(weight) and width <= 32:
        return Int(width)
    exact = Fixed.exact(input, weight, products)
    return exact if exact.width <= WIDEST else Rounded(Float.parse("fp32"))


def stored_as(input: Format | Block) -> Format:
    """The output that is proposed: like the input, or bf16 where inputs come in blocks, whose
    scales mvout does not make."""
    return Float.parse("bf16") if isinstance(input, Block) else input


def mismatch(input: Format | Block, weight: Format | Block, accumulator: Accumulator) -> str | None:
    """What an accumulator for products of `input` and `weight` must be, if it is not."""
    best = suited(input, weight).name
    if isinstance(input, Block) or isinstance(weight, Block):
        good = isinstance(accumulator, Rounded) and isinstance(accumulator.format, Float)
        return None if good else f"a Rounded to a Float, for example {best}: blocks have scales"
    if isinstance(accumulator, Int):
        other = [fmt.name for fmt in (input, weight) if not integral(fmt)]
        if other:
            return f"a Fixed or a Rounded, for example {best}: {other[0]} is no integer"
        need = sum(_bits(fmt) for fmt in (input, weight))
        if not accumulator.signed or accumulator.width < need:
            return f"signed and at least {need} bits wide (one product), for example {best}"
    if isinstance(accumulator, Rounded) and not isinstance(accumulator.format, Float):
        return f"a Rounded to a Float, for example {best}"
    if isinstance(accumulator, Fixed) and accumulator.width > 128:
        return f"at most 128 bits wide, for example {best}"
    return None


def _bits(fmt: Format) -> int:
    """Bits of an integer: those of a table's entries, not of its indices."""
    return _bits(fmt.format) if isinstance(fmt, Codebook) else fmt.width


def holds(wide: Accumulator, narrow: Accumulator) -> bool:
    """Whether sums of `narrow` can be stored as `wide`."""
    if wide == narrow:
        return True
    if type(wide) is not type(narrow):
        return False
    if isinstance(wide, Rounded):
        return True
    at_scale = isinstance(wide, Int) or wide.lsb == narrow.lsb
    return at_scale and wide.width >= narrow.width
