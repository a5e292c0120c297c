"""The store unit: mvout from the local memories to the bus, mvout_spad to the scratchpad."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..bus.stream import Buffer, HalfBuffer, Queue, Skid, behind
from ..config import Config
from ..memory.local import AccReadPort, SpReadPort, SpWrite, unhurried
from ..memory.pack import Pack
from ..memory.port import WriteRequest
from .ops import INDEX_BITS, StoreOp
from .states import UnitState, first_state
from .store_chunks import PackTag, StoreChunks, chunk_bytes
from .store_local import StoreLocal
from .store_max import PoolMax
from .store_pool import StoreWalk
from .store_rows import RowPlan, StoreRows

WRITES_IN_FLIGHT = 64
"""Bus words that may wait for their acknowledgement."""

ROWS_IN_FLIGHT = 8
"""Local rows that may be asked for and not yet consumed."""


class Store(wiring.Component):
    """Executes mvout (docs/semantics.md): local rows through the output path to memory.

    Operations run and finish in order; one may read while earlier ones drain. One local row per
    cycle as long as the bus takes its bytes and memory rows are aligned, scaled ones at the rate of
    the scaler; the first word leaves 5 cycles and the scaler's latency after its operation was
    taken (5 for rows as they are) if the local memory answers in two cycles. Plans, chunks and
    words stand in registers on their way, so that no path leads from a memory through the unit;
    where rows go one at a time (:func:`..memory.local.unhurried`) words leave every other cycle, a
    cycle later.

    ::

        op ─> rows ─┬─> sp, acc request        sp, acc data
                    └─> plans (queue) ─────────> chunks ─┬────────┬─> pack ─> write_request
                                                (scaler) └> pool ─┤             │ last?
                                                                  └> local ─> copies
                            done, error <── write_ack <── in_flight <───────────┘

    Pooled operations (`Config.pooling`) read one tap per cycle; a pooled row leaves two cycles
    later than a scaled one, counted from its last tap. Local operations (`Config.spad_store`)
    write one row per cycle to the scratchpad and cost one cycle more.

    With `Config.normalisation` operations of a statistics step, and those that configure, write
    nothing; the latter wait until all rows before them have been taken.

    Members
    -------
    op : In(stream(StoreOp))
        `rows` and `cols` are at least 1 (those that configure have none).
    done : Out(1)
        Pulse with the acknowledgement of the oldest operation's last word; if it was a local one,
        four cycles or more after the scratchpad took its last row; if it writes nothing, in the
        cycle after the last row was taken, or later.
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
        A word leaves: memory takes it, now or in its turn, behind one that it has not taken.
    state : Out(UnitState)
    copies : Out(SpWrite), with `Config.spad_store`
        Rows of local operations.
    """

    def __init__(self, config: Config):
        self.config = config
        copies = {"copies": Out(SpWrite(config))} if config.spad_store else {}
        super().__init__(
            copies
            | {
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
                "state": Out(UnitState),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.rows = rows = StoreWalk(config) if config.pooling else StoreRows(config)
        m.submodules.plans = plans = Queue(RowPlan(config), ROWS_IN_FLIGHT)
        plan = behind(m, "plan", HalfBuffer if unhurried(config) else Buffer, plans.o)
        m.submodules.chunks = chunks = StoreChunks(config)
        m.submodules.pack = pack = Pack(chunk_bytes(config), config.bus_bytes, PackTag(config))
        accept = self._accept_silent if config.normalisation else self._accept
        accept(m, rows, chunks)
        self._request(m, rows.o, plans.i)
        connect(m, plan, chunks.plan)
        for port, rows_in in ((self.sp, chunks.sp), (self.acc, chunks.acc)):
            m.d.comb += [
                rows_in.valid.eq(port.data.valid),
                rows_in.payload.eq(port.data.payload),
                port.data.ready.eq(rows_in.ready),
            ]
        leaving = chunks.o
        if config.pooling or config.spad_store:
            leaving = behind(m, "spare", Skid, leaving)
        if config.pooling:
            m.submodules.pool = pool = PoolMax(config)
            connect(m, leaving, pool.i)
            leaving = pool.o
        if config.spad_store:
            m.submodules.local = local = StoreLocal(config)
            connect(m, leaving, local.i)
            connect(m, local.sp, flipped(self.copies))
            leaving = local.o
        connect(m, behind(m, "packing", Buffer, leaving), pack.i)
        self._write(m, pack.o)
        first_state(
            m,
            self.state,
            (~self.busy, UnitState.IDLE),
            (self.active, UnitState.ACTIVE),
            (self.waits, UnitState.MEMORY),
            (chunks.busy, UnitState.SCALER),
            (rows.o.valid | (plans.level != 0) | plan.valid, UnitState.ROWS),
            (1, UnitState.ACKS),
        )
        return m

    def _accept(self, m: Module, rows, chunks):
        """An operation enters together with its index, which stays until it is done."""
        del chunks
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

    def _accept_silent(self, m: Module, rows, chunks):
        """The same, where some operations write nothing: they are done when their rows are taken.

        `opened` counts operations whose rows have not all been taken, `taken` those that write
        nothing and wait for their turn to be done.
        """
        self._silent = Signal(name="silent")  # the oldest operation writes nothing
        self._quiet = Signal(name="quiet")  # and is done
        config, op = self.config, self.op.payload
        entry = data.StructLayout({"index": INDEX_BITS, "silent": 1})
        m.submodules.indices = indices = Queue(entry, config.store_queue)
        most = range(config.store_queue + 1)
        opened, taken = Signal(most), Signal(most)
        room, enters, leaves, ends = (
            Signal(name=name) for name in ("room", "enters", "leaves", "ends")
        )
        plan, constants = chunks.plan, chunks.constants
        m.d.comb += [
            rows.i.payload.eq(op),
            rows.i.valid.eq(self.op.valid & indices.i.ready & ~op.configures),
            constants.valid.eq(self.op.valid & indices.i.ready & op.configures & (opened == 0)),
            constants.payload.qb.eq(op.address),
            constants.payload.qc.eq(op.stride),
            constants.payload.qln2.eq(op.scale),
            constants.payload.keep.eq(op.keep),
            room.eq(Mux(op.configures, constants.ready & (opened == 0), rows.i.ready)),
            self.op.ready.eq(room & indices.i.ready),
            indices.i.payload.index.eq(op.index),
            indices.i.payload.silent.eq(op.configures | (op.norm.step != 0)),
            indices.i.valid.eq(self.op.valid & room),
            indices.o.ready.eq(self.done),
            self.error.index.eq(indices.o.payload.index),
            self.busy.eq(indices.level != 0),
            enters.eq(self.op.valid & self.op.ready),
            leaves.eq(plan.valid & plan.ready & plan.payload.piece.end),
            ends.eq((leaves & (plan.payload.norm.step != 0)) | (enters & op.configures)),
            self._silent.eq(indices.o.valid & indices.o.payload.silent),
            self._quiet.eq(self._silent & (taken != 0)),
        ]
        m.d.sync += [
            opened.eq(opened + (enters & ~op.configures) - leaves),
            taken.eq(taken + ends - self._quiet),
        ]

    def _request(self, m: Module, plan, queued):
        """Ask one of the memories for the row, and note what becomes of it."""
        taken = Signal()
        wanted = Signal()
        acc = plan.payload.acc
        answers = Mux(acc, self.acc.request.ready, self.sp.request.ready)
        wants = plan.valid & queued.ready
        if self.config.pooling:
            absent = plan.payload.absent
            answers, wants = answers | absent, wants & ~absent
        m.d.comb += [
            wanted.eq(wants),
            taken.eq(answers),
            self.acc.request.valid.eq(wanted & acc),
            self.sp.request.valid.eq(wanted & ~acc),
            self.acc.request.payload.eq(plan.payload.row),
            self.sp.request.payload.eq(plan.payload.row),
            queued.payload.eq(plan.payload),
            queued.valid.eq(plan.valid & taken),
            plan.ready.eq(queued.ready & taken),
        ]

    def _write(self, m: Module, packed):
        """Send words while the acknowledgements they await can be remembered.

        Marks of local operations wait in the same line, but for nothing.
        """
        tag = PackTag(self.config)
        m.submodules.in_flight = in_flight = Queue(tag, WRITES_IN_FLIGHT)
        kind = HalfBuffer if unhurried(self.config) else Skid
        m.submodules.words = words = kind(WriteRequest(self.config.bus_width))
        connect(m, words.o, flipped(self.write_request))
        request, acknowledged = words.i, Signal()
        leaves, answers, word = request.ready, self.write_ack.valid, packed.valid
        awaits = in_flight.o.valid
        if self.config.spad_store:
            mark, due = packed.payload.tag.local, in_flight.o.payload.local
            leaves, word = leaves | mark, word & ~mark
            answers, awaits = answers | due, awaits & ~due
        if self.config.normalisation:
            answers, awaits = answers & ~self._silent, awaits & ~self._silent
        done = acknowledged & in_flight.o.payload.end
        if self.config.normalisation:
            done = done | self._quiet
        m.d.comb += [
            request.payload.eq(packed.payload.request),
            request.valid.eq(word & in_flight.i.ready),
            packed.ready.eq(leaves & in_flight.i.ready),
            in_flight.i.payload.eq(packed.payload.tag),
            in_flight.i.payload.end.eq(packed.payload.last & packed.payload.tag.end),
            in_flight.i.valid.eq(packed.valid & leaves),
            self.active.eq(word & packed.ready),
            self.waits.eq(packed.valid & ~packed.ready),
            self.write_ack.ready.eq(awaits),
            acknowledged.eq(answers & in_flight.o.valid),
            in_flight.o.ready.eq(answers),
            self.done.eq(done),
            self.error.valid.eq(awaits & self.write_ack.valid & self.write_ack.payload),
        ]
