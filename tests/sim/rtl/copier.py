"""A stand-in with the accelerator's ports: copies memory and answers, for tests of the engine."""

from amaranth.hdl import Assert, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.stream import Queue
from hw.control.activity import Trace
from hw.control.ops import CommandLayout
from hw.memory.port import MemoryPort

COPY, HANG, MISBEHAVE, CLAIM, ANSWER = 2, 3, 4, 5, 126


class Copier(wiring.Component):
    """`COPY`: rs2[63:32] bytes (whole words) from rs1 to rs2; `ANSWER` answers rs1[31:0].

    `HANG` never ends; `MISBEHAVE` withdraws a read request, `CLAIM` has a false
    assertion. Error 7 or 8 after bus errors.
    """

    def __init__(self, width: int):
        self.width = width
        status = {"busy": 1, "load": 1, "execute": 1, "store": 1}
        status |= {"error": 8, "error_index": 32, "accepted": 32}
        super().__init__(
            {
                "command": In(stream.Signature(CommandLayout())),
                "response": Out(stream.Signature(32)),
                "memory": Out(MemoryPort(width)),
                "status": Out(data.StructLayout(status)),
                "trace": Out(Trace()),
                "clear_error": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        word = self.width // 8
        memory, status = self.memory, self.status
        m.submodules.words = words = Queue(self.width, 4)
        asked, written, acked, total = (Signal(32, name=n) for n in ("asked", "w", "acked", "t"))
        source, target = Signal(32), Signal(32)
        m.d.comb += [
            memory.read_request.payload.address.eq(source + asked),
            memory.read_request.payload.bytes.eq(word),
            words.i.payload.eq(memory.read_data.payload.data),
            words.i.valid.eq(memory.read_data.valid),
            memory.read_data.ready.eq(words.i.ready),
            memory.write_request.payload.address.eq(target + written),
            memory.write_request.payload.data.eq(words.o.payload),
            memory.write_request.payload.mask.eq(-1),
            memory.write_request.valid.eq(words.o.valid),
            words.o.ready.eq(memory.write_request.ready),
            memory.write_ack.ready.eq(1),
            status.load.eq(asked != total),
            status.store.eq(written != total),
        ]
        with m.If(memory.read_request.valid & memory.read_request.ready):
            m.d.sync += asked.eq(asked + word)
        with m.If(memory.write_request.valid & memory.write_request.ready):
            m.d.sync += written.eq(written + word)
        with m.If(memory.write_ack.valid):
            m.d.sync += acked.eq(acked + word)
            with m.If(memory.write_ack.payload):
                m.d.sync += [status.error.eq(8), status.error_index.eq(status.accepted - 1)]
        with m.If(memory.read_data.valid & memory.read_data.payload.error):
            m.d.sync += [status.error.eq(7), status.error_index.eq(status.accepted - 1)]
        with m.If(self.clear_error):
            m.d.sync += [status.error.eq(0), status.error_index.eq(0)]
        self._control(m, source, target, asked, written, acked, total)
        return m

    def _control(self, m, source, target, asked, written, acked, total):
        command, memory, status = self.command, self.memory, self.status
        flip = Signal()
        claimed = command.valid & command.ready & (command.payload.funct == CLAIM)
        m.d.sync += Assert(~claimed)
        with m.FSM():
            with m.State("idle"):
                m.d.comb += command.ready.eq(1)
                with m.If(command.valid):
                    m.d.sync += [
                        status.accepted.eq(status.accepted + 1),
                        source.eq(command.payload.rs1),
                        target.eq(command.payload.rs2),
                        *(counter.eq(0) for counter in (asked, written, acked)),
                        total.eq(0),
                    ]
                    with m.Switch(command.payload.funct):
                        with m.Case(COPY):
                            m.d.sync += total.eq(command.payload.rs2 >> 32)
                            m.next = "copy"
                        with m.Case(HANG):
                            m.next = "hang"
                        with m.Case(MISBEHAVE):
                            m.next = "misbehave"
                        with m.Case(ANSWER):
                            m.next = "answer"
            with m.State("copy"):
                m.d.comb += [memory.read_request.valid.eq(asked != total), status.busy.eq(1)]
                with m.If(acked == total):
                    m.next = "idle"
            with m.State("hang"):
                m.d.comb += [status.busy.eq(1), status.execute.eq(1)]
            with m.State("misbehave"):
                m.d.sync += flip.eq(~flip)
                m.d.comb += [memory.read_request.valid.eq(flip), status.busy.eq(1)]
            with m.State("answer"):
                m.d.comb += [self.response.valid.eq(1), self.response.payload.eq(source)]
                m.d.comb += status.busy.eq(1)
                with m.If(self.response.ready):
                    m.next = "idle"
