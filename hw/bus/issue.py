"""How commands leave a 32-bit core, whatever port the core has (isa.md)."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from ..control.fields import responds
from ..control.ops import CommandLayout
from ..memory.port import ReadRequest, ReadWord
from .replay import Replay
from .stream import Queue


class Kind(enum.Enum, shape=3):
    """What the core asks for; on the custom-instruction port this is funct3."""

    ISSUE = 0
    STAGE = 1
    STATUS = 2
    WAIT = 3
    RUN = 4


class Request(data.StructLayout):
    """`funct` and the two register values of the core; `wide` ones bring upper halves along."""

    def __init__(self, wide: bool = False):
        upper = {"a_upper": 32, "b_upper": 32} if wide else {}
        super().__init__({"kind": Kind, "funct": 7, "a": 32, "b": 32} | upper)


class Status(data.StructLayout):
    """The word that *status* and *wait* return."""

    def __init__(self):
        super().__init__({"busy": 1, "pad0": 7, "free": 8, "error": 8, "pad1": 8})


def issuing(width: int) -> dict:
    """Members of a command port of any kind, beside the core's side."""
    return {
        "command": Out(stream.Signature(CommandLayout())),
        "response": In(stream.Signature(32)),
        "read_request": Out(stream.Signature(ReadRequest())),
        "read_data": In(stream.Signature(ReadWord(width))),
        "busy": In(1),
        "error": In(8),
        "hold": In(1),
        "idle": Out(1),
        "fault": Out(1),
        "fault_address": Out(32),
        "status": Out(Status()),
    }


def pass_on(m, port, issuer):
    """Connect a port's :func:`issuing` members to those of the issuer inside."""
    for name in ("command", "read_request"):
        wiring.connect(m, getattr(issuer, name), wiring.flipped(getattr(port, name)))
    for name in ("response", "read_data"):
        wiring.connect(m, wiring.flipped(getattr(port, name)), getattr(issuer, name))
    m.d.comb += [
        getattr(issuer, name).eq(getattr(port, name)) for name in ("busy", "error", "hold")
    ]
    m.d.comb += [
        getattr(port, name).eq(getattr(issuer, name))
        for name in ("idle", "fault", "fault_address", "status")
    ]


