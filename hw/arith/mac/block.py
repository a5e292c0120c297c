"""A product in a device's multiplier block, with the block's own registers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Shape, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .chain import device
from .line import partition

STEPS = (6.0, 4.0)
"""Delays of a product as one step, and of a sum."""


class Held(NamedTuple):
    """What a block's register takes in a cycle with `take`, and holds until the next."""

    value: Value
    take: Value
    signed: bool


@dataclass(frozen=True)
class Block:
    """A kind of multiplier block: `bits` of an operand, and `cell`, which makes it of both
    operands, whether they are signed, and the product, all as wide as the block. `halves`, if
    there is one, makes it of two operands each, one above the other, and their two products; with
    registers or without. `sum`, if there is one, makes one that adds as well, of both operands,
    whether they are signed, a term, when not to take the result, and the sum."""

    bits: int
    cell: Callable[[Value, Value, tuple[bool, bool], Signal], Instance]
    halves: Callable[[Value, Value, tuple[bool, bool], Signal, bool], Instance] | None = None
    sum: Callable[[Value, Value, tuple[bool, bool], Value, Value, Signal], Instance] | None = None


def _ecp5(a: Value, b: Value, signed: tuple[bool, bool], product: Signal) -> Instance:
    """MULT18X18D (Lattice FPGA-TN-02205)."""
    ports = {f"o_P{n}": product[n] for n in range(len(product))}
    for name, value, sign in zip("AB", (a, b), signed, strict=True):
        ports |= {f"i_{name}{n}": value[n] for n in range(len(value))}
        ports |= {f"i_SIGNED{name}": Const(sign, 1), f"i_SOURCE{name}": Const(0, 1)}
        ports |= {f"p_REG_INPUT{name}_CLK": "CLK0"}
    return Instance(
        "MULT18X18D",
        p_REG_OUTPUT_CLK="CLK0",
        i_CLK0=ClockSignal(),
        i_CE0=Const(1, 1),
        i_RST0=Const(0, 1),
        **ports,
    )


def _gowin(a: Value, b: Value, signed: tuple[bool, bool], product: Signal) -> Instance:
    """MULT9X9 or MULT18X18 (Gowin UG287)."""
    none = Const(0, len(a))
    return Instance(
        f"MULT{len(a)}X{len(a)}",
        **{f"p_{name}": Const(1, 1) for name in ("AREG", "BREG", "OUT_REG")},
        **{"i_A": a, "i_B": b, "i_SIA": none, "i_SIB": none, "o_DOUT": product},
        **{"i_ASEL": Const(0, 1), "i_BSEL": Const(0, 1)},
        **{"i_ASIGN": Const(signed[0], 1), "i_BSIGN": Const(signed[1], 1)},
        **{"i_CLK": ClockSignal(), "i_CE": Const(1, 1), "i_RESET": Const(0, 1)},
    )


def _ice40(a: Value, b: Value, signed: tuple[bool, bool], product: Signal) -> Instance:
    """SB_MAC16 (Lattice FPGA-TN-02007), the product behind the second register."""
    return _mac16(
        a, b, signed, product, output=3, p_A_REG=1, p_B_REG=1, p_PIPELINE_16x16_MULT_REG2=1
    )


def _ice40_halves(a: Value, b: Value, signed: tuple[bool, bool], products: Signal, registers: bool):
    """The same as two multipliers of 8 bits."""
    names = ("A_REG", "B_REG", "TOP_8x8_MULT_REG", "BOT_8x8_MULT_REG")
    kept = {f"p_{name}": int(registers) for name in names}
    return _mac16(a, b, signed, products, output=2, p_MODE_8x8=1, **kept)


def _ice40_sum(a: Value, b: Value, signed: tuple[bool, bool], c: Value, hold: Value, o: Signal):
    """Both adders behind the product, one carrying into the other, and the last register."""
    names = ("A_REG", "B_REG", "PIPELINE_16x16_MULT_REG2")
    kept: dict = {f"p_{name}": 1 for name in names} | {"p_TOPADDSUB_CARRYSELECT": 2}
    for half in ("TOP", "BOT"):  # C (D) and its half of the product
        kept |= {f"p_{half}ADDSUB_UPPERINPUT": 1, f"p_{half}ADDSUB_LOWERINPUT": 2}
        kept |= {f"i_OHOLD{half}": hold}
    return _mac16(a, b, signed, o, output=1, i_C=c[16:], i_D=c[:16], **kept)


