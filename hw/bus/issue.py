"""How commands leave a 32-bit core, whatever port the core has (isa.md)."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from ..control.ops import CommandLayout
from ..isa import RESPONDS
from .stream import Queue


class Kind(enum.Enum, shape=2):
    """What the core asks for; on the custom-instruction port this is funct3."""

    ISSUE = 0
    STAGE = 1
    STATUS = 2
    WAIT = 3


class Request(data.StructLayout):
    """`funct` and the two register values of the core."""

    def __init__(self):
        super().__init__({"kind": Kind, "funct": 7, "a": 32, "b": 32})


class Status(data.StructLayout):
    """The word that *status* and *wait* return."""

    def __init__(self):
        super().__init__({"busy": 1, "pad0": 7, "free": 8, "error": 8, "pad1": 8})


class Issuer(wiring.Component):
    """Turns requests of a core into commands, one answer word per request, in order.

    *stage* keeps the upper halves of rs1 and rs2; *issue* joins them with the lower halves, clears
    them and queues the command: it waits while the queue is full, and answers 0, or for commands
    that respond their response. *status* answers a :class:`Status` at once. *wait* answers one
    when every command has retired. An answer comes one cycle after its request was taken.

    Members
    -------
    request : In(stream(Request))
    answer : Out(stream(32))
    command : Out(stream(CommandLayout))
    response : In(stream(32))
    busy : In(1)
        The accelerator has work; high no later than two cycles after it took a command.
    error : In(8)
    hold : In(1)
        Do not take an *issue*: something written before it has not reached memory.
    idle : Out(1)
        Nothing queued and nothing at work.
    status : Out(Status)
    """

    def __init__(self, depth: int):
        self.depth = depth
        super().__init__(
            {
                "request": In(stream.Signature(Request())),
                "answer": Out(stream.Signature(32)),
                "command": Out(stream.Signature(CommandLayout())),
                "response": In(stream.Signature(32)),
                "busy": In(1),
                "error": In(8),
                "hold": In(1),
                "idle": Out(1),
                "status": Out(Status()),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = Queue(CommandLayout(), self.depth)
        wiring.connect(m, queue.o, wiring.flipped(self.command))

        ask, kind = self.request.payload, self.request.payload.kind
        staged = Signal(data.StructLayout({"a": 32, "b": 32}))
        responding = Signal()
        recent = Signal(2)  # a command left the queue: busy may not show it yet
        status = self.status
        free = Signal()  # the answer's place is free
        able = Signal()  # the request can be carried out
        taken = Signal()

        m.d.sync += recent.eq(Cat(queue.o.valid & queue.o.ready, recent[0]))
        m.d.comb += [
            self.idle.eq((queue.level == 0) & ~recent.any() & ~self.busy),
            status.busy.eq(~self.idle),
            status.free.eq(self.depth - queue.level),
            status.error.eq(self.error),
            free.eq(~responding & (~self.answer.valid | self.answer.ready)),
            taken.eq(self.request.valid & self.request.ready),
            self.request.ready.eq(free & able),
            queue.i.payload.eq(
                Cat(ask.funct, ask.a, staged.a, ask.b, staged.b),
            ),
            queue.i.valid.eq(taken & (kind == Kind.ISSUE)),
        ]
        with m.Switch(kind):
            with m.Case(Kind.ISSUE):
                m.d.comb += able.eq(queue.i.ready & ~self.hold)
            with m.Case(Kind.WAIT):
                m.d.comb += able.eq(self.idle)
            with m.Default():
                m.d.comb += able.eq(1)

        with m.If(self.answer.ready):
            m.d.sync += self.answer.valid.eq(0)
        with m.If(taken):
            m.d.sync += self.answer.valid.eq(1)
            with m.Switch(kind):
                with m.Case(Kind.ISSUE):
                    answers = Cat(ask.funct == funct for funct in sorted(RESPONDS)).any()
                    m.d.sync += [
                        staged.eq(0),
                        self.answer.payload.eq(0),
                        self.answer.valid.eq(~answers),
                        responding.eq(answers),
                    ]
                with m.Case(Kind.STAGE):
                    m.d.sync += [staged.a.eq(ask.a), staged.b.eq(ask.b), self.answer.payload.eq(0)]
                with m.Default():
                    m.d.sync += self.answer.payload.eq(status)
        m.d.comb += self.response.ready.eq(responding)
        with m.If(responding & self.response.valid):
            m.d.sync += [
                responding.eq(0),
                self.answer.valid.eq(1),
                self.answer.payload.eq(self.response.payload),
            ]
        return m
