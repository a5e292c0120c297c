"""Integer products summed modulo 2**width."""

from contextlib import nullcontext

from amaranth.hdl import Module
from amaranth.lib import wiring

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
        line = Line(m, partition(STEPS, p.stages))
        x = line.cut(a=self.input, w=self.weight)
        x = line.cut(product=product_of(m, p.multiplier, x.a, x.w, signed=True))
        total = self.sum_in + x.product
        holds = "hold" in self.signature.members
        with m.If(~self.hold) if holds else nullcontext():
            m.d.sync += self.sum_out.eq(total)
        return m
