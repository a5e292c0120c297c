"""Local rows on their way out: scaled or as they are, cut to chunks of bytes."""

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..arith.saturate import SaturateRow
from ..arith.scale import ScaleRow
from ..arith.scale_shared import SharedScaleRow
from ..config import Config
from ..memory.local import AccReadPort, SpReadPort
from ..memory.pack import Chunk
from .norm.normalise import Normalise
from .norm.shapes import CONSTANTS
from .ops import NormOp
from .store_rows import Piece, RowPlan, Tap


def chunk_bytes(config: Config) -> int:
    """Bytes that the store unit packs per cycle: a row of inputs or outputs, more if the bus takes
    more."""
    narrow = max(config.row_bytes, config.output_row_bytes)
    return max(narrow, min(config.acc_row_bytes, config.bus_bytes))


def output_scaler(config: Config, tag_shape):
    """What turns accumulator rows into output elements."""
    formats = config.accumulator, config.output
    if not config.mvout_scale:
        return SaturateRow(config.dim, *formats, tag_shape)
    if config.scale_cycles > 1:
        return SharedScaleRow(config.dim, config.scale_cycles, *formats, tag_shape)
    return ScaleRow(config.dim, *formats, tag_shape)


def PackTag(config: Config) -> data.StructLayout:
    """Of the last chunk of a memory row: `end` of an operation, which was a `local` one."""
    fields = {"end": 1}
    if config.spad_store:
        fields["local"] = 1
    return data.StructLayout(fields)


def RowTag(config: Config) -> data.StructLayout:
    """The same, and the elements of a local row that count."""
    fields = dict(PackTag(config).members)
    if config.spad_store:
        fields["keep"] = config.dim
    return data.StructLayout(fields)


def ChunkTag(config: Config) -> data.StructLayout:
    """The same, and the row's part in pooling; `output` if it has the output's format."""
    fields = dict(RowTag(config).members)
    if config.pooling:
        fields |= {"tap": Tap(), "output": 1}
    return data.StructLayout(fields)


