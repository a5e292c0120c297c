"""From a unit's last write to the moment when readers see it."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Settle(wiring.Component):
    """Holds back completions until what was written can be read.

    Rows of the scratchpad can be read in the next cycle, rows of the accumulator memory
    `latency` - 1 cycles later. Completions keep their order: none overtakes a slow one.

    Parameters
    ----------
    latency : int
        What :func:`..memory.local.write_latency` says.

    Members
    -------
    done : In(1)
        The oldest command wrote its last row, or had nothing to write.
    slow : In(1)
        The oldest command writes the accumulator memory.
    mark : In(1)
        Anything about it that is wanted with the completion.
    o, o_mark : Out(1)
        It is complete, in the same cycle if it is not slow and none settles.
    """

    def __init__(self, latency: int):
        self.latency = latency
        inputs = {"done": In(1), "slow": In(1), "mark": In(1)}
        super().__init__(inputs | {"o": Out(1), "o_mark": Out(1)})

    def elaborate(self, platform):
        m = Module()
        settling, marks = Signal(self.latency - 1), Signal(self.latency - 1)
        now = Signal()
        m.d.comb += [
            now.eq(self.done & ~self.slow & (settling == 0)),
            self.o.eq(now | settling[-1]),
            self.o_mark.eq(Mux(now, self.mark, marks[-1])),
        ]
        m.d.sync += [
            settling.eq(settling << 1 | (self.done & ~now)),
            marks.eq(marks << 1 | self.mark),
        ]
        return m
