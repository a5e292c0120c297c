"""One multiplier for many products, one after another."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Multiply(wiring.Component):
    """total := x·y, or total + x·y; one cycle per bit of y and one more.

    Members
    -------
    start : In(1), x, y : In
        Multiply.
    keeps : In(1)
        Add to the total of before.
    done : Out(1)
        The total is that of the last start.
    total : Out
    over : Out(1)
        The product has more bits than the total.
    """

    def __init__(self, width: int, bits: int):
        super().__init__(
            {
                "start": In(1),
                "x": In(width),
                "y": In(bits),
                "keeps": In(1),
                "done": Out(1),
                "total": Out(width),
                "over": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        x, y = Signal.like(self.x), Signal.like(self.y)
        lost = Signal()  # a bit of x left at the top
        wide = Signal(len(self.total) + 1)
        m.d.comb += [self.done.eq(y == 0), wide.eq(self.total + x)]
        m.d.sync += [x.eq(x << 1), y.eq(y >> 1)]
        with m.If(~self.done):
            m.d.sync += lost.eq(lost | x[-1])
            with m.If(y[0]):
                m.d.sync += [self.total.eq(wide), self.over.eq(self.over | lost | wide[-1])]
        with m.If(self.start):
            m.d.sync += [x.eq(self.x), y.eq(self.y), lost.eq(0), self.over.eq(0)]
            with m.If(~self.keeps):
                m.d.sync += self.total.eq(0)
        return m
