"""The scratchpad: no row is read while it is written, by whoever keeps the scoreboard's promise."""

import pytest
from amaranth.hdl import Assert, Assume, Cat, Cover, Signal

from hw.config import Config
from hw.memory.scratchpad import Scratchpad
from sim.formal import constant, prove
from tests.formal.banks import Watched, among
from tests.formal.board import small
from tests.formal.standing import Standing

CONFIGS = {
    "plain": small(),
    "copies": small(spad_store=True),
    "lines": small().replace(dim=10, depthwise=True, sp_bank_rows=16, acc_bank_rows=16),
    "clocked": small(in_order=True, array_clock=2),
}

pytestmark = pytest.mark.usefixtures("watched")
READERS = ("b", "a", "d", "x", "store")
WRITERS = ("results", "load", "copies")


class Apart(Standing):
    """The scratchpad as seen from one row, any row.

    Its users promise that no row which one of them has asked for is written before it has been
    read: a request may stand in a buffer, and in the bank's register. Nor do they write in the
    first cycle of all. Those that are `hasty` forget what stands in buffers.
    """

    def __init__(self, config: Config, hasty: bool = False):
        self.config, self.hasty = config, hasty
        super().__init__(Scratchpad(config), self.check)
        (self.banks,) = Watched.made

    def check(self, m, pad, inside):
        config, banks = self.config, self.banks
        row = constant(m, pad.load.p.row.shape(), "row")
        names = [name for name in READERS if hasattr(pad, name)]
        writes = [getattr(pad, name) for name in WRITERS if hasattr(pad, name)]
        asked = {
            name: banks.asked(m, inside, n, name, getattr(pad, name))
            for n, name in enumerate(names)
        }
        if self.hasty:
            asked = {name: places[:1] for name, places in asked.items()}
        writing = Cat(s.valid & (s.p.row == row) for s in writes).any()
        started = Signal()  # what Amaranth enables at first reads in the first cycle
        m.d.sync += started.eq(1)
        m.d.comb += Assume((row < config.sp_rows) & (started | ~writing))
        for s in writes:
            m.d.comb += Assume(~s.valid | (s.p.row < config.sp_rows))
        for n, name in enumerate(names):
            request = getattr(pad, name).request
            reading = among(asked[name], row)
            m.d.comb += [
                Assume(~request.valid | (request.payload < config.sp_rows)),
                Assume(~(writing & reading)),
                Cover(reading & pad.load.valid),
            ]
            if banks.behind:
                m.d.comb += Assert(banks.under_way(inside, n))
        m.d.comb += [
            Cover(pad.results.valid & pad.load.valid & ~pad.load.ready),
            Cover(writing & pad.store.request.valid),
            Assert(pad.results.ready),
            Assert(~banks.meet(row)),
        ]


@pytest.mark.parametrize("name", CONFIGS)
def test_no_row_is_read_while_it_is_written(name):
    prove(Apart(CONFIGS[name]), f"scratchpad_{name}", depth=5, cover=12)


@pytest.mark.parametrize("name", ["plain", "clocked"])
def test_users_that_forget_buffers_are_found(name):
    apart = Apart(CONFIGS[name], hasty=True)
    with pytest.raises(AssertionError, match="assertion fails: .*meet.row."):
        prove(apart, f"scratchpad_hasty_{name}", depth=9, cover=14, induction=False)
