"""Which formats the array takes, and which accumulators go with them."""

from dataclasses import replace

from .accumulator import Fixed, Rounded
from .base import Format
from .block import Block
from .codebook import Codebook
from .e8m0 import E8M0
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

INPUT_BITS = 16
"""Bits of the widest inputs that are no Float."""

PRODUCTS = 4096
"""Products that an exact accumulator of :func:`suited` sums without loss."""

BLOCK = 18
"""Bits of the widest operands of multiplier blocks."""

HALF = 8
"""Bits of the operands of blocks that make two products."""

WIDEST = 64
"""Bits up to which :func:`suited` sums exactly."""


def unfit(fmt: Format | Block, weight: bool = False) -> str | None:
    """What an input or output (or a weight) must be, if `fmt` cannot be one."""
    if isinstance(fmt, Weight if weight else Element):
        return None
    if isinstance(fmt, Binary):
        return "a format with a zero, which stands where there is nothing, for example ternary"
    if isinstance(fmt, Codebook):
        entries = fmt.format
        while isinstance(entries, Codebook):
            entries = entries.format
        near = entries.name if isinstance(entries, Element) else "int8"
        return f"what the hardware rounds to, for example {near}; tables are for weights"
    if isinstance(fmt, Block):
        near = fmt.element if isinstance(fmt.element, Float) else narrowed(fmt.element, INPUT_BITS)
        return f"a format without scales of blocks, for example {near.name}"
    if isinstance(fmt, E8M0):
        return "a format with a sign and a zero, for example e4m3"
    return "a format such as Int(8) or Float.parse('e4m3')"


def aligns(input: Format, weight: Format, accumulator: Accumulator) -> bool:
    """Whether one product of magnitudes in fixed point needs no shift: for narrow floats, and
    integers beside them, in a `Fixed`."""
    formats = input, weight
    if not isinstance(accumulator, Fixed) or all(isinstance(fmt, Int) for fmt in formats):
        return False
    return all(
        isinstance(fmt, Int | Float)
        and (fmt.width if isinstance(fmt, Int) else fmt.man + 1 + fmt.emax - fmt.emin) <= BLOCK
        for fmt in formats
    )


def packed_bits(input: Int, weight: Int) -> int:
    """Bits that a product of `input` by two weights needs: one stands above the other and the bits
    of a product, and there are signs."""
    return input.width + 2 * weight.width + weight.signed


def packs(input: Int, weight: Int) -> bool:
    """Whether one multiplication makes the products of an input and two weights."""
    return packed_bits(input, weight) <= BLOCK


def narrowed(fmt: Format, width: int) -> Format:
    """`fmt` with at most `width` bits: fewer integer bits, or a shorter mantissa."""
    if fmt.width <= width or not isinstance(fmt, Int | Float):
        return fmt
    return replace(
        fmt, **{"width": width} if isinstance(fmt, Int) else {"man": width - 1 - fmt.exp}
    )


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
    width, lsb = Fixed.needs(input, weight, PRODUCTS)
    width = -(-width // 8) * 8
    return Fixed(width, lsb) if width <= WIDEST else Rounded(Float.parse("fp32"))


def suited_in_block(input: Format, weight: Format, products: int) -> Accumulator:
    """What the array sums `products` products of elements in, before blocks are scaled: exactly,
    as long as they fit into `WIDEST` bits, otherwise in fp32."""
    products = max(products, 1)
    width = _bits(input) + _bits(weight) + (products - 1).bit_length()
    if integral(input) and integral(weight) and width <= 32:
        return Int(width)
    width, lsb = Fixed.needs(input, weight, products)
    return Fixed(width, lsb) if width <= WIDEST else Rounded(Float.parse("fp32"))


def stored_as(input: Format | Block) -> Format:
    """The output that is proposed: like the input, or bf16 where inputs come in blocks, whose
    scales mvout does not make."""
    return Float.parse("bf16") if isinstance(input, Block) else input


def mismatch(
    input: Format | Block,
    weight: Format | Block,
    accumulator: Accumulator,
    example: str | None = None,
) -> str | None:
    """What an accumulator for products of `input` and `weight` must be, if it is not."""
    example = example or f"for example {suited(input, weight).name}"
    if isinstance(input, Block) or isinstance(weight, Block):
        good = isinstance(accumulator, Rounded) and isinstance(accumulator.format, Float)
        return None if good else f"a Rounded to a Float, {example}: blocks have scales"
    if isinstance(accumulator, Int):
        other = [fmt.name for fmt in (input, weight) if not integral(fmt)]
        if other:
            return f"a Fixed or a Rounded, {example}: {other[0]} is no integer"
        need = sum(_bits(fmt) for fmt in (input, weight))
        if not accumulator.signed or accumulator.width < need:
            return f"signed and at least {need} bits wide (one product), {example}"
    if isinstance(accumulator, Rounded) and not isinstance(accumulator.format, Float):
        return "a Rounded to a Float, for example fp32"
    if isinstance(accumulator, Fixed) and accumulator.width > 128:
        return f"at most 128 bits wide, {example}"
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
