"""Skew and de-skew: the triangles of registers on the edges of a systolic array."""

from amaranth.hdl import Module, ShapeLike, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out


class Skew(wiring.Component):
    """Delays lane n by ``first + n·step`` cycles, or with `reverse` lane ``lanes - 1 - n``; of
    every `together` lanes, all like the last.

    Members
    -------
    i : In(ArrayLayout(shape, lanes))
    o : Out(ArrayLayout(shape, lanes))
    """

    def __init__(
        self,
        shape: ShapeLike,
        lanes: int,
        first: int = 0,
        *,
        step: int = 1,
        reverse: bool = False,
        together: int = 1,
    ):
        self.shape = shape
        self.lanes = lanes
        self.first = first
        self.step = step
        self.reverse = reverse
        self.together = together
        row = data.ArrayLayout(shape, lanes)
        super().__init__({"i": In(row), "o": Out(row)})

    def delay(self, lane: int) -> int:
        """Cycles from `i` to `o` in `lane`."""
        lane = lane // self.together * self.together + self.together - 1
        return self.first + self.step * (self.lanes - 1 - lane if self.reverse else lane)

    def elaborate(self, platform):
        m = Module()
        for lane in range(self.lanes):
            value = self.i[lane]
            for step in range(self.delay(lane)):
                register = Signal(self.shape, name=f"lane{lane}_{step}", reset_less=True)
                m.d.sync += register.eq(value)
                value = register
            m.d.comb += self.o[lane].eq(value)
        return m
