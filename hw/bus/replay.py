"""Command lists in memory, fetched without the core."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..control.ops import CommandLayout
from ..memory.port import ReadRequest, ReadWord
from .stream import Queue

COMMAND_BYTES = 24
"""A command in memory, little endian: funct and a spare word (4 bytes each), rs1, rs2 (8 each)."""

ALIGNED = 8
"""Bytes that a list's address is a multiple of."""

REQUEST_WORDS = 6
"""Words that one read request brings at most."""


def most_commands(size: int) -> int:
    """Commands that one read request brings at most on a bus of `size` bytes."""
    return REQUEST_WORDS * size // COMMAND_BYTES


class CommandList(data.StructLayout):
    """`count` commands, one after the other from byte `address` on."""

    def __init__(self):
        super().__init__({"address": 32, "count": 32})


class Replay(wiring.Component):
    """Reads a list of commands and hands them on in order.

    It asks only for what its own buffer can take, so that words for others never wait behind it.
    A list's first request ends where a word does, and so do all but its last; words are then taken
    apart in pieces of 8 bytes, or 4 on a bus of 32 bits. When a word comes with an error the rest
    of the list is dropped; a list that is not `ALIGNED` is not read at all.

    Rate: a command in three cycles on an idle memory, in six on a bus of 32 bits.

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
        room = 2 * REQUEST_WORDS
        m.submodules.words = words = Queue(ReadWord(self.width), room)
        wiring.connect(m, wiring.flipped(self.read_data), words.i)

        left = Signal(32)  # commands to ask for
        coming = Signal(range(3 * most_commands(size) + 1))  # asked for, to hand on
        address = Signal(32)
        reserved = Signal(range(room + 1))  # places of the buffer that are, or will be, taken
        start = self.run.payload
        misaligned, begins = Signal(), Signal()  # a list is not aligned; one that is begins
        m.d.comb += begins.eq(self.run.valid & self.run.ready & (start.address % ALIGNED == 0))
        m.d.sync += misaligned.eq(self.run.valid & self.run.ready & ~begins)
        with m.If(self.run.valid & self.run.ready):
            m.d.sync += self.fault_address.eq(start.address)
        with m.If(begins):
            m.d.sync += [left.eq(start.count), address.eq(start.address)]
        m.d.comb += [self.busy.eq((left != 0) | (coming != 0)), self.run.ready.eq(~self.busy)]
        count, asked = self._ask(m, left, address, reserved <= room - REQUEST_WORDS)
        takes = self.read_request.valid & self.read_request.ready
        m.d.sync += reserved.eq(reserved + Mux(takes, asked, 0) - (words.o.valid & words.o.ready))
        handed = self._hand_on(m, words.o, begins, (left == 0) & (coming == 1), misaligned)
        m.d.sync += coming.eq(coming + Mux(takes, count, 0) - handed)
        return m

    def _ask(self, m, left, address, fits):
        """The next read request; returns how many commands and words it brings."""
        size = self.width // 8
        request = self.read_request
        burst = most_commands(size)
        count, most = Signal(range(burst + 1)), Signal(range(burst + 1))
        length = Signal(range(burst * COMMAND_BYTES + 1))
        asked = Signal(range(REQUEST_WORDS + 1))
        to_boundary = (address % size) // ALIGNED  # as many commands end with a word
        m.d.comb += [
            most.eq(Mux(to_boundary == 0, burst, to_boundary)),
            count.eq(Mux(left > most, most, left)),
            length.eq(count * COMMAND_BYTES),
            asked.eq((address % size + length + (size - 1)) // size),
            request.valid.eq((left != 0) & fits),
            request.payload.address.eq(address),
            request.payload.bytes.eq(length),
        ]
        with m.If(request.valid & request.ready):
            m.d.sync += [left.eq(left - count), address.eq(address + length)]
        return count, asked

    def _hand_on(self, m, word, begins, last, misaligned):
        """Commands from the pieces of words; returns whether one is handed on."""
        size = self.width // 8
        unit = min(size, ALIGNED)
        lanes, pieces = size // unit, COMMAND_BYTES // unit
        lane, number = Signal(range(lanes)), Signal(range(pieces))
        kept = [Signal(8 * unit, name=f"piece{n}") for n in range(pieces - 1)]
        piece, whole = word.p.data.word_select(lane, 8 * unit), number == pieces - 1
        broken = Signal()  # an error came: drop the rest
        wrong = broken | word.p.error
        command = Cat(*kept, piece)
        moves, hands = Signal(), Signal()
        m.d.comb += [
            self.command.valid.eq(word.valid & whole & ~wrong),
            self.command.payload.funct.eq(command[:7]),
            self.command.payload.rs1.eq(command[64:128]),
            self.command.payload.rs2.eq(command[128:192]),
            moves.eq(word.valid & (~whole | self.command.ready | wrong)),
            hands.eq(moves & whole),
            word.ready.eq(moves & ((lane == lanes - 1) | (whole & last))),
            self.fault.eq(misaligned | (moves & word.p.error & ~broken)),
        ]
        with m.If(moves):
            m.d.sync += [
                number.eq(Mux(whole, 0, number + 1)),
                lane.eq(lane + 1),
                broken.eq(wrong & ~(whole & last)),
            ]
            for n, register in enumerate(kept):
                with m.If(number == n):
                    m.d.sync += register.eq(piece)
        with m.If(begins):
            m.d.sync += lane.eq(self.run.payload.address[unit.bit_length() - 1 :])
        return hands
