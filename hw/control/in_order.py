"""Commands in program order: what stands in the scoreboard's place on the smallest devices."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring

from ..bus.stream import Queue
from ..config import Config
from .ops import Dispatch
from .scoreboard import UNITS, board_members

HALVES = 4
"""Lower and upper half of the scratchpad, of the accumulator memory."""


def halves(config: Config, span):
    """The halves of its memory that a span touches, a bit each."""
    first, last = (
        Mux(span.acc, row[config.acc_row_bits - 1], row[config.sp_row_bits - 1])
        for row in (span.first, span.last)
    )
    touched = Cat(span.valid & ~first, span.valid & last)
    return Cat(touched & (~span.acc).replicate(2), touched & span.acc.replicate(2))


class InOrder(wiring.Component):
    """Issues commands in program order, each when nothing that it could disturb is under way.

    One command stands here, without a queue behind it, and no rows are compared: it waits while a
    unit is at work that has touched the same half of a memory since it was idle, if one of both
    writes there (of its own unit: if it wrote what the command reads). So a program that works on
    one half while it loads the other keeps units busy side by side. A command takes one cycle when
    nothing stands in its way; later ones wait behind it, whatever their unit.

    Members
    -------
    As :class:`.scoreboard.Scoreboard` has them. `soon` counts for nothing; `entering` names the
    unit of the command that stands here.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(board_members(config))

    def elaborate(self, platform):
        m = Module()
        config, new = self.config, self.i.p
        unit = Signal.like(new.unit)
        op = Signal(new.op.as_value().shape())
        reads, writes = Signal(HALVES), Signal(HALVES)
        busy, leave, conflicts, full = Signal(), Signal(), Signal(3), Signal(3)
        depths = (config.load_queue, config.execute_queue, config.store_queue)
        issues = [getattr(self, name) for name in UNITS]
        m.d.comb += [
            leave.eq(Cat(issue.valid & issue.ready for issue in issues).any()),
            self.i.ready.eq(~busy | leave),
            self.entering.eq(busy << unit),
            self.unit.eq(unit),
            self.full.eq((self.entering & full).any()),
            self.working.eq(Cat(level != 0 for level in self.level)),
            self.idle.eq(~busy & ~self.working.any()),
        ]
        with m.If(self.i.ready):
            touched = [halves(config, span) for span in new.reads]
            m.d.sync += [
                busy.eq(self.i.valid),
                unit.eq(new.unit),
                op.eq(new.op.as_value()),
                reads.eq(touched[0] | touched[1] | touched[2]),
                writes.eq(halves(config, new.write)),
            ]
        for n, (name, issue, depth) in enumerate(zip(UNITS, issues, depths, strict=True)):
            level, works, enters = self.level[n], self.working[n], Signal(name=f"{name}_enters")
            read, wrote = (Signal(HALVES, name=f"{name}_{what}") for what in ("read", "wrote"))
            other = unit != n
            m.d.comb += [
                enters.eq(issue.valid & issue.ready),
                full[n].eq(level == depth),
                conflicts[n].eq(
                    works
                    & ((reads & wrote) | (writes & (read | wrote) & other.replicate(HALVES))).any()
                ),
                self.held[n].eq(Mux(self.entering[n], conflicts, 0)),
                issue.valid.eq(self.entering[n] & ~full[n] & ~conflicts.any()),
                issue.payload.eq(op[: len(issue.payload.as_value())]),
            ]
            m.d.sync += level.eq(level + enters - self.done[n])
            with m.If(enters):
                m.d.sync += [
                    read.eq(Mux(works, read, 0) | reads),
                    wrote.eq(Mux(works, wrote, 0) | writes),
                ]
            if n != Dispatch.STORE:
                m.submodules[f"slow_{name}"] = slow = Queue(1, depth)
                m.d.comb += [
                    slow.i.valid.eq(enters),
                    slow.i.payload.eq(writes[2:].any()),
                    slow.o.ready.eq(self.done[n]),
                    self.slow[n].eq(slow.o.payload),
                ]
        return m
