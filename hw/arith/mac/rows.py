"""An exact multiplier for FPGAs without a multiplier block: rows of the product, added in pairs.

Synthesis makes one carry chain of every pair; for 8 by 8 bits that is less than half the LUTs of
what it makes of ``*``.
"""

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Rows(wiring.Component):
    """The product of integers, combinational.

    Members
    -------
    a, b : In
    o : Out
    """

    def __init__(self, a: Shape, b: Shape, o: Shape):
        super().__init__({"a": In(a), "b": In(b), "o": Out(o)})

    def elaborate(self, platform):
        m = Module()
        a, b = (self.a, self.b) if len(self.a) >= len(self.b) else (self.b, self.a)
        none = Const(0, a.shape())

        def row(k: int) -> Value:
            return Mux(b[k], a, none)

        low, above = [], None
        for k in range(0, len(b), 2):
            pair = row(k)
            if k + 1 < len(b):
                last = k + 2 == len(b) and b.shape().signed
                upper = row(k + 1) << 1
                pair = pair - upper if last else pair + upper
            elif b.shape().signed:
                pair = -pair
            rows = Signal(Shape(len(a) + 3, signed=pair.shape().signed), name=f"rows{k}")
            m.d.comb += rows.eq(pair)
            if above is not None:
                total = rows + above
                rows = Signal(Shape(len(a) + 4, signed=total.shape().signed), name=f"sum{k}")
                m.d.comb += rows.eq(total)
            low.append(rows[:2])
            above = rows[2:].as_signed() if rows.shape().signed else rows[2:]
        m.d.comb += self.o.eq(Cat(*low, above))
        return m
