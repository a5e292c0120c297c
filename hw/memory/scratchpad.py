"""The scratchpad: input elements, read by execute and store, written by execute and load."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, connect, flipped

from ..config import Config
from .banked import ANSWERS, BankedRows
from .local import SpReadPort, SpWrite, read_buffered, registered, sp_row, unhurried


class Scratchpad(wiring.Component):
    """`sp_rows` rows of `dim` input elements.

    Members
    -------
    b, a, d, store : In(SpReadPort)
        Readers, in falling priority: rows of A stand ready while weights are waited for. Answered
        four cycles after the request at the earliest, or five (:func:`.local.registered`).
    x : In(SpReadPort), with three depthwise lines
        A reader between d and store.
    results, load : In(SpWrite)
        Writers, in falling priority; results never wait.
    copies : In(SpWrite), with `Config.spad_store`
        The last writer.
    """

    def __init__(self, config: Config, guarded: bool = False):
        self.config = config
        self.guarded = guarded
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
                "results": In(SpWrite(config)),
                "load": In(SpWrite(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        writes = [self.results, self.load]
        reads = {"b": self.b, "a": self.a, "d": self.d}
        if config.spad_store:
            writes.append(self.copies)
        if config.dw_lines > 2:
            reads["x"] = self.x
        reads["store"] = self.store
        m.submodules.banks = banks = BankedRows(
            config,
            sp_row(config),
            rows=config.sp_rows,
            banks=config.sp_banks,
            readers=len(reads),
            writers=len(writes),
            answers=ANSWERS + 2 * (config.dw_lines > 2 or registered(config)),
            single=[2, 3] if unhurried(config) else [],  # d and store
            guarded=self.guarded,
            before=registered(config),
            behind=registered(config),
        )
        for n, (name, read) in enumerate(reads.items()):
            read_buffered(m, name, flipped(read), banks.reads[n], n in banks.single)
        for n, write in enumerate(writes):
            connect(m, flipped(write), banks.writes[n])
        return m
