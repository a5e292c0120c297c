"""When a row may enter the array, known a cycle ahead: for the shortest paths around it."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from ..bus.stream import Stage
from ..config import Config
from ..memory.local import write_latency


class Issue(wiring.Component):
    """Rows on their way from a queue to the array, `held` while they may not yet enter it.

    ::

        i -> compared with the rows ahead -> register -> do any of these count? -> register -> o

    Two results for the same row of the accumulator memory are kept `write_latency` cycles apart. A
    row is compared as it comes in; which of the rows ahead of it count is found as it moves to the
    place in which it stands before the array, and there it only counts the cycles that are left.

    Members
    -------
    i, o : In(stream(layout)), Out(stream(layout))
        A row per cycle, one every `write_latency` cycles if they accumulate onto the same one.
        Taken from `o` only if not `held`.
    held : Out(1)
        The row at `o` has to wait.
    busy : Out(1)
        There are rows inside.
    """

    def __init__(self, config: Config, layout: data.StructLayout):
        self.config = config
        self.layout = layout
        rows = stream.Signature(layout)
        super().__init__({"i": In(rows), "o": Out(rows), "held": Out(1), "busy": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.first = first = Stage(self.layout)
        m.submodules.last = last = Stage(self.layout)
        connect(m, wiring.flipped(self.i), first.i)
        connect(m, first.o, last.i)
        connect(m, last.o, wiring.flipped(self.o))
        apart = write_latency(self.config)
        after, tag = first.o.p.tag, last.o.p.tag
        fields = data.StructLayout({"valid": 1, "row": tag.row.shape()})
        recent = [Signal(fields, name=f"recent{n}") for n in range(apart - 1)]
        left = Signal(apart - 1)  # as many of the low bits are set as cycles are left
        m.d.comb += [
            recent[0].valid.eq(last.o.valid & tag.write & tag.acc),
            recent[0].row.eq(tag.row),
            self.held.eq(left[0]),
            self.busy.eq(first.o.valid | last.o.valid),
        ]
        m.d.sync += recent[1].eq(recent[0])
        with m.If(~(last.o.valid & last.o.ready)):
            m.d.sync += recent[1].valid.eq(0)
        m.d.sync += [new.eq(old) for old, new in zip(recent[1:], recent[2:], strict=False)]
        adds = after.accumulate & after.acc
        same = self._same(m, first, [tag.row, *(old.row for old in recent[1:])])
        near = [adds & old.valid & equal for old, equal in zip(recent, same, strict=True)]
        with m.If(last.i.ready):  # the row that stood there enters the array, if there was one
            m.d.sync += left.eq(Cat(Cat(near[: apart - 1 - n]).any() for n in range(apart - 1)))
        with m.Else():
            m.d.sync += left.eq(left >> 1)
        return m

    def _same(self, m: Module, first, rows):
        """Whether the row in `first` is each of `rows`, which stand before the array or entered it
        in the last cycles: known since it came in, and followed from there."""
        new = first.i.p.tag.row
        ahead = Mux(first.o.valid, first.o.p.tag.row, rows[0])
        same = Signal(len(rows))
        with m.If(first.i.ready):
            m.d.sync += same.eq(Cat(new == old for old in (ahead, *rows[:-1])))
        with m.Else():
            m.d.sync += same[1:].eq(same[:-1])
        return same
