"""The rows of an arriving command, one span after the other."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import Config
from .ops import Dispatch

WRITE = 3
"""Turn of the span that is written; those before it are of the ones that are read."""


class Turns(wiring.Component):
    """Keeps a command while the scoreboard looks at its spans in turn: one cycle for a load (what
    it writes) and for a store (what it reads; another one with `Config.spad_store`), four for a
    command of execute. The command leaves in the last of these cycles, or later.

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
        self.config = config
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
        held, turn, last = self.o.p, Signal(2), Signal()
        spans = [*held.reads, held.write]
        span = Signal.like(held.write)
        writes = Signal()
        with m.Switch(turn):
            for n, one in enumerate(spans):
                with m.Case(n):
                    m.d.comb += span.eq(one)
        m.d.comb += [
            writes.eq(turn == WRITE),
            last.eq(writes),
            self.shown.unit.eq(held.unit),
            self.shown.reads[0].eq(span),
            self.shown.reads[0].valid.eq(span.valid & ~writes),
            self.shown.write.eq(span),
            self.shown.write.valid.eq(span.valid & writes),
            self.o.valid.eq(self.busy & last),
            self.i.ready.eq(~self.busy | (last & self.o.ready)),
        ]
        if not self.config.spad_store:
            with m.If(held.unit == Dispatch.STORE):
                m.d.comb += last.eq(1)
        with m.If(self.i.ready):
            m.d.sync += [
                self.busy.eq(self.i.valid),
                self.first.eq(1),
                turn.eq(Mux(self.i.p.unit == Dispatch.LOAD, WRITE, 0)),
                held.eq(self.i.payload),
            ]
        with m.Else():
            with m.If(~last):
                m.d.sync += [
                    self.first.eq(0),
                    turn.eq(Mux(held.unit == Dispatch.STORE, WRITE, turn + 1)),
                ]
        return m
