"""Integer products summed modulo 2**width."""

from contextlib import nullcontext

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring

from ...formats import Binary, Ternary
from ...register import data_register
from .block import (
    STEPS,
    BlockSum,
    bare_sums,
    block_product,
    has_block,
    partition_block,
    sum_for,
)
from .line import Line, partition
from .multiplier import in_rows, product_of
from .rows import levels, tree

PAIRS, LEVEL = 3.0, 2.5
"""Delays of a product's first carry chains, and of others."""


class IntMac(wiring.Component):
    """Members: see :class:`.mac.Mac`."""

    def __init__(self, parameters, members: dict):
        self.parameters = parameters
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        p = self.parameters
        product, steps = self._product, STEPS
        if isinstance(p.weight, Binary | Ternary) and not p.multiplier:
            product = self._signs
        elif in_rows(p.multiplier):
            product = self._rows
            sums = levels(self.input.shape(), self.weight.shape())
            steps = PAIRS, *[LEVEL] * sums, STEPS[-1]
        counts = partition(steps, p.stages)
        plain = product == self._product and not p.multiplier and p.stages >= 3
        if plain and sum_for(platform, len(self.input), len(self.weight), len(self.sum_in)):
            return self._sum_in_block(m)
        if plain and has_block(platform, self.input, self.weight):
            product, counts = self._block, [count - 1 for count in partition_block(p.stages)]
        line = Line(m, counts)
        x = line.cut(a=self.input, w=self.weight)
        x = line.cut(**product(m, line, x.a, x.w))
        total = self._plus_carry(m, x) if product == self._signs else self.sum_in + x.product
        kept = data_register(m, self.sum_out, reset_less=bare_sums(platform))
        holds = "hold" in self.signature.members
        with m.If(~self.hold) if holds else nullcontext():
            m.d.sync += kept.eq(total)
        return m

    def _sum_in_block(self, m: Module) -> Module:
        """Stages beyond those of the block are before it."""
        x = Line(m, [self.parameters.stages - 3, 0]).cut(a=self.input, w=self.weight)
        m.submodules.sum = unit = BlockSum(x.a.shape(), x.w.shape(), len(self.sum_in))
        m.d.comb += [unit.a.eq(x.a), unit.b.eq(x.w)]
        m.d.comb += [unit.c.eq(self.sum_in), self.sum_out.eq(unit.o)]
        if "hold" in self.signature.members:
            m.d.comb += unit.hold.eq(self.hold)
        return m

    def _product(self, m: Module, line: Line, a: Value, w: Value) -> dict:
        return {"product": product_of(m, self.parameters.multiplier, a, w, signed=True)}

    def _block(self, m: Module, line: Line, a: Value, w: Value) -> dict:
        return {"product": block_product(m, a, w)}

    def _rows(self, m: Module, line: Line, a: Value, w: Value) -> dict:
        def cut(values):
            return vars(line.cut(**{f"row{n}": v for n, v in enumerate(values)})).values()

        return {"product": tree(m, a, w, cut)}

    def _signs(self, m: Module, line: Line, a: Value, w: Value) -> dict:
        """For a weight of -1, 0 or 1: the input, nothing, or its complement, which lacks 1."""
        some, minus = w[0], w[1]
        kept, term = (Signal(signed(len(a) + 1), name=name) for name in ("kept", "term"))
        m.d.comb += [
            kept.eq(Mux(some, a, Const(0, a.shape()))),
            term.eq(kept ^ minus.replicate(len(kept)).as_signed()),
        ]
        return {"term": term, "minus": minus}

    def _plus_carry(self, m: Module, x) -> Value:
        """The carry enters through a bit below."""
        both = Signal(signed(len(self.sum_in) + 1), name="both")
        total, term = Cat(x.minus, self.sum_in), Cat(x.minus, x.term)
        m.d.comb += both.eq(total.as_signed() + term.as_signed())
        return both[1:]
