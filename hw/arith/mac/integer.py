"""Integer products summed modulo 2**width."""

from contextlib import nullcontext

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring

from ...formats import Binary, Ternary
from .block import block_product, has_block
from .line import Line, partition
from .multiplier import product_of

STEPS = (6.0, 4.0)
"""Delays of product and sum."""


class IntMac(wiring.Component):
    """Members: see :class:`.mac.Mac`."""

    def __init__(self, parameters, members: dict):
        self.parameters = parameters
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        p = self.parameters
        counts = partition(STEPS, p.stages)
        added = isinstance(p.weight, Binary | Ternary) and not p.multiplier
        block = not (added or p.multiplier) and min(counts) > 0
        block = block and has_block(platform, self.input, self.weight)
        line = Line(m, [count - block for count in counts])
        x = line.cut(a=self.input, w=self.weight)
        if added:
            total = self._added(m, line, x.a, x.w)
        else:
            if block:
                product = block_product(m, x.a, x.w)
            else:
                product = product_of(m, p.multiplier, x.a, x.w, signed=True)
            x = line.cut(product=product)
            total = self.sum_in + x.product
        holds = "hold" in self.signature.members
        with m.If(~self.hold) if holds else nullcontext():
            m.d.sync += self.sum_out.eq(total)
        return m

    def _added(self, m: Module, line: Line, a: Value, w: Value) -> Value:
        """For a weight of -1, 0 or 1: the input, nothing, or its complement with a carry, which
        enters through a bit below."""
        some, minus = w[0], w[1]
        kept, term = (Signal(signed(len(a) + 1), name=name) for name in ("kept", "term"))
        m.d.comb += [
            kept.eq(Mux(some, a, Const(0, a.shape()))),
            term.eq(kept ^ minus.replicate(len(kept)).as_signed()),
        ]
        x = line.cut(term=term, minus=minus)
        both = Signal(signed(len(self.sum_in) + 1), name="both")
        total, term = Cat(x.minus, self.sum_in), Cat(x.minus, x.term)
        m.d.comb += both.eq(total.as_signed() + term.as_signed())
        return both[1:]
