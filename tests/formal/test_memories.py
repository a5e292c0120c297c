"""Local memories: everybody gets the bank in turn, and no row of the accumulator memory, nor a word
of a RAM, is read while it is written."""

import pytest
from amaranth.hdl import Assert, Assume, Cat, Cover, Signal

from hw.config import Config
from hw.memory.accumulator import AccumulatorMemory
from hw.memory.local import sp_row, write_latency
from hw.memory.ram import Ram
from sim.formal import constant, prove
from tests.formal.banks import Watched, among, goes
from tests.formal.board import small, total
from tests.formal.standing import Standing

pytestmark = pytest.mark.usefixtures("watched")
CONFIG = small()
CLOCKED = small(in_order=True, array_clock=2)
WRITE_LATENCY = write_latency(CONFIG)
ROWS = CONFIG.acc_rows
BANKS = 2


class Turns(Standing):
    """Banks with two readers, the peek and two writers that want anything at any time."""

    def __init__(self):
        rows = Watched(CONFIG, sp_row(CONFIG), rows=ROWS, banks=BANKS, readers=2, writers=2)
        super().__init__(rows, self.check)

    def check(self, m, rows, inside):
        first, second = rows.writes
        grants = [inside.signal(f"grant{n}") for n in range(3)]
        m.d.comb += [
            Assert(first.ready),
            Assert(~(goes(first) & goes(second)) | (first.p.row[0] != second.p.row[0])),
            Assert(~rows.peek | grants[0].any()),
            Cover(goes(first) & goes(second)),
            Cover(second.valid & ~second.ready),
            Cover(goes(rows.reads[0].request) & goes(rows.reads[1].request)),
            Cover(rows.peek & rows.reads[0].request.valid & ~rows.reads[0].request.ready),
        ]
        for bank in range(BANKS):
            m.d.comb += Assert(total(grant[bank] for grant in grants) <= 1)
            port, write = rows.read_ports[bank], rows.write_ports[bank]
            wanted = [(rows.peek, rows.peek_row)]
            wanted += [(goes(read.request), read.request.payload) for read in rows.reads]
            for grant, (taken, row) in zip(grants, wanted, strict=True):
                here = taken & (row[0] == bank)
                m.d.comb += [
                    Assert(grant[bank] == here),
                    Assert(~here | (port.en & (port.addr == row[1:]))),
                ]
            for stream in rows.writes:
                here = goes(stream) & (stream.p.row[0] == bank)
                same = (write.en == stream.p.mask) & (write.addr == stream.p.row[1:])
                lanes = write.data.as_value() == stream.p.lanes.as_value()
                m.d.comb += Assert(~here | (same & lanes))


class Apart(Standing):
    """The accumulator memory among users that keep the contract, as seen from one row, any row.

    That is what the scoreboard and execute promise: results that add come `write_latency` cycles
    after other results for their row; load, store and results come to a row which another of them
    wrote no sooner either. A row that store has asked for is not written before it has been read: a
    request may stand in its buffer.
    """

    def __init__(self, distance: int = WRITE_LATENCY, config: Config = CONFIG):
        self.distance = distance
        super().__init__(AccumulatorMemory(config), self.check)
        (self.banks,) = Watched.made

    def check(self, m, memory, inside):
        row = constant(m, memory.results.p.row.shape(), "row")
        m.d.comb += Assume(row < ROWS)
        results, load = memory.results, memory.load
        at_results, at_load, at_store = (
            Signal(name=f"at_{n}") for n in ("results", "load", "store")
        )
        m.d.comb += [
            at_results.eq(results.valid & (results.p.row == row)),
            at_load.eq(load.valid & (load.p.row == row)),
            at_store.eq(among(self.banks.asked(m, inside, 0, "store", memory.store), row)),
        ]
        by_results = self._lately(m, at_results, "results")
        by_load = self._lately(m, at_load & load.ready, "load")
        m.d.comb += [
            Assume(~(at_results & results.p.accumulate & by_results)),
            Assume(~(at_load & (at_results | by_results))),
            Assume(~(at_results & by_load)),
            Assume(~(at_store & (at_results | at_load | by_results | by_load))),
        ]
        m.d.comb += [Assume(~(s.valid & (s.p.row >= ROWS))) for s in (results, load)]
        self._covers(m, memory, at_results, at_load, at_store, by_load)
        m.d.comb += Assert(memory.results.ready)
        if self.banks.behind:
            m.d.comb += Assert(self.banks.under_way(inside, 0))
        m.d.comb += Assert(~self.banks.meet(row))

    def _lately(self, m, happens, name):
        """Whether it happened in one of the cycles that the contract keeps free."""
        past = [Signal(name=f"{name}_{n}_ago") for n in range(1, self.distance)]
        for new, old in zip(past, [happens, *past], strict=False):
            m.d.sync += new.eq(old)
        return Cat(past).any()

    def _covers(self, m, memory, at_results, at_load, at_store, by_load):
        load = memory.load
        m.d.comb += [
            Cover(at_results & memory.results.p.accumulate),
            Cover(at_load & load.p.accumulate & load.ready & ~by_load),
            Cover(at_load & ~load.ready & by_load),
            Cover(at_store & memory.store.request.ready),
        ]


def test_banks_serve_one_reader_and_one_writer_and_lose_nothing():
    prove(Turns(), "turns", depth=2, cover=10)


def test_accumulator_never_reads_a_row_that_it_writes():
    prove(Apart(), "apart", depth=5, cover=12)


def waits_for_a_reader(m, ram, inside):
    """The claim is the memory's own."""
    write, ack = ram.port.write_request, ram.port.write_ack
    m.d.comb += Cover(write.valid & ~write.ready & ~ack.valid)


def test_a_ram_never_reads_a_word_that_it_writes():
    prove(Standing(Ram(16, 4), waits_for_a_reader), "ram", depth=1, cover=8)


def test_accumulator_never_does_with_a_clock_either():
    prove(Apart(write_latency(CLOCKED), CLOCKED), "apart_clocked", depth=6, cover=14)


@pytest.mark.parametrize(("name", "config"), [("too_soon", CONFIG), ("too_soon_clocked", CLOCKED)])
def test_users_that_come_too_soon_are_found(name, config):
    apart = Apart(write_latency(config) - 1, config)
    with pytest.raises(AssertionError, match="assertion fails: .*meet.row."):
        prove(apart, name, depth=9, cover=14, induction=False)
