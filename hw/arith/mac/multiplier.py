"""Gates of products: exact, or a user's own."""

from amaranth.back import rtlil
from amaranth.hdl import Cat, Module, Shape, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from ...formats import Int
from ...formats.multiplier import Multiplier, Products
from ...formats.multipliers import Exact, Mitchell, Truncated
from .mitchell import MitchellUnit
from .rows import Rows
from .truncated import TruncatedUnit

ROWS_BITS = 8
"""Significands up to this width are multiplied in LUTs, unless there is a multiplier given; wider
ones, and integers, by ``*``, which synthesis may put into a multiplier block."""

TABLE_BITS = 16
"""Bits of both operands of the largest truth table."""

ROW = 16
"""Products in a row of the ROM: simulators read fewer lines."""

IN_LUTS = Multiplier("luts", Exact())
"""Exact, on carry chains: what a device without multiplier blocks to spare wants."""


def in_rows(multiplier: Multiplier | None) -> bool:
    """Whether it is :data:`IN_LUTS`, whatever it is bound to."""
    return bool(multiplier) and multiplier.component is None and multiplier.function == Exact()


def unit_of(
    multiplier: Multiplier, a: Shape, b: Shape, o: Shape, normal: bool = False
) -> wiring.Component:
    """The combinational component (`a`, `b`: In, `o`: Out) for operands of these shapes."""
    if multiplier.component is not None:
        return multiplier.component(a, b, o)
    match multiplier.function:
        case Exact():
            return Rows(a, b, o)
        case Mitchell():
            return MitchellUnit(a, b, o)
        case Truncated() as function:
            return TruncatedUnit(function, a, b, o)
    if a.width + b.width > TABLE_BITS:
        raise ValueError(
            f"multiplier {multiplier.name} of {a.width} by {b.width} bits is too large for a ROM; "
            f"give it a component, or at most {TABLE_BITS} bits"
        )
    operands = (Int(shape.width, shape.signed) for shape in (a, b))
    return Table(multiplier.over(*operands, normal=normal).products, a, b, o)


def netlist(multiplier: Multiplier | None) -> str:
    """What the component of a multiplier bound to operands becomes; empty without one."""
    if multiplier is None or multiplier.component is None:
        return ""
    a, b = (Shape(x.width, x.signed) for x in multiplier.products.operands)
    shape = Shape(a.width + b.width, a.signed or b.signed)
    return rtlil.convert(multiplier.component(a, b, shape), name="multiplier", emit_src=False)


class Table(wiring.Component):
    """A multiplier's truth table as a ROM, combinational.

    Members
    -------
    a, b : In
    o : Out
    """

    def __init__(self, products: Products, a: Shape, b: Shape, o: Shape):
        words = products.table.reshape(-1, min(ROW, 1 << b.width)) & ((1 << o.width) - 1)
        self.rows = [sum(int(word) << n * o.width for n, word in enumerate(row)) for row in words]
        super().__init__({"a": In(a), "b": In(b), "o": Out(o)})

    def elaborate(self, platform):
        m = Module()
        width, place = len(self.o), min(ROW.bit_length() - 1, len(self.b))
        rom = memory.Memory(shape=width << place, depth=len(self.rows), init=self.rows)
        m.submodules.rom = rom
        port = rom.read_port(domain="comb")
        m.d.comb += [
            port.addr.eq(Cat(self.b[place:], self.a)),
            self.o.eq(port.data.word_select(self.b[:place], width)),
        ]
        return m


def product_of(m: Module, multiplier, a: Value, b: Value, signed: bool, normal=False) -> Value:
    """The product as a signal: of integers if `signed`, else of unsigned significands."""
    if not signed:
        a, b = a[:], b[:]
    shape = (a * b).shape()
    product = Signal(shape, name="product")
    if multiplier is None and (signed or min(len(a), len(b)) > ROWS_BITS):
        m.d.comb += product.eq(a * b)
        return product
    unit = unit_of(multiplier or IN_LUTS, a.shape(), b.shape(), shape, normal)
    m.submodules.multiplier = unit
    m.d.comb += [unit.a.eq(a), unit.b.eq(b), product.eq(unit.o)]
    return product
