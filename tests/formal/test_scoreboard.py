"""No row is written by one unit while another one uses it, and nothing waits for ever."""

import itertools
import os

import pytest
from amaranth.hdl import Assert, Cat, Const, Cover, Mux, Signal

from hw.control.ops import Dispatch
from hw.control.scoreboard import Scoreboard, any_of, overlap
from sim.formal import constant, prove
from tests.formal.board import Board, Marked, pick, small

LOAD, EXECUTE, STORE = Dispatch.LOAD, Dispatch.EXECUTE, Dispatch.STORE
FULL = os.environ.get("ALHENA_FULL")


class Exclusive(Board):
    """Two marked commands in program order, any two; one row, any row."""

    def check(self, m):
        one = Marked(m, self, "one", 1)
        two = Marked(m, self, "two", one.inside)
        row = constant(m, one.seen.what.write.shape(), "row")
        used = {}
        for command in (one, two):
            what = command.seen.what
            writes = self._touches(what.write, row)
            reads = Signal(name=f"{command.name}_reads")
            m.d.comb += reads.eq(
                self._touches(what.reads[0], row)
                | self._touches(what.reads[1], row)
                | self._touches(what.reads[2], row)
            )
            used[command.name] = (writes, reads)
        conflict, entry, waits = Signal(), one.entry(m), two.waits(m)
        (wrote, read), (writes, reads) = used["one"], used["two"]
        apart = one.seen.what.unit != two.seen.what.unit
        own = (one.seen.what.unit != LOAD) & ~apart & wrote & reads
        m.d.comb += conflict.eq(
            two.inside & ((apart & (wrote & (writes | reads) | (read & writes))) | own)
        )
        follows = Signal()
        m.d.comb += [
            follows.eq(self._follows(one.seen.what, two.seen.what)),
            Assert(~two.inside | one.inside),
            Assert(~(conflict & two.issues) | one.finished | (follows & one.announced)),
        ]
        units = one.seen.what.unit, two.seen.what.unit
        passed = follows & one.announced
        stored = pick(list(self.inside.signal("store.follows")), two.seen.slot)
        self.claim(
            m,
            ~(conflict & one.alive) | Mux(two.issued, passed, waits.bit_select(entry, 1)),
            ~(conflict & one.alive & stored & (units[0] == EXECUTE) & (units[1] == STORE))
            | two.issued
            | follows,
        )
        self._covers(m, one, two, conflict)
        m.d.comb += Cover(conflict & two.issues & ~one.finished)

    def _follows(self, tile, store):
        """Store `store` takes rows of tile `tile` in their order, none before its turn (dim 2)."""
        first, base = tile.write.first, store.reads[0].first
        aligned = store.single | (first[:1] == base[:1])
        units = (tile.unit == EXECUTE) & (store.unit == STORE)
        return units & store.in_order & (base <= first) & aligned

    def _touches(self, span, row):
        return (
            span.valid
            & (span.acc == row.acc)
            & (span.first <= row.first)
            & (row.first <= span.last)
        )

    def _covers(self, m, one, two, conflict):
        units = one.seen.what.unit, two.seen.what.unit
        m.d.comb += [
            Cover(conflict & two.issues & (units[0] == a) & (units[1] == b))
            for a, b in (
                (LOAD, EXECUTE),
                (EXECUTE, LOAD),
                (EXECUTE, STORE),
                (STORE, EXECUTE),
                (EXECUTE, EXECUTE),
                (LOAD, STORE),
                (STORE, LOAD),
                *[(STORE, STORE)] * self.config.spad_store,
            )
        ]
        m.d.comb += Cover(two.issued & ~one.issued & two.finished)


class Progress(Board):
    """Who entered before whom: nobody waits for a later command, so somebody can always go."""

    def check(self, m):
        places = [(unit, n) for unit in self.units for n in range(unit.depth)]
        count = len(places)
        before = [Signal(count, name=f"before{j}") for j in range(count)]  # bit i: i before j
        valid, waits = Signal(count), [unit.waits[n] for unit, n in places]
        m.d.comb += valid.eq(Cat(unit.valid for unit in self.units))
        for j, (unit, n) in enumerate(places):
            with m.If(unit.accept & (unit.tail == n)):
                m.d.sync += [before[j].eq(valid), *(other[j].eq(0) for other in before)]
                m.d.sync += before[j][j].eq(0)
        for i, j in itertools.permutations(range(count), 2):
            both = valid[i] & valid[j]
            m.d.comb += Assert(~both | (before[j][i] ^ before[i][j]))
            m.d.comb += Assert(~(valid[j] & waits[j][i]) | (valid[i] & before[j][i]))
        for i, j, k in itertools.permutations(range(count), 3):
            three = valid[i] & valid[j] & valid[k]
            m.d.comb += Assert(~(three & before[j][i] & before[k][j]) | before[k][i])
        for unit in self.units:
            own = [j for j, place in enumerate(places) if place[0] is unit]
            for i, j in itertools.permutations(own, 2):
                rank = [unit.distance(m, unit.head, places[x][1], f"rank{i}{j}{x}") for x in (i, j)]
                earlier = valid[i] & valid[j] & (rank[0] < rank[1])
                m.d.comb += Assert(~earlier | before[j][i])
        for j in range(count):
            m.d.comb += Assert(~(valid[j] & waits[j][j]))
        quiet = Cat(unit.issued for unit in self.units) == 0
        offers = Cat(unit.op.valid for unit in self.units).any()
        m.d.comb += [
            Assert(~quiet | ~valid.any() | offers),
            Cover(valid.all() & quiet),
            Cover(self.board.idle & before[count - 1].any()),
        ]


class Forgetful(Scoreboard):
    """Does not notice that a load would overwrite what execute still reads."""

    def _conflicts(self, m, unit, queue, new):
        conflicts = super()._conflicts(m, unit, queue, new)
        if unit != Dispatch.EXECUTE:
            return conflicts
        weaker = Signal(queue.depth, name="conflicts_forgetful")
        for n in range(queue.depth):
            reads = any_of(overlap(new.write, span) for span in queue.reads[n])
            writes = overlap(new.write, queue.write[n])
            gone = (new.unit == Dispatch.LOAD) & reads & ~writes
            m.d.comb += weaker[n].eq(conflicts[n] & ~gone)
        return weaker


class Hasty(Scoreboard):
    """Lets any store follow any tile."""

    def _follows(self, m, new, queue, conflicts):
        super()._follows(m, new, queue, conflicts)
        return Const(1)


CONFIG = small(3, 3, 2) if FULL else small()
COPIES = (False, True) if FULL else (True,)  # whether stores may go to the scratchpad


@pytest.mark.parametrize("copies", COPIES)
def test_two_units_never_share_a_row(copies):
    scoreboard = Scoreboard(CONFIG.replace(spad_store=copies))
    prove(Exclusive(scoreboard), f"exclusive_{int(copies)}", depth=1, cover=range(8, 10))


@pytest.mark.parametrize("copies", COPIES)
def test_no_command_waits_for_ever(copies):
    scoreboard = Scoreboard(CONFIG.replace(spad_store=copies))
    prove(Progress(scoreboard), f"progress_{int(copies)}", depth=1, cover=range(8, 12))


@pytest.mark.parametrize("wrong", [Forgetful, Hasty])
def test_a_wrong_scoreboard_is_found(wrong):
    with pytest.raises(AssertionError, match="assertion fails: .*one.finished"):
        prove(
            Exclusive(wrong(small()), inner=False),
            wrong.__name__.lower(),
            depth=10,
            cover=range(8, 10),
            induction=False,
        )
