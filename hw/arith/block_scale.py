"""Scales of blocks, applied to a lane of the array's results."""

from dataclasses import dataclass

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import ArrayLike, NDArray

from ..control.ops import shape_of
from ..formats import Block, BlockScale, Fixed, Int
from .number import Number
from .pack import Pack
from .to24 import WIDE, exponents
from .unpack import Unpack


def product_layout(a: Number, b: Number) -> Number:
    """Of an exact product."""
    x, y = exponents(a), exponents(b)
    single = 1 in (a.bits, b.bits)
    reach = range(x.start + y.start, x[-1] + y[-1] + 1 + (not single))
    bits = max(a.bits, b.bits) if single else a.bits + b.bits
    return Number(reach, bits, a.specials or b.specials)


def multiplied(m: Module, a, b, name: str):
    """The exact product of two normalised numbers; infinity times zero is NaN."""
    x, y = a.shape(), b.shape()
    out = Signal(product_layout(x, y), name=name)
    bits, up = Signal(len(out.significand), name=f"{name}_bits"), Const(0)
    if 1 in (x.bits, y.bits):
        kept, factor = (a, b) if y.bits == 1 else (b, a)
        m.d.comb += bits.eq(Mux(factor.significand[0], kept.significand, 0))
    else:
        m.d.comb += bits.eq(a.significand * b.significand)
        up = bits[-1]
    m.d.comb += [
        out.sign.eq(a.sign ^ b.sign),
        out.exponent.eq(a.exponent + b.exponent + up),
        out.significand.eq(bits if isinstance(up, Const) else Mux(up, bits, bits << 1)),
    ]
    if out.shape().specials:
        flags = [(v.nan, v.infinite) if v.shape().specials else (0, 0) for v in (a, b)]
        zeros = [~v.significand[-1] for v in (a, b)]
        (a_nan, a_infinite), (b_nan, b_infinite) = flags
        lost = (a_infinite & zeros[1] & ~b_infinite) | (b_infinite & zeros[0] & ~a_infinite)
        m.d.comb += [
            out.nan.eq(a_nan | b_nan | lost),
            out.infinite.eq(a_infinite | b_infinite),
        ]
    return out


@dataclass(frozen=True)
class ScaleLane:
    """The hardware of a :class:`hw.formats.BlockScale`: a product of scales, one with the sum, and
    the rounding. `latency` cycles: 4, or 5 with sums of more than 16 bits."""

    blocks: BlockScale

    @property
    def unpack(self) -> Unpack:
        source = self.blocks.summed
        return Unpack(source, isinstance(source, Int | Fixed) and source.width > WIDE)

    @property
    def latency(self) -> int:
        return 4 + self.unpack.staged

    def golden(self, raw: ArrayLike, rows: ArrayLike, columns: ArrayLike) -> NDArray:
        """:meth:`hw.formats.BlockScale.golden`."""
        return self.blocks.golden(raw, rows, columns)

    def create(self) -> "ScaleLaneUnit":
        return ScaleLaneUnit(self)


class ScaleLaneUnit(wiring.Component):
    """One sum per cycle.

    Members
    -------
    i : In(shape_of(summed))
    row, column : In(scale's width), as far as the operand has blocks
    o : Out(shape_of(memory)), `latency` cycles later
    """

    def __init__(self, parameters: ScaleLane):
        self.parameters = parameters
        blocks = parameters.blocks
        ports = {"i": In(shape_of(blocks.summed)), "o": Out(shape_of(blocks.memory))}
        for name, block in (("row", blocks.input), ("column", blocks.weight)):
            if block:
                ports[name] = In(block.scale.width)
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        blocks, unpack = self.parameters.blocks, self.parameters.unpack.create()
        m.submodules.unpack = unpack
        m.d.comb += unpack.i.eq(self.i)
        if self.parameters.unpack.staged:
            m.d.comb += unpack.enable.eq(1)
        total = Signal(unpack.o.shape())
        m.d.sync += total.eq(unpack.o)
        factors = [
            self._scale(m, name, block)
            for name, block in (("row", blocks.input), ("column", blocks.weight))
            if block
        ]
        factor = multiplied(m, *factors, "factor") if len(factors) == 2 else factors[0]
        for stage in range(1 + self.parameters.unpack.staged):
            late = Signal(factor.shape(), name=f"factor_late{stage}")
            m.d.sync += late.eq(factor)
            factor = late
        scaled = multiplied(m, total, factor, "scaled")
        reach = exponents(scaled.shape())
        layout = Number(
            range(reach.start + blocks.unit, reach.stop + blocks.unit),
            scaled.shape().bits,
            scaled.shape().specials,
        )
        result = Signal(layout)
        m.d.sync += [result[name].eq(scaled[name]) for name in layout.members]
        m.d.sync += result.exponent.eq(scaled.exponent + blocks.unit)
        m.submodules.pack = pack = Pack(layout, blocks.memory).create()
        m.d.comb += [pack.enable.eq(1), pack.i.eq(result), self.o.eq(pack.o)]
        return m

    def _scale(self, m: Module, name: str, block: Block):
        unit = Unpack(block.scale).create()
        m.submodules[f"unpack_{name}"] = unit
        m.d.comb += unit.i.eq(getattr(self, name))
        return unit.o
