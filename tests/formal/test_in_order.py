"""Commands in order: no row is written by one unit while another one uses it."""

from types import SimpleNamespace

import pytest
from amaranth.hdl import Assert, Assume, Cat, Cover, Elaboratable, Module, Signal

from hw.control import in_order
from hw.control.in_order import HALVES, InOrder, halves
from hw.control.ops import Dispatch
from hw.control.scoreboard import UNITS
from sim.formal import Inside, anything, constant, prove
from tests.formal.banks import goes
from tests.formal.board import legal, small
from tests.formal.standing import stands

CONFIG = small(in_order=True, spad_store=True)


class Exclusive(Elaboratable):
    """Units that finish their commands when they like. One command, any one, is followed from its
    issue to its end; one row, any row, is looked at whenever another one is issued. What is known
    of the board's `inner` registers makes it inductive."""

    def __init__(self, inner: bool = True):
        self.inner = inner

    def elaborate(self, platform):
        m = Module()
        m.submodules.board = inside = Inside(board := InOrder(CONFIG))
        i, row = board.i, constant(m, board.i.p.write.shape(), "row")
        enters, done = Signal(3), anything(m, 3, "done")
        m.d.comb += [
            i.valid.eq(anything(m, 1, "i_valid")),
            i.payload.eq(anything(m, i.payload.shape(), "i_payload")),
            Assume(legal(CONFIG, i.p) & (i.p.unit != 3)),
            *(Assume(~span.valid | (span.first <= span.last)) for span in self._spans(i.p)),
            board.done.eq(done),
        ]
        for n, name in enumerate(UNITS):
            issue, level = getattr(board, name), board.level[n]
            m.d.comb += [
                issue.ready.eq(anything(m, 1, f"{name}_takes")),
                Assume(~done[n] | (level != 0)),
                Assert(level <= getattr(CONFIG, f"{name}_queue")),
                enters[n].eq(goes(issue)),
            ]
            stands(m, issue, name)
        two = Signal(Dispatch(CONFIG), name="two")  # what stands at the board
        with m.If(goes(i)):
            m.d.sync += two.eq(i.payload)
        self._follow(m, board, inside, two, enters, row)
        return m

    def _follow(self, m, board, inside, two, enters, row):
        one, older = Signal(Dispatch(CONFIG), name="one"), Signal(range(8))
        alive, now, conflict = Signal(), Signal(), Signal()
        m.d.comb += [
            now.eq(anything(m, 1, "mark") & enters.any() & ~alive),
            conflict.eq(self._conflict(one, two, row)),
        ]
        with m.If(now):
            m.d.sync += [one.eq(two), alive.eq(1)]
        for n in range(3):
            with m.If(now & enters[n]):
                m.d.sync += older.eq(board.level[n] - board.done[n])
            with m.If(alive & (one.unit == n) & board.done[n]):
                m.d.sync += [older.eq(older - 1), alive.eq(older != 0)]
        busy = board.entering.any()
        m.d.comb += [
            Assert(~(alive & enters.any() & conflict)),
            Cover(alive & conflict & busy),
            Cover(alive & enters.any() & (one.unit != two.unit)),
        ]
        if self.inner:
            self._known(m, board, inside, busy, two)
            self._known_of_one(m, board, inside, alive, one, older)

    def _known(self, m, board, inside, busy, two):
        """The command that stands at the board."""
        (reads,) = inside.nameless("", HALVES)
        touched = self._touched(two)
        m.d.comb += [
            Assert(~busy | ((reads == touched[0]) & (inside.signal("writes") == touched[1]))),
            Assert(~busy | ((inside.signal("unit") == two.unit) & (two.unit != 3))),
            Assert(~busy | legal(CONFIG, two)),
            *(Assert(~span.valid | (span.first <= span.last)) for span in self._spans(two)),
        ]

    def _known_of_one(self, m, board, inside, alive, one, older):
        """The command that is followed."""
        reads, writes = self._touched(one)
        m.d.comb += Assert(~alive | (one.unit != 3))
        for n, name in enumerate(UNITS):
            read, wrote = (inside.signal(f"{name}_{what}") for what in ("read", "wrote"))
            noted = ((reads & ~read) | (writes & ~wrote)) == 0
            here = alive & (one.unit == n)
            m.d.comb += Assert(~here | (noted & (older < board.level[n])))
        m.d.comb += [
            Assert(~alive | ~span.valid | (span.first <= span.last)) for span in self._spans(one)
        ]

    def _spans(self, what):
        return *what.reads, what.write

    def _touched(self, what):
        """The halves that a command reads, and those that it writes."""
        first, second, third = (halves(CONFIG, span) for span in what.reads)
        return first | second | third, halves(CONFIG, what.write)

    def _conflict(self, one, two, row):
        """Whether `row` is written by one of two units and used by the other, or is read by a unit
        that has not written it yet."""

        def touches(span):
            inside = (span.first <= row.first) & (row.first <= span.last)
            return span.valid & (span.acc == row.acc) & inside

        read, reads = (Cat(touches(span) for span in what.reads).any() for what in (one, two))
        wrote, writes = touches(one.write), touches(two.write)
        apart = one.unit != two.unit
        return (apart & ((wrote & (writes | reads)) | (read & writes))) | (~apart & wrote & reads)


def test_two_units_never_share_a_row():
    prove(Exclusive(), "in_order", depth=2, cover=8)


def short(config, span):
    """The half in which a span begins."""
    first = SimpleNamespace(valid=span.valid, acc=span.acc, first=span.first, last=span.first)
    return halves(config, first)


def test_a_board_that_looks_at_first_rows_alone_is_found(monkeypatch):
    monkeypatch.setattr(in_order, "halves", short)
    with pytest.raises(AssertionError, match="assertion fails: .*alive & enters"):
        prove(Exclusive(inner=False), "in_order_short", depth=8, cover=8, induction=False)
