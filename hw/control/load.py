"""The load unit: mvin from memory into the scratchpad and the accumulator memory."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..bus.stream import HalfBuffer, Queue, Skid, behind
from ..config import Config
from ..memory.local import AccWrite, SpWrite, unhurried
from ..memory.port import ReadRequest, ReadWord
from ..memory.realign import Realign
from .load_deliver import LoadDeliver
from .load_request import Job, LoadRequest, starts
from .ops import INDEX_BITS, LoadOp
from .states import UnitState, first_state

PIECE = 64


class Load(wiring.Component):
    """Executes LoadOps, in order (docs/semantics.md, *mvin*).

    The near half asks for rows and runs ahead of the far half, which delivers them; two queues
    lie between: what to do with the rows of each op, and where each row lies in its words::

        op ─► request ─┬──────────────────────────► read_request
                       ├─ jobs ──► deliver ─► sp, acc
                       │              ▲ chunks
                       └─ spans ─► realign ◄─ read_data

    Requests and chunks can stand in a place of their own (:class:`..bus.stream.Skid`), so that what
    memory and the local memories answer in a cycle ends there; where rows go one at a time
    (:func:`..memory.local.unhurried`) requests leave every other cycle, a cycle later.

    One row per cycle if a row of inputs is not wider than the bus and aligned to it. A row's write
    stands three cycles after its last word was taken (scale 1.0, full width), or two cycles and
    ``ScaleRow.latency``. At most `Config.reads_in_flight` requests wait for their words (a longer
    one counts once per 64 bytes, the one that passes the limit not at all), at most
    `Config.load_queue` ops are inside.

    Members
    -------
    op : In(stream(LoadOp))
        Rows and columns at least 1.
    done : Out(1)
        The oldest op ends: its last row is taken by its memory, or skipped, in this cycle.
    sp : Out(SpWrite)
    acc : Out(AccWrite)
    read_request : Out(stream(ReadRequest))
    read_data : In(stream(ReadWord))
    error : Out({valid, index})
        A word for the command `index` had an error; not after its `done`.
    busy : Out(1)
        There are ops inside.
    waits : Out(1)
        Rows were asked for, no word is there.
    active : Out(1)
        A row is taken by its memory.
    state : Out(UnitState)
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "op": In(stream.Signature(LoadOp(config))),
                "done": Out(1),
                "sp": Out(SpWrite(config)),
                "acc": Out(AccWrite(config)),
                "read_request": Out(stream.Signature(ReadRequest())),
                "read_data": In(stream.Signature(ReadWord(config.bus_width))),
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
        m.submodules.request = request = LoadRequest(config)
        m.submodules.jobs = jobs = Queue(Job(config), config.load_queue)
        m.submodules.spans = spans = Queue(request.span_shape, config.reads_in_flight)
        m.submodules.realign = realign = Realign(
            config.bus_bytes, config.row_bytes, request.max_bytes, starts(config)
        )
        chunks = behind(m, "chunks", Skid, realign.chunk)
        kind = HalfBuffer if unhurried(config) else Skid
        requests = behind(m, "requests", kind, request.request)
        m.submodules.deliver = deliver = LoadDeliver(config)
        wiring.connect(m, request.job, jobs.i)
        self._spans(m, request, spans)
        wiring.connect(m, requests, wiring.flipped(self.read_request))
        wiring.connect(m, spans.o, realign.span)
        wiring.connect(m, wiring.flipped(self.read_data), realign.word)
        wiring.connect(m, chunks, deliver.chunk)
        wiring.connect(m, jobs.o, deliver.job)
        wiring.connect(m, deliver.sp, wiring.flipped(self.sp))
        wiring.connect(m, deliver.acc, wiring.flipped(self.acc))

        inside = Signal(range(config.load_queue + 1))
        room = Signal()
        take = Signal()
        m.d.comb += [
            room.eq(inside != config.load_queue),
            request.op.valid.eq(self.op.valid & room),
            request.op.p.eq(self.op.p),
            self.op.ready.eq(request.op.ready & room),
            take.eq(self.op.valid & self.op.ready),
            self.done.eq(deliver.done),
            self.error.eq(deliver.error),
            self.busy.eq(inside != 0),
            self.waits.eq((spans.level != 0) & ~self.read_data.valid),
            self.active.eq(deliver.active),
        ]
        m.d.sync += inside.eq(inside + take - self.done)
        asks = (request.request, request.span)
        first_state(
            m,
            self.state,
            (inside == 0, UnitState.IDLE),
            (deliver.active, UnitState.ACTIVE),
            (deliver.blocked, UnitState.LOCAL),
            (Cat(ask.valid & ~ask.ready for ask in asks).any(), UnitState.REQUESTS),
            (1, UnitState.MEMORY),
        )
        return m

    def _spans(self, m, request, spans):
        """The way of spans into their queue; long ones wait until not too much is asked for."""
        if request.max_bytes <= PIECE:
            wiring.connect(m, request.span, spans.i)
            return
        limit = self.config.reads_in_flight
        ahead = Signal(range(limit + pieces(request.max_bytes) + 1))  # pieces asked for
        following = Signal.like(ahead)
        room = Signal(init=1)
        asks = Signal()
        ends = Signal()
        m.d.comb += [
            spans.i.valid.eq(request.span.valid & room),
            spans.i.payload.eq(request.span.payload),
            request.span.ready.eq(spans.i.ready & room),
            asks.eq(spans.i.valid & spans.i.ready),
            ends.eq(spans.o.valid & spans.o.ready),
        ]
        m.d.comb += following.eq(
            ahead
            + Mux(asks, pieces(request.span.payload.bytes), 0)
            - Mux(ends, pieces(spans.o.payload.bytes), 0)
        )
        m.d.sync += [ahead.eq(following), room.eq(following <= limit)]


def pieces(length):
    """Pieces of 64 bytes that a request counts for."""
    return (length + (PIECE - 1)) >> 6
