"""The store unit: mvout from the local memories to the bus."""

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from ..arith.scale import ScaleRow
from ..bus.stream import Queue
from ..config import Config
from ..memory.local import AccReadPort, SpReadPort
from ..memory.pack import Chunk, Pack
from ..memory.port import ADDRESS_BITS, WriteRequest
from .ops import INDEX_BITS, StoreOp, row_bits

WRITES_IN_FLIGHT = 64
"""Bus words that may wait for their acknowledgement."""

ROWS_IN_FLIGHT = 8
"""Local rows that may be asked for and not yet consumed."""


def chunk_bytes(config: Config) -> int:
    """Bytes that the store unit packs per cycle: a row of inputs, more if the bus takes more."""
    return max(config.row_bytes, min(config.acc_row_bytes, config.bus_bytes))


class Piece(data.StructLayout):
    """What becomes of one local row: its part of a memory row.

    `keep` names the elements, `bytes` what they occupy; `first` and `last` are the ends of the
    memory row, `end` its being the operation's last.
    """

    def __init__(self, config: Config):
        super().__init__(
            {
                "keep": config.dim,
                "bytes": range(config.acc_row_bytes + 1),
                "first": 1,
                "last": 1,
                "end": 1,
                "address": ADDRESS_BITS,
            }
        )


class RowPlan(data.StructLayout):
    """A local row to read: from which memory, and how it leaves."""

    def __init__(self, config: Config):
        super().__init__(
            {
                "row": row_bits(config),
                "acc": 1,
                "full": 1,
                "relu": 1,
                "scale": 32,
                "piece": Piece(config),
            }
        )


