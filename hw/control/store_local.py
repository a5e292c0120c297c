"""The end of mvout_spad: rows that go to the scratchpad instead of memory."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import Config
from ..memory.local import SpWrite
from ..memory.pack import Chunk
from .store_chunks import PackTag, RowTag, chunk_bytes


class StoreLocal(wiring.Component):
    """Sends local rows to the scratchpad, and all other chunks on.

    Both at once, in the same cycle. Behind the last row of a local operation follows a chunk that
    is a mere mark (`local`), which costs a cycle: it keeps the place of the operation among the
    words on their way to memory.

    Members
    -------
    i : In(stream(Chunk))
    sp : Out(SpWrite)
    o : Out(stream(Chunk))
        The mark comes in a cycle after the scratchpad took the row.
    """

    def __init__(self, config: Config):
        self.config = config
        size = chunk_bytes(config)
        super().__init__(
            {
                "i": In(stream.Signature(Chunk(size, RowTag(config)))),
                "sp": Out(SpWrite(config)),
                "o": Out(stream.Signature(Chunk(size, PackTag(config)))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        i, o, row = self.i.payload, self.o.payload, self.sp.payload
        local, written = i.tag.local, Signal()  # written: the mark is due
        m.d.comb += [
            self.sp.valid.eq(self.i.valid & local & ~written),
            row.row.eq(i.address),
            row.lanes.eq(i.data),
            row.mask.eq(i.tag.keep),
            self.o.valid.eq(self.i.valid & (~local | written)),
            *(o[name].eq(i[name]) for name in ("data", "first", "last", "address")),
            o.bytes.eq(Mux(local, 1, i.bytes)),  # a mark is one word
            o.tag.end.eq(i.tag.end),
            o.tag.local.eq(local),
            self.i.ready.eq(
                Mux(local & ~written, self.sp.ready & ~i.tag.end, self.o.ready),
            ),
        ]
        with m.If(self.sp.valid & self.sp.ready & i.tag.end):
            m.d.sync += written.eq(1)
        with m.If(written & self.o.ready):
            m.d.sync += written.eq(0)
        return m
