"""Spans that are compared in turn find the same conflicts as all at once.

So what is proven of the scoreboard that compares at once (test_scoreboard.py) holds of the other.
"""

import pytest
from amaranth.hdl import Assert, Assume, Cat, Cover, Elaboratable, Module, Signal

from hw.control.scoreboard import UNITS, Scoreboard
from hw.control.turns import Turns
from sim.formal import Inside, anything, prove
from tests.formal.board import legal, small


class Remembered(Scoreboard):
    """Keeps its queues, and what each turn found."""

    def _arriving(self, m, queues):
        arriving, self.found = super()._arriving(m, queues)
        self.queues, self.turns = queues, m.submodules.turns
        return arriving, self.found


class InTurn(Elaboratable):
    """Commands such as the decoder sends, and units that do anything."""

    def __init__(self, board: Remembered):
        self.board = board

    def elaborate(self, platform):
        m = Module()
        m.submodules.board = self.inside = Inside(self.board)
        board, i = self.board, self.board.i
        m.d.comb += [
            i.valid.eq(anything(m, 1, "i_valid")),
            i.payload.eq(anything(m, i.payload.shape(), "i_payload")),
            Assume(legal(board.config, i.p)),
            board.done.eq(anything(m, 3, "done")),
            board.soon.eq(anything(m, 1, "soon")),
            *(getattr(board, name).ready.eq(anything(m, 1, f"{name}_takes")) for name in UNITS),
        ]
        self._check(m, board.turns, self.inside.signal("turns.left"))
        return m

    def _check(self, m, turns, left):
        whole, passed = (Signal(turns.o.p.shape(), name=n) for n in ("whole", "passed"))
        m.d.comb += [whole.eq(turns.o.p), passed.eq(turns.o.p)]
        for n, span in enumerate((*passed.reads, passed.write)):
            with m.If(left[n]):
                m.d.comb += span.valid.eq(0)
        for n, name in enumerate(UNITS):
            found, known = (self.inside.signal(f"{what}_{name}") for what in ("found", "known"))
            every = self.at_once(m, n, whole, "whole")
            before = self.at_once(m, n, passed, "passed")
            m.d.comb += [
                Assert(~turns.o.valid | (found == every)),
                Assert(~turns.busy | turns.first | (((before & ~known) | (known & ~every)) == 0)),
            ]
        valid = Cat(span.valid for span in (*whole.reads, whole.write))
        m.d.comb += [
            Assert(~turns.busy | ((left & ~valid) == 0)),
            Assert(~turns.busy | ~turns.first | (left == valid)),
            Cover(turns.busy & ~turns.o.valid & ~turns.first),
            Cover(turns.o.valid & turns.o.ready & self.inside.signal("known_execute").any()),
        ]

    def at_once(self, m, unit, command, name):
        board = self.board
        queue = board.queues[unit]
        out = Signal(queue.depth, name=f"{name}_{UNITS[unit]}")
        m.d.comb += out.eq(board._conflicts(m, unit, queue, command))
        return out


class Careless(Turns):
    """Never shows what is written."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.d.comb += self.shown.write.valid.eq(0)
        return m


@pytest.mark.parametrize("copies", [False, True])
def test_turns_find_every_conflict(copies):
    config = small(serial_hazards=True, spad_store=copies)
    prove(InTurn(Remembered(config)), f"turns_{int(copies)}", depth=1, cover=range(4, 16))


def test_a_missing_turn_is_found(monkeypatch):
    monkeypatch.setattr("hw.control.scoreboard.Turns", Careless)
    with pytest.raises(AssertionError, match="assertion fails: .*every"):
        prove(
            InTurn(Remembered(small(serial_hazards=True))),
            "careless_turns",
            depth=12,
            cover=range(4, 12),
            induction=False,
        )
