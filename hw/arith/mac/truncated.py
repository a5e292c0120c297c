"""A multiplier without the lowest columns of its partial products."""

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...formats.multipliers import Truncated
from .rows import Rows


class TruncatedUnit(wiring.Component):
    """The product of :class:`.Truncated`, combinational.

    In units of 2^columns row k < columns is ``a >> (columns - k)``; the rest is an exact product.

    Members
    -------
    a, b : In
    o : Out
    """

    def __init__(self, parameters: Truncated, a: Shape, b: Shape, o: Shape):
        self.columns = parameters.columns
        super().__init__({"a": In(a), "b": In(b), "o": Out(o)})

    def elaborate(self, platform):
        m = Module()
        a, b, columns = self.a, self.b, self.columns
        total = Const(0, 1)
        for k in range(max(columns - len(a) + 1, 0) if not a.shape().signed else 0, columns):
            bit = b[k] if k < len(b) else b[-1] if b.shape().signed else Const(0, 1)
            row = a >> (columns - k)
            total = _named(m, total + Mux(bit, row, Const(0, row.shape())), f"row{k}")
        if columns < len(b):
            high = b[columns:].as_signed() if b.shape().signed else b[columns:]
            size = Shape(len(a) + len(high), a.shape().signed or high.shape().signed)
            m.submodules.exact = exact = Rows(a.shape(), high.shape(), size)
            m.d.comb += [exact.a.eq(a), exact.b.eq(high)]
            total = total + exact.o
        elif b.shape().signed:
            total = total - Mux(b[-1], a, 0)
        m.d.comb += self.o.eq(Cat(Const(0, columns), total).as_signed())
        return m


def _named(m: Module, value, name: str) -> Signal:
    signal = Signal(value.shape(), name=name)
    m.d.comb += signal.eq(value)
    return signal