def _mac16(a: Value, b: Value, signed: tuple[bool, bool], o: Signal, output: int, **parameters):
    controls = ("AHOLD", "BHOLD", "CHOLD", "DHOLD", "IRSTTOP", "IRSTBOT", "ORSTTOP", "ORSTBOT")
    controls += ("OLOADTOP", "OLOADBOT", "ADDSUBTOP", "ADDSUBBOT", "OHOLDTOP", "OHOLDBOT")
    controls += ("CI", "ACCUMCI", "SIGNEXTIN")
    ports = {f"i_{name}": Const(0, 1) for name in controls}
    ports |= {"i_C": Const(0, 16), "i_D": Const(0, 16)}
    return Instance(
        "SB_MAC16",
        **{"p_TOPOUTPUT_SELECT": output, "p_BOTOUTPUT_SELECT": output},
        **{"p_A_SIGNED": int(signed[0]), "p_B_SIGNED": int(signed[1])},
        **{"i_CLK": ClockSignal(), "i_CE": Const(1, 1), "i_A": a, "i_B": b, "o_O": o},
        **ports | parameters,
    )


def halves_sums(a: Held, b: Held, c: Held | None, o: Signal) -> Instance:
    """An SB_MAC16 as two multipliers of 8 bits that holds its operands: products of the halves of
    `a` and `b`, one above the other, plus the halves of `c` (16 bits each) if there is one."""
    kept = {f"p_{name}_REG": 1 for name in "AB"}
    kept |= {f"i_{name}HOLD": ~held.take for name, held in zip("AB", (a, b), strict=True)}
    if c is not None:
        kept |= {f"p_{name}_REG": 1 for name in "CD"} | {f"i_{name}HOLD": ~c.take for name in "CD"}
        kept |= {"i_C": c.value[16:], "i_D": c.value[:16]}
        for half in ("TOP", "BOT"):  # C (D) and the product of its half
            kept |= {f"p_{half}ADDSUB_UPPERINPUT": 1, f"p_{half}ADDSUB_LOWERINPUT": 1}
    signed = a.signed, b.signed
    return _mac16(a.value, b.value, signed, o, output=2 if c is None else 0, p_MODE_8x8=1, **kept)


BLOCKS = {
    "LFE5": (Block(18, _ecp5),),
    "GW2A": (Block(9, _gowin), Block(18, _gowin)),
    "UP5K": (Block(16, _ice40, _ice40_halves, _ice40_sum),),
}
"""Kinds by what a device's name begins with, the narrowest first."""


def partition_block(stages: int) -> tuple[int, int]:
    """Registers before a product and before the sum, as :func:`.line.partition`: with three stages
    or more those of the block are among them. The next is behind the block, whose place is given,
    the next before it."""
    if stages < 3:
        return partition(STEPS, stages)
    return (stages - 1) // 2, stages // 2


def block_for(platform, a: int, b: int) -> Block | None:
    """The narrowest block of the platform's device for operands of so many bits, of those that we
    know."""
    for start, blocks in BLOCKS.items():
        if device(platform).startswith(start):
            return next((block for block in blocks if max(a, b) <= block.bits), None)
    return None


def halves_for(platform, bits: int) -> Block | None:
    """The platform's block that multiplies twice, if operands of so many bits fit into its
    halves."""
    block = block_for(platform, 2 * bits, 2 * bits)
    return block if block and block.halves else None


def sum_for(platform, a: int, b: int, total: int) -> Block | None:
    """The platform's block that adds a sum of `total` bits, too, for operands of so many."""
    block = block_for(platform, a, b)
    return block if block and block.sum and total <= 2 * block.bits else None


def bare_sums(platform) -> bool:
    """Whether registers of sums may be without reset: yosys (0.70, ice40_dsp) puts one that has
    none, between two multiply-adds, into the blocks of both, and one of them is lost."""
    return not device(platform).startswith("UP5K")


