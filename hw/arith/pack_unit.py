"""What the units that round numbers to a format share."""

from contextlib import nullcontext

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..control.ops import shape_of
from ..register import data_register
from .order import element_format


class PackUnit(wiring.Component):
    """Shift to the target's places and the decision how to round, then one addition.

    ::

        i ──> aligned() ──> (register) ──> finish() ──> (register) ──> o

    Members
    -------
    enable : In(1), if it has registers: they move when it is 1
    i : In(parameters.source)
    o : Out(shape_of(target)), `latency` enabled cycles later
    """

    def __init__(self, parameters):
        self.parameters = parameters
        self.target = element_format(parameters.target)
        ports = {"i": In(parameters.source), "o": Out(shape_of(self.target))}
        super().__init__(ports | ({"enable": In(1)} if parameters.latency else {}))

    def middle(self) -> dict:
        """Shapes of what lies between the two halves."""
        raise NotImplementedError

    def aligned(self, m: Module) -> dict:
        """Values for :meth:`middle`, from `i`."""
        raise NotImplementedError

    def finish(self, m: Module, x) -> Value:
        """The code, from the values in the middle."""
        raise NotImplementedError

    def specials(self) -> tuple:
        """Whether `i` is NaN, and whether it is infinite."""
        some = self.parameters.source.specials
        return (self.i.nan, self.i.infinite) if some else (0, 0)

    def elaborate(self, platform):
        m = Module()
        registered = self.parameters.latency > 0
        middle = Signal(data.StructLayout(self.middle()), reset_less=registered)
        domain = m.d.sync if registered else m.d.comb
        o = data_register(m, self.o) if registered else self.o
        values = self.aligned(m)
        result = self.finish(m, middle)
        with m.If(self.enable) if registered else nullcontext():
            domain += [middle[name].eq(value) for name, value in values.items()]
            domain += o.eq(result)
        return m