class Issuer(wiring.Component):
    """Turns requests of a core into commands, one answer word per request, in order.

    *stage* keeps the upper halves of rs1 and rs2; *issue* joins them with the lower halves, clears
    them and queues the command: it waits while the queue is full, and answers 0, or for commands
    that respond their response. *status* answers a :class:`Status` at once. *wait* answers one
    when every command has retired. *run* (a: address, b: count) starts the replay of a list in
    memory and answers 0; later commands wait until the list is through, its responses are dropped.
    An answer comes one cycle after its request was taken. With `wide` each *issue* brings the upper
    halves, and there is no *stage*.

    Members
    -------
    request : In(stream(Request(wide)))
    answer : Out(stream(32))
    command : Out(stream(CommandLayout))
    response : In(stream(32))
    read_request : Out(stream(ReadRequest))
    read_data : In(stream(ReadWord(width)))
        Lists that are replayed.
    busy : In(1)
        The accelerator has work; high no later than two cycles after it took a command.
    error : In(8)
    hold : In(1)
        Do not take an *issue* or *run*: something written before it has not reached memory.
    idle : Out(1)
        Nothing queued and nothing at work.
    fault : Out(1)
        For one cycle: the list at `fault_address` could not be read.
    fault_address : Out(32)
    status : Out(Status)
    """

    def __init__(self, depth: int, width: int, wide: bool = False):
        self.depth = depth
        self.width = width
        self.wide = wide
        super().__init__(
            {"request": In(stream.Signature(Request(wide)))}
            | issuing(width)
            | {"answer": Out(stream.Signature(32))}
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = Queue(CommandLayout(), self.depth)
        m.submodules.replay = replay = Replay(self.width)
        wiring.connect(m, queue.o, wiring.flipped(self.command))
        wiring.connect(m, replay.read_request, wiring.flipped(self.read_request))
        wiring.connect(m, wiring.flipped(self.read_data), replay.read_data)
        busy = Signal()  # a cycle late, so that a core's waiting begins in registers
        recent = Signal(2)  # a command left the queue: that may not show it yet
        status = self.status
        m.d.sync += [busy.eq(self.busy), recent.eq(Cat(queue.o.valid & queue.o.ready, recent[0]))]
        m.d.comb += [
            self.idle.eq((queue.level == 0) & ~recent.any() & ~busy & ~replay.busy),
            self.fault.eq(replay.fault),
            self.fault_address.eq(replay.fault_address),
            status.busy.eq(~self.idle),
            status.free.eq(self.depth - queue.level),
            status.error.eq(self.error),
        ]
        self._requests(m, queue, replay)
        return m

    def _requests(self, m, queue, replay):
        ask, kind = self.request.payload, self.request.payload.kind
        upper = self._upper(m)
        able = Signal()  # the request can be carried out
        taken = Signal()
        responding = self._responses(m, replay)
        free = ~responding & (~self.answer.valid | self.answer.ready)
        m.d.comb += [
            taken.eq(self.request.valid & self.request.ready),
            self.request.ready.eq(free & able),
            replay.run.valid.eq(taken & (kind == Kind.RUN)),
            replay.run.payload.address.eq(ask.a),
            replay.run.payload.count.eq(ask.b),
            replay.command.ready.eq(queue.i.ready),
            queue.i.payload.eq(Cat(ask.funct, ask.a, upper[0], ask.b, upper[1])),
            queue.i.valid.eq(taken & (kind == Kind.ISSUE)),
        ]
        with m.If(replay.command.valid):
            m.d.comb += [queue.i.payload.eq(replay.command.payload), queue.i.valid.eq(1)]
        with m.Switch(kind):
            with m.Case(Kind.ISSUE):
                m.d.comb += able.eq(queue.i.ready & ~self.hold & ~replay.busy)
            with m.Case(Kind.RUN):
                m.d.comb += able.eq(replay.run.ready & ~self.hold)
            with m.Case(Kind.WAIT):
                m.d.comb += able.eq(self.idle)
            with m.Default():
                m.d.comb += able.eq(1)

        with m.If(taken):
            m.d.sync += [self.answer.valid.eq(1), self.answer.payload.eq(0)]
            with m.Switch(kind):
                with m.Case(Kind.ISSUE):
                    m.d.sync += [
                        self.answer.valid.eq(~responds(ask.funct)),
                        responding.eq(responds(ask.funct)),
                    ]
                with m.Case(Kind.STATUS, Kind.WAIT):
                    m.d.sync += self.answer.payload.eq(self.status)

    def _upper(self, m):
        """The upper halves of the next *issue*."""
        ask = self.request.payload
        if self.wide:
            return ask.a_upper, ask.b_upper
        staged = Signal(data.StructLayout({"a": 32, "b": 32}))
        with m.If(self.request.valid & self.request.ready):
            with m.If(ask.kind == Kind.STAGE):
                m.d.sync += [staged.a.eq(ask.a), staged.b.eq(ask.b)]
            with m.Elif(ask.kind == Kind.ISSUE):
                m.d.sync += staged.eq(0)
        return staged.a, staged.b

    def _responses(self, m, replay):
        """Responses become answers, or are dropped if they are a list's; returns a flag to set."""
        responding = Signal()  # the core waits for a response
        owed = Signal(16)  # responses of a list still to come
        comes, goes = Signal(), Signal()
        m.d.comb += [
            self.response.ready.eq(responding | (owed != 0)),
            comes.eq(
                replay.command.valid & replay.command.ready & responds(replay.command.payload.funct)
            ),
            goes.eq(self.response.valid & (owed != 0)),
        ]
        m.d.sync += owed.eq(owed + comes - goes)
        with m.If(self.answer.ready):
            m.d.sync += self.answer.valid.eq(0)
        with m.If(responding & self.response.valid & (owed == 0)):
            m.d.sync += [
                responding.eq(0),
                self.answer.valid.eq(1),
                self.answer.payload.eq(self.response.payload),
            ]
        return responding