def has_block(platform, a: Value, b: Value) -> bool:
    """Whether there is one."""
    return block_for(platform, len(a), len(b)) is not None


class BlockProduct(wiring.Component):
    """a·b two cycles later: registers before and behind the multiplier, none outside.

    Operands stand at the upper ends of the block's: what lies below is zero, and nothing is
    extended (wires of a sign to ten places hinder routing).

    Members
    -------
    a, b : In
    o : Out, of both shapes' product
    """

    def __init__(self, a: Shape, b: Shape):
        product = Shape(a.width + b.width, a.signed or b.signed)
        super().__init__({"a": In(a), "b": In(b), "o": Out(product)})

    def elaborate(self, platform):
        m = Module()
        block = block_for(platform, len(self.a), len(self.b))
        product = Signal(2 * block.bits)
        full = [_at_top(x, block.bits) for x in (self.a, self.b)]
        signed = self.a.shape().signed, self.b.shape().signed
        m.submodules.block = block.cell(*full, signed, product)
        m.d.comb += self.o.eq(product[-len(self.o) :])
        return m


class BlockSum(wiring.Component):
    """c + a·b modulo 2**width in one block: `c` of the cycle before, `a` and `b` of two before it.

    Members
    -------
    a, b : In
    c : In(width)
    hold : In(1)
        The sum stays as it is.
    o : Out(width)
    """

    def __init__(self, a: Shape, b: Shape, width: int):
        members = {"a": In(a), "b": In(b), "c": In(width), "hold": In(1), "o": Out(width)}
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        block = sum_for(platform, len(self.a), len(self.b), len(self.o))
        full, signed = [], (self.a.shape().signed, self.b.shape().signed)
        for name, value in (("a", self.a), ("b", self.b)):
            full.append(Signal(Shape(block.bits, value.shape().signed), name=f"{name}_extended"))
            m.d.comb += full[-1].eq(value)
        term, total = Signal(2 * block.bits), Signal(2 * block.bits)
        m.d.comb += [term.eq(self.c), self.o.eq(total)]
        m.submodules.block = block.sum(*full, signed, term, self.hold, total)
        return m


class HalvesProduct(wiring.Component):
    """a·w and a·v, with `registers` two cycles later, otherwise combinational, in the halves of one
    block.

    Members
    -------
    a, w, v : In
    low, high : Out, of both shapes' product
    """

    def __init__(self, a: Shape, w: Shape, registers: bool):
        self.registers = registers
        product = Shape(a.width + w.width, a.signed or w.signed)
        members = {"a": In(a), "w": In(w), "v": In(w), "low": Out(product), "high": Out(product)}
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        block = halves_for(platform, max(len(self.a), len(self.w)))
        bits = block.bits // 2
        products = Signal(4 * bits)
        both = [
            Cat(_at_top(low, bits), _at_top(high, bits))
            for low, high in ((self.a, self.a), (self.w, self.v))
        ]
        signed = self.a.shape().signed, self.w.shape().signed
        m.submodules.block = block.halves(*both, signed, products, self.registers)
        m.d.comb += [
            self.low.eq(products[2 * bits - len(self.low) : 2 * bits]),
            self.high.eq(products[4 * bits - len(self.high) :]),
        ]
        return m


def _at_top(value: Value, bits: int) -> Value:
    return Cat(Const(0, bits - len(value)), value)


def block_product(m: Module, a: Value, b: Value) -> Value:
    """The product of two cycles before as a signal."""
    m.submodules.product = unit = BlockProduct(a.shape(), b.shape())
    m.d.comb += [unit.a.eq(a), unit.b.eq(b)]
    return unit.o


def halves_products(m: Module, a: Value, w: Value, v: Value, registers: bool) -> list[Value]:
    """a·w and a·v of two cycles before (without `registers` of now) as signals."""
    m.submodules.products = unit = HalvesProduct(a.shape(), w.shape(), registers)
    m.d.comb += [unit.a.eq(a), unit.w.eq(w), unit.v.eq(v)]
    return [unit.low, unit.high]