class StoreChunks(wiring.Component):
    """Local rows, scaled or as they are, become chunks in the order of the plans.

    Scaled rows pass at the rate of the scaler, its `latency` later; rows as they are pass at once,
    in as many chunks as they need, when no scaled row is under way. Nothing is read for `absent`
    rows. With `Config.normalisation` rows pass Normalise before the scaler, and those of a
    statistics step end there.

    Members
    -------
    plan : In(stream(RowPlan))
    sp : In(stream(scratchpad row))
    acc : In(stream(accumulator row))
    o : Out(stream(Chunk))
    busy : Out(1)
        Rows are being scaled.
    constants : In(stream({qln2, qb, qc, keep})), with `Config.normalisation`
        For all rows after it; taken while no row is being normalised.
    """

    def __init__(self, config: Config):
        self.config = config
        constants = {"constants": In(stream.Signature(CONSTANTS))} if config.normalisation else {}
        super().__init__(
            constants
            | {
                "plan": In(stream.Signature(RowPlan(config))),
                "sp": SpReadPort(config).members["data"],
                "acc": AccReadPort(config).members["data"],
                "o": Out(stream.Signature(Chunk(chunk_bytes(config), ChunkTag(config)))),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, plan = self.config, self.plan.payload
        m.submodules.scale = scale = output_scaler(config, Piece(config))
        self._data = Signal(8 * chunk_bytes(config), name="data")
        self._mask = Signal.like(self._data, name="mask")  # of the elements that count
        scaled, raw, idle, present = Signal(), Signal(), Signal(), Signal()
        entry, comes, most = scale.i, 1, scale.latency
        if config.normalisation:
            m.submodules.norm = norm = Normalise(config, Piece(config))
            self._normalise(m, norm, scale)
            entry, comes, most = norm.i, plan.norm.step == 0, most + norm.in_flight
        under_way = Signal(range(most + 1))
        enters, leaves = entry.valid & entry.ready & comes, scale.o.valid & scale.o.ready
        m.d.sync += under_way.eq(under_way + enters - leaves)
        piece_end = self._raw(m, raw, plan)
        there, reads = Mux(plan.acc, self.acc.valid, self.sp.valid), self.plan.valid
        if config.pooling:
            there, reads = there | plan.absent, reads & ~plan.absent
        m.d.comb += [
            idle.eq(under_way == 0),
            scaled.eq(plan.acc & ~plan.full),
            present.eq(self.plan.valid & there),
            entry.valid.eq(present & scaled),
            entry.payload.values.eq(self.acc.payload),
            *([entry.payload.scale.eq(plan.scale)] if config.mvout_scale else []),
            entry.payload.tag.eq(plan.piece),
            scale.o.ready.eq(self.o.ready),
            self.busy.eq(~idle),
            raw.eq(present & ~scaled & idle),
            self.o.valid.eq(scale.o.valid | raw),
            self.o.payload.data.eq(self._data & self._mask),
        ]
        if not config.normalisation:
            m.d.comb += entry.payload.relu.eq(plan.relu)
        with m.If(scale.o.valid):
            m.d.comb += self._chunk(scale.o.payload.tag, scale.o.payload.values, config.output)
        free = Signal()
        m.d.comb += [
            free.eq(Mux(scaled, entry.ready, self.o.ready & idle & piece_end)),
            self.acc.ready.eq(reads & plan.acc & free),
            self.sp.ready.eq(reads & ~plan.acc & free),
            self.plan.ready.eq(free & there),
        ]
        return m

    def _normalise(self, m: Module, norm, scale):
        """Normalise stands before the scaler."""
        plan = self.plan.payload
        connect(m, flipped(self.constants), norm.constants)
        connect(m, norm.o, scale.i)
        m.d.comb += [norm.i.payload[name].eq(plan.norm[name]) for name in NormOp().members]
        m.d.comb += [
            norm.i.payload.keep.eq(plan.piece.keep),
            norm.i.payload.end.eq(plan.piece.end),
        ]

    def _chunk(self, piece, values, fmt):
        """Statements that send a row of one chunk."""
        o, tags = self.o.payload, []
        if self.config.spad_store:
            tags += [o.tag.local.eq(piece.local), o.tag.keep.eq(piece.keep)]
        if self.config.pooling:
            tags += [o.tag.tap.eq(piece.tap), o.tag.output.eq(fmt == self.config.output)]
        return [
            self._data.eq(values.as_value()),
            self._mask.eq(_spread(piece.keep, fmt)),
            o.bytes.eq(piece.bytes),
            o.first.eq(piece.first),
            o.last.eq(piece.last),
            o.address.eq(piece.address),
            o.tag.end.eq(piece.end),
            *tags,
        ]

    def _raw(self, m: Module, raw, plan):
        """Send the row as it is; returns whether this chunk is its last."""
        config, o = self.config, self.o.payload
        size = chunk_bytes(config)
        parts = -(-config.acc_row_bytes // size)
        part = Signal(range(parts))
        left = Signal(range(config.acc_row_bytes + 1))
        end = Signal()
        room = C(0, (parts * size - config.acc_row_bytes) * 8)
        wide = Cat(self.acc.payload, room)
        kept = Cat(_spread(plan.piece.keep, config.accumulator), room)
        m.d.comb += [left.eq(plan.piece.bytes - part * size), end.eq(left <= size)]
        with m.If(raw):
            m.d.comb += self._chunk(plan.piece, self.sp.payload, config.input)
            with m.If(plan.acc):
                m.d.comb += [
                    self._data.eq(wide.word_select(part, size * 8)),
                    self._mask.eq(kept.word_select(part, size * 8)),
                    o.bytes.eq(Mux(end, left, size)),
                    o.first.eq(part == 0),
                    o.last.eq(end),
                ]
            with m.If(self.o.ready):
                m.d.sync += part.eq(Mux(end, 0, part + 1))
        return end


def _spread(keep, fmt):
    """The bits of elements of a format that count."""
    return Cat(lane.replicate(fmt.width) for lane in keep)
