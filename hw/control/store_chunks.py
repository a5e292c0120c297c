"""Local rows on their way out: scaled or as they are, cut to chunks of bytes."""

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..arith.scale import ScaleRow
from ..config import Config
from ..memory.local import AccReadPort, SpReadPort
from ..memory.pack import Chunk
from .store_rows import Piece, RowPlan


def chunk_bytes(config: Config) -> int:
    """Bytes that the store unit packs per cycle: a row of inputs, more if the bus takes more."""
    return max(config.row_bytes, min(config.acc_row_bytes, config.bus_bytes))


class StoreChunks(wiring.Component):
    """Local rows, scaled or as they are, become chunks in the order of the plans.

    Scaled rows pass at one per cycle, `ScaleRow.latency` cycles later; rows as they are pass at
    once, in as many chunks as they need, when no scaled row is under way.

    Members
    -------
    plan : In(stream(RowPlan))
    sp : In(stream(scratchpad row))
    acc : In(stream(accumulator row))
    o : Out(stream(Chunk))
        `tag` is 1 for the last memory row of an operation.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "plan": In(stream.Signature(RowPlan(config))),
                "sp": SpReadPort(config).members["data"],
                "acc": AccReadPort(config).members["data"],
                "o": Out(stream.Signature(Chunk(chunk_bytes(config), 1))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, plan = self.config, self.plan.payload
        m.submodules.scale = scale = ScaleRow(
            config.dim, config.accumulator, config.output, Piece(config)
        )
        scaled, raw, idle, present = Signal(), Signal(), Signal(), Signal()
        under_way = Signal(range(scale.latency + 1))
        enters, leaves = scale.i.valid & scale.i.ready, scale.o.valid & scale.o.ready
        m.d.sync += under_way.eq(under_way + enters - leaves)
        piece_end = self._raw(m, raw, plan)
        m.d.comb += [
            idle.eq(under_way == 0),
            scaled.eq(plan.acc & ~plan.full),
            present.eq(self.plan.valid & Mux(plan.acc, self.acc.valid, self.sp.valid)),
            scale.i.valid.eq(present & scaled),
            scale.i.payload.values.eq(self.acc.payload),
            scale.i.payload.scale.eq(plan.scale),
            scale.i.payload.relu.eq(plan.relu),
            scale.i.payload.tag.eq(plan.piece),
            scale.o.ready.eq(self.o.ready),
            raw.eq(present & ~scaled & idle),
            self.o.valid.eq(scale.o.valid | raw),
        ]
        with m.If(scale.o.valid):
            m.d.comb += self._chunk(scale.o.payload.tag, scale.o.payload.values, config.output)
        free = Signal()
        m.d.comb += [
            free.eq(Mux(scaled, scale.i.ready, self.o.ready & idle & piece_end)),
            self.acc.ready.eq(self.plan.valid & plan.acc & free),
            self.sp.ready.eq(self.plan.valid & ~plan.acc & free),
            self.plan.ready.eq(free & Mux(plan.acc, self.acc.valid, self.sp.valid)),
        ]
        return m

    def _chunk(self, piece, values, fmt):
        """Statements that send a row of one chunk."""
        o = self.o.payload
        return [
            o.data.eq(_kept(values, piece.keep, fmt)),
            o.bytes.eq(piece.bytes),
            o.first.eq(piece.first),
            o.last.eq(piece.last),
            o.address.eq(piece.address),
            o.tag.eq(piece.end),
        ]

    def _raw(self, m: Module, raw, plan):
        """Send the row as it is; returns whether this chunk is its last."""
        config, o = self.config, self.o.payload
        size = chunk_bytes(config)
        parts = -(-config.acc_row_bytes // size)
        part = Signal(range(parts))
        left = Signal(range(config.acc_row_bytes + 1))
        end = Signal()
        wide = Cat(
            _kept(self.acc.payload, plan.piece.keep, config.accumulator),
            C(0, (parts * size - config.acc_row_bytes) * 8),
        )
        m.d.comb += [left.eq(plan.piece.bytes - part * size), end.eq(left <= size)]
        with m.If(raw):
            m.d.comb += self._chunk(plan.piece, self.sp.payload, config.input)
            with m.If(plan.acc):
                m.d.comb += [
                    o.data.eq(wide.word_select(part, size * 8)),
                    o.bytes.eq(Mux(end, left, size)),
                    o.first.eq(part == 0),
                    o.last.eq(end),
                ]
            with m.If(self.o.ready):
                m.d.sync += part.eq(Mux(end, 0, part + 1))
        return end


def _kept(values, keep, fmt):
    """The bits of a row with the elements outside `keep` cleared."""
    width = fmt.width
    bits = values.as_value()
    lanes = len(bits) // width
    return Cat(
        bits[lane * width : (lane + 1) * width] & keep[lane].replicate(width)
        for lane in range(lanes)
    )
