"""The rows of an arriving command, one span after the other."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import Config
from .ops import Dispatch


class Turns(wiring.Component):
    """Keeps a command while the scoreboard looks at its spans in turn, one per cycle: first those
    that it reads, then the one that it writes. It leaves in the last of these cycles, or later; a
    command without spans stays for one.

    Members
    -------
    i, o : In(stream(Dispatch)), Out(stream(Dispatch))
        One comes as one leaves.
    shown : Out(Dispatch)
        The command's unit, and the span whose turn it is: the first that is read, or the written.
    first : Out(1)
        It is the command's first turn.
    busy : Out(1)
        A command is here.
    """

    def __init__(self, config: Config):
        layout = Dispatch(config)
        super().__init__(
            {
                "i": In(stream.Signature(layout)),
                "o": Out(stream.Signature(layout)),
                "shown": Out(layout),
                "first": Out(1),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        new, held, shown = self.i.p, self.o.p, self.shown
        left = Signal(len(held.reads) + 1)  # spans whose turn has not been, the written one last
        span, last = Signal.like(held.write), Signal()
        m.d.comb += [
            last.eq((left & (left - 1)) == 0),
            shown.unit.eq(held.unit),
            span.eq(held.write),
            shown.reads[0].eq(span),
            shown.reads[0].valid.eq(left[:-1].any()),
            shown.write.eq(span),
            shown.write.valid.eq(left[-1] & ~left[:-1].any()),
            self.o.valid.eq(self.busy & last),
            self.i.ready.eq(~self.busy | (last & self.o.ready)),
        ]
        for n, read in reversed(list(enumerate(held.reads))):
            with m.If(left[n]):
                m.d.comb += span.eq(read)
        with m.If(self.i.ready):
            m.d.sync += [
                self.busy.eq(self.i.valid),
                self.first.eq(1),
                left.eq(Cat(span.valid for span in (*new.reads, new.write))),
                held.eq(new),
            ]
        with m.Elif(~last):
            m.d.sync += [self.first.eq(0), left.eq(left & (left - 1))]
        return m
