"""Mitchell's logarithmic multiplier."""

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..number import normalise


class MitchellUnit(wiring.Component):
    """The product of :class:`.Mitchell`, combinational.

    A magnitude shifted to the top is 1.x; with the place of its top bit before it, that is its
    logarithm k.x. Both are added, and 1.x of the sum is shifted by its k.

    Members
    -------
    a, b : In
    o : Out
    """

    def __init__(self, a: Shape, b: Shape, o: Shape):
        super().__init__({"a": In(a), "b": In(b), "o": Out(o)})

    def elaborate(self, platform):
        m = Module()
        places = max(len(self.a), len(self.b)) - 1
        logs, some, signs = [], [], []
        for name in "ab":
            value = getattr(self, name)
            sign = value[-1] if value.shape().signed else Const(0, 1)
            size = Signal(len(value), name=f"{name}_size")
            m.d.comb += size.eq(Mux(sign, -value, value))
            moved, count = normalise(m, size, f"{name}_top")
            top = Signal(range(len(value)), name=f"{name}_place")
            m.d.comb += top.eq(len(value) - 1 - count)
            fraction = Cat(Const(0, places + 1 - len(value)), moved[:-1])
            logs.append(Cat(fraction, top))
            some.append(moved[-1])
            signs.append(sign)
        total = Signal(max(map(len, logs)) + 1)
        m.d.comb += total.eq(logs[0] + logs[1])
        bits = len(self.o)
        size, product = Signal(bits + places), Signal(bits)
        m.d.comb += [
            size.eq(Cat(total[:places], Const(1, 1)) << total[places:]),
            product.eq(size[places:]),
        ]
        negative = signs[0] ^ signs[1]
        with m.If(some[0] & some[1]):
            m.d.comb += self.o.eq(Mux(negative, -product, product))
        return m
