"""The scratchpad: input elements, read by execute and store, written by execute and load."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, connect, flipped

from ..config import Config
from .banked import ANSWERS, BankedRows
from .local import SpReadPort, SpWrite, sp_row


class Scratchpad(wiring.Component):
    """`sp_rows` rows of `dim` input elements.

    Members
    -------
    b, a, d, store : In(SpReadPort)
        Readers, in falling priority: rows of A stand ready while weights are waited for.
    stocked : In(1)
        Nobody waits for weights: b is behind a.
    x : In(SpReadPort), with three depthwise lines
        A reader between d and store.
    results, load : In(SpWrite)
        Writers, in falling priority; results never wait.
    copies : In(SpWrite), with `Config.spad_store`
        The last writer.
    """

    def __init__(self, config: Config):
        self.config = config
        read = SpReadPort(config)
        copies = {"copies": In(SpWrite(config))} if config.spad_store else {}
        x = {"x": In(read)} if config.dw_lines > 2 else {}
        super().__init__(
            copies
            | x
            | {
                "a": In(read),
                "d": In(read),
                "b": In(read),
                "store": In(read),
                "stocked": In(1),
                "results": In(SpWrite(config)),
                "load": In(SpWrite(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        writes = [self.results, self.load]
        reads = [self.b, self.a, self.d, self.store]
        if config.spad_store:
            writes.append(self.copies)
        if config.dw_lines > 2:
            reads.insert(3, self.x)
        m.submodules.banks = banks = BankedRows(
            config,
            sp_row(config),
            rows=config.sp_rows,
            banks=config.sp_banks,
            readers=len(reads),
            writers=len(writes),
            answers=ANSWERS + 2 * (config.dw_lines > 2),
        )
        for n, read in enumerate(reads):
            connect(m, flipped(read), banks.reads[n])
        self._yield_to_a(m, banks)
        for n, write in enumerate(writes):
            connect(m, flipped(write), banks.writes[n])
        return m

    def _yield_to_a(self, m: Module, banks: BankedRows):
        """Whoever streams A loses a cycle for ever, weights that are fetched ahead do not."""
        a, b, hold = self.a.request, self.b.request, Signal()
        same = a.payload[: banks.bank_bits] == b.payload[: banks.bank_bits]
        m.d.comb += hold.eq(self.stocked & a.valid & same)
        with m.If(hold):
            m.d.comb += [banks.reads[0].request.valid.eq(0), b.ready.eq(0)]
