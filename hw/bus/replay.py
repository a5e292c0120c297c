"""Command lists in memory, fetched without the core."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..control.ops import CommandLayout
from ..memory.port import ReadRequest, ReadWord
from ..memory.realign import Realign, Span
from .stream import Queue

COMMAND_BYTES = 24
"""A command in memory, little endian: funct and a spare word (4 bytes each), rs1, rs2 (8 each)."""


def most_commands(size: int) -> int:
    """Commands that one read request brings at most on a bus of `size` bytes: up to 7 words."""
    return size // 4


class CommandList(data.StructLayout):
    """`count` commands, one after the other from byte `address` on."""

    def __init__(self):
        super().__init__({"address": 32, "count": 32})


class Replay(wiring.Component):
    """Reads a list of commands and hands them on in order.

    It asks only for what its own buffer can take, so that words for others never wait behind it.
    When a word comes with an error the rest of the list is dropped.

    Rate: a command in ``24 / bus bytes`` cycles (one at most) on an idle memory.

    Members
    -------
    run : In(stream(CommandList))
        Taken when the list before is through.
    command : Out(stream(CommandLayout))
    read_request : Out(stream(ReadRequest))
    read_data : In(stream(ReadWord(width)))
    busy : Out(1)
        Commands of the list are still to come.
    fault : Out(1)
        For one cycle: the list at `fault_address` could not be read.
    fault_address : Out(32)
    """

    def __init__(self, width: int):
        self.width = width
        super().__init__(
            {
                "run": In(stream.Signature(CommandList())),
                "command": Out(stream.Signature(CommandLayout())),
                "read_request": Out(stream.Signature(ReadRequest())),
                "read_data": In(stream.Signature(ReadWord(width))),
                "busy": Out(1),
                "fault": Out(1),
                "fault_address": Out(32),
            }
        )

    def elaborate(self, platform):
        m = Module()
        size = self.width // 8
        most = most_commands(size) * COMMAND_BYTES
        burst_words = (most + size - 2) // size + 1
        room = 2 * burst_words
        m.submodules.words = words = Queue(ReadWord(self.width), room)
        m.submodules.spans = spans = Queue(Span(size, most), 2)
        m.submodules.realign = realign = Realign(size, COMMAND_BYTES, most)
        wiring.connect(m, wiring.flipped(self.read_data), words.i)
        wiring.connect(m, words.o, realign.word)
        wiring.connect(m, spans.o, realign.span)

        left = Signal(32)  # commands to ask for
        coming = Signal(range(3 * most_commands(size) + 1))  # asked for, to hand on
        address = Signal(32)
        reserved = Signal(range(room + 1))  # places of the buffer that are, or will be, taken
        with m.If(self.run.valid & self.run.ready):
            m.d.sync += [
                left.eq(self.run.payload.count),
                address.eq(self.run.payload.address),
                self.fault_address.eq(self.run.payload.address),
            ]
        m.d.comb += [self.busy.eq((left != 0) | (coming != 0)), self.run.ready.eq(~self.busy)]
        count, asked = self._ask(m, spans, left, address, reserved <= room - burst_words)
        m.d.sync += reserved.eq(
            reserved + Mux(spans.i.valid, asked, 0) - (words.o.valid & words.o.ready)
        )
        handed = realign.chunk.valid & realign.chunk.ready
        m.d.sync += coming.eq(coming + Mux(spans.i.valid, count, 0) - handed)
        self._hand_on(m, realign.chunk, (left == 0) & (coming == 1))
        return m

    def _ask(self, m, spans, left, address, fits):
        """The next read request; returns how many commands and words it brings."""
        size = self.width // 8
        request = self.read_request
        burst = most_commands(size)
        count = Signal(range(burst + 1))
        length = Signal(range(burst * COMMAND_BYTES + 1))
        asked = Signal(range(burst * COMMAND_BYTES + 1))
        m.d.comb += [
            count.eq(Mux(left > burst, burst, left)),
            length.eq(count * COMMAND_BYTES),
            asked.eq((address % size + length + (size - 1)) // size),
            request.valid.eq((left != 0) & fits & spans.i.ready),
            request.payload.address.eq(address),
            request.payload.bytes.eq(length),
            spans.i.valid.eq(request.valid & request.ready),
            spans.i.payload.offset.eq(address % size),
            spans.i.payload.bytes.eq(length),
        ]
        with m.If(spans.i.valid):
            m.d.sync += [left.eq(left - count), address.eq(address + length)]
        return count, asked

    def _hand_on(self, m, chunk, last):
        word = chunk.payload.data
        broken = Signal()  # an error came: drop the rest
        wrong = Signal()
        m.d.comb += [
            wrong.eq(broken | chunk.payload.error),
            self.command.valid.eq(chunk.valid & ~wrong),
            self.command.payload.funct.eq(word[:7]),
            self.command.payload.rs1.eq(word[64:128]),
            self.command.payload.rs2.eq(word[128:192]),
            chunk.ready.eq(self.command.ready | wrong),
            self.fault.eq(chunk.valid & chunk.payload.error & ~broken),
        ]
        with m.If(chunk.valid & chunk.ready):
            m.d.sync += broken.eq(wrong & ~last)
