"""The store unit: mvout from the local memories to the bus."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from ..bus.stream import Queue
from ..config import Config
from ..memory.local import AccReadPort, SpReadPort
from ..memory.pack import Pack
from ..memory.port import WriteRequest
from .ops import INDEX_BITS, StoreOp
from .store_chunks import StoreChunks, chunk_bytes
from .store_rows import RowPlan, StoreRows

WRITES_IN_FLIGHT = 64
"""Bus words that may wait for their acknowledgement."""

ROWS_IN_FLIGHT = 8
"""Local rows that may be asked for and not yet consumed."""


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