class StoreRows(wiring.Component):
    """The local rows of operations: memory rows ascending, blocks ascending within one.

    One row per cycle, without a gap between operations; the first one cycle after its operation.

    Members
    -------
    i : In(stream(StoreOp))
    o : Out(stream(RowPlan))
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(StoreOp(config))),
                "o": Out(stream.Signature(RowPlan(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, plan = self.config, self.o.payload
        op = Signal(StoreOp(config))
        cols = Signal.like(op.cols)  # left in this memory row
        row = Signal.like(op.row)  # op.row is this memory row's first block
        active, first = Signal(), Signal()
        step, last, end = Signal(), Signal(), Signal()
        m.d.comb += [
            last.eq(cols <= config.dim),
            end.eq(last & (op.rows == 1)),
            step.eq(active & self.o.ready),
            self.i.ready.eq(~active | (step & end)),
            self.o.valid.eq(active),
            plan.row.eq(row),
            plan.acc.eq(op.acc),
            plan.full.eq(op.full),
            plan.relu.eq(op.relu),
            plan.scale.eq(op.scale),
            plan.piece.first.eq(first),
            plan.piece.last.eq(last),
            plan.piece.end.eq(end),
            plan.piece.address.eq(op.address),
        ]
        self._extent(m, op, cols, plan.piece)
        with m.If(step):
            m.d.sync += [row.eq(row + config.dim), cols.eq(cols - config.dim), first.eq(0)]
            with m.If(last):
                m.d.sync += [
                    op.address.eq(op.address + op.stride),
                    op.rows.eq(op.rows - 1),
                    op.row.eq(op.row + 1),
                    row.eq(op.row + 1),
                    cols.eq(op.cols),
                    first.eq(1),
                ]
        with m.If(self.i.ready):
            taken = self.i.payload
            m.d.sync += [active.eq(self.i.valid), op.eq(taken)]
            m.d.sync += [row.eq(taken.row), cols.eq(taken.cols), first.eq(1)]
        return m

    def _extent(self, m: Module, op, cols, piece):
        """Which elements of the row count, and their bytes."""
        config = self.config
        count = Signal(range(config.dim + 1))
        wide = op.acc & op.full
        m.d.comb += [
            count.eq(Mux(cols < config.dim, cols, config.dim)),
            piece.keep.eq(Cat(count > lane for lane in range(config.dim))),
            piece.bytes.eq(
                Mux(
                    wide,
                    (count * config.accumulator.width + 7) >> 3,
                    (count * config.input.width + 7) >> 3,
                )
            ),
        ]


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


class Store(wiring.Component):
    """Executes mvout (docs/semantics.md): local rows through the output path to memory.

    Operations run and finish in order; one may read while earlier ones drain. One local row per
    cycle as long as the bus takes its bytes and memory rows are aligned; the first word leaves
    `4 + ScaleRow.latency` cycles after its operation was taken (4 for rows as they are) if the
    local memory answers in two cycles.

    ::

        op ─> rows ─┬─> sp, acc request        sp, acc data
                    └─> plans (queue) ─────────> chunks ─> pack ─> write_request
                                                (ScaleRow)           │ last?
                            done, error <── write_ack <── in_flight <┘

    Members
    -------
    op : In(stream(StoreOp))
        `rows` and `cols` are at least 1.
    done : Out(1)
        Pulse with the acknowledgement of the oldest operation's last word.
    sp : Out(SpReadPort)
    acc : Out(AccReadPort)
    write_request : Out(stream(WriteRequest))
    write_ack : In(stream(1))
    error : Out({valid, index})
        Pulse with an acknowledgement that reports an error: index of the oldest operation.
    busy : Out(1)
        Operations are inside.
    waits : Out(1)
        A word stands ready and does not leave.
    active : Out(1)
        A word leaves.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "op": In(stream.Signature(StoreOp(config))),
                "done": Out(1),
                "sp": Out(SpReadPort(config)),
                "acc": Out(AccReadPort(config)),
                "write_request": Out(stream.Signature(WriteRequest(config.bus_width))),
                "write_ack": In(stream.Signature(1)),
                "error": Out(data.StructLayout({"valid": 1, "index": INDEX_BITS})),
                "busy": Out(1),
                "waits": Out(1),
                "active": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.rows = rows = StoreRows(self.config)
        m.submodules.plans = plans = Queue(RowPlan(self.config), ROWS_IN_FLIGHT)
        m.submodules.chunks = chunks = StoreChunks(self.config)
        m.submodules.pack = pack = Pack(chunk_bytes(self.config), self.config.bus_bytes, 1)
        self._accept(m, rows)
        self._request(m, rows.o, plans.i)
        connect(m, plans.o, chunks.plan)
        for port, rows_in in ((self.sp, chunks.sp), (self.acc, chunks.acc)):
            m.d.comb += [
                rows_in.valid.eq(port.data.valid),
                rows_in.payload.eq(port.data.payload),
                port.data.ready.eq(rows_in.ready),
            ]
        connect(m, chunks.o, pack.i)
        self._write(m, pack.o)
        return m

    def _accept(self, m: Module, rows):
        """An operation enters together with its index, which stays until it is done."""
        m.submodules.indices = indices = Queue(INDEX_BITS, self.config.store_queue)
        m.d.comb += [
            rows.i.payload.eq(self.op.payload),
            rows.i.valid.eq(self.op.valid & indices.i.ready),
            indices.i.payload.eq(self.op.payload.index),
            indices.i.valid.eq(self.op.valid & rows.i.ready),
            self.op.ready.eq(rows.i.ready & indices.i.ready),
            indices.o.ready.eq(self.done),
            self.error.index.eq(indices.o.payload),
            self.busy.eq(indices.level != 0),
        ]

    def _request(self, m: Module, plan, queued):
        """Ask one of the memories for the row, and note what becomes of it."""
        taken = Signal()
        wanted = Signal()
        acc = plan.payload.acc
        m.d.comb += [
            wanted.eq(plan.valid & queued.ready),
            taken.eq(Mux(acc, self.acc.request.ready, self.sp.request.ready)),
            self.acc.request.valid.eq(wanted & acc),
            self.sp.request.valid.eq(wanted & ~acc),
            self.acc.request.payload.eq(plan.payload.row),
            self.sp.request.payload.eq(plan.payload.row),
            queued.payload.eq(plan.payload),
            queued.valid.eq(plan.valid & taken),
            plan.ready.eq(queued.ready & taken),
        ]

    def _write(self, m: Module, packed):
        """Send words while the acknowledgements they await can be remembered."""
        m.submodules.in_flight = in_flight = Queue(1, WRITES_IN_FLIGHT)
        request, acknowledged = self.write_request, Signal()
        m.d.comb += [
            request.payload.eq(packed.payload.request),
            request.valid.eq(packed.valid & in_flight.i.ready),
            packed.ready.eq(request.ready & in_flight.i.ready),
            in_flight.i.payload.eq(packed.payload.last & packed.payload.tag),
            in_flight.i.valid.eq(packed.valid & request.ready),
            self.active.eq(packed.valid & packed.ready),
            self.waits.eq(packed.valid & ~packed.ready),
            self.write_ack.ready.eq(in_flight.o.valid),
            acknowledged.eq(self.write_ack.valid & in_flight.o.valid),
            in_flight.o.ready.eq(self.write_ack.valid),
            self.done.eq(acknowledged & in_flight.o.payload),
            self.error.valid.eq(acknowledged & self.write_ack.payload),
        ]
