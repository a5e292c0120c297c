"""A DRAM controller's port behind a memory port."""

from amaranth.hdl import Assert, Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..bus.stream import Buffer, HalfBuffer, Queue, Skid, behind
from .port import ADDRESS_BITS, MemoryPort, most_words, words_of

BEATS_IN_FLIGHT = 32
"""Beats asked for and not yet passed on: more than a controller takes to answer the first."""

WRITES_IN_FLIGHT = 16
"""Beats whose command the controller has, and whose data it has not fetched: likewise."""

TURN = 16
"""Words of one kind, reads or writes, while the other kind waits: a turn costs the bus cycles."""


class NativePort(wiring.Signature):
    """LiteDRAM's native port as its master sees it, `beat` bits a beat.

    Commands are carried out in order. The controller takes the data of a write some time after its
    command, and never waits for them: a beat must stand in `wdata` when it is ready. Nor does it
    wait with what was read: `rdata` is always taken.

    Members
    -------
    cmd : Out(stream(we, addr))
        `addr` counts beats.
    wdata : Out(stream(data, we))
        `we`: which bytes.
    rdata : In(stream(beat), always ready)
    """

    def __init__(self, beat: int, address_bits: int):
        command = data.StructLayout({"we": 1, "addr": address_bits})
        written = data.StructLayout({"data": beat, "we": beat // 8})
        super().__init__(
            {
                "cmd": Out(stream.Signature(command)),
                "wdata": Out(stream.Signature(written)),
                "rdata": In(stream.Signature(beat, always_ready=True)),
            }
        )


class Dram(wiring.Component):
    """A memory port of `width` bits in front of `size` bytes behind a native port of `beat` bits.

    Words are `width // beat` beats. Reads of following addresses do not wait for each other: a beat
    is asked for in every cycle in which the controller takes one and `BEATS_IN_FLIGHT` are not
    under way. Reads and writes take turns of at most `TURN` words while both wait. A write is
    acknowledged when its commands are on their way, which the controller carries out in order: a
    read taken not before that sees what was written. Words outside answer with an error, and are
    not written.

    A request's first command goes out two cycles after it was taken, for it stands in a buffer that
    the controller's ready does not pass; a word comes one cycle after its last beat.

    Members
    -------
    port : In(MemoryPort(width))
    native : Out(NativePort(beat, …))
    """

    def __init__(self, width: int, size: int, beat: int = 16):
        if width % beat or width <= beat or size % (width // 8):
            raise ValueError(
                f"Dram has words of {width} bits, beats of {beat} and {size} bytes; words are two "
                "beats or more, and memories whole words"
            )
        self.width = width
        self.beat = beat
        self.words = size // (width // 8)
        self.beats = width // beat
        bits = (size // (beat // 8) - 1).bit_length()
        super().__init__(
            {"port": In(MemoryPort(width)), "native": Out(NativePort(beat, bits))},
        )

    def elaborate(self, platform):
        m = Module()
        reads = behind(m, "read_requests", HalfBuffer, flipped(self.port.read_request))
        writes = behind(m, "write_requests", Buffer, flipped(self.port.write_request))
        m.submodules.commands = commands = Skid(self.native.cmd.p.shape())
        connect(m, commands.o, flipped(self.native.cmd))
        command = commands.i
        read, write = Signal(), Signal()  # a beat of that kind can be asked for
        reading, writing = Signal(), Signal()  # it is, and the controller takes it
        read_beat, write_beat = (Signal(range(self.beats), name=f"{k}_beat") for k in ("rd", "wr"))
        number = self._reads(m, reads, read, reading, read_beat)
        target = self._writes(m, writes, write, writing, write_beat)
        now = self._turns(m, command, read & (read_beat == 0), write & (write_beat == 0))
        m.d.comb += [
            command.valid.eq(Mux(now, write, read)),
            command.p.we.eq(now),
            command.p.addr.eq(Mux(now, Cat(write_beat, target), Cat(read_beat, number))),
            reading.eq(read & ~now & command.ready),
            writing.eq(write & now & command.ready),
        ]
        return m

    def _turns(self, m, command, read, write):
        """Whether it is the writes' turn; the inputs say that a word of that kind can begin."""
        last, held, words = Signal(), Signal(), Signal(range(TURN + 1))
        now = Signal()
        here, there = Mux(last, write, read), Mux(last, read, write)
        inside = Signal()  # a word has begun and is not complete
        m.d.comb += now.eq(last ^ (~held & ~inside & there & (~here | (words == TURN))))
        m.d.sync += held.eq(command.valid & ~command.ready)
        beat = command.p.addr[: (self.beats - 1).bit_length()]
        with m.If(command.valid):
            m.d.sync += last.eq(now)
            with m.If(now != last):
                m.d.sync += words.eq(0)
            with m.If(command.ready):
                m.d.sync += inside.eq(beat != self.beats - 1)
                with m.If((beat == 0) & ((now != last) | (words != TURN))):
                    m.d.sync += words.eq(Mux(now != last, 1, words + 1))
        return now

    def _reads(self, m, request, can, taken, beat):
        """Ask for the beats of requests, and make words of what comes; the next word's number."""
        shift = (self.width // 8 - 1).bit_length()
        depth = max(2, BEATS_IN_FLIGHT // self.beats)
        m.submodules.owed = owed = Queue(1, depth)  # words to answer; 1: with an error
        number, left = Signal(ADDRESS_BITS - shift), Signal(most_words(self.width))
        outside, passed = Signal(), Signal()
        m.d.comb += [
            outside.eq(number >= self.words),
            can.eq((left != 0) & ~outside & ((beat != 0) | owed.i.ready)),
            owed.i.p.eq(outside),
            owed.i.valid.eq((left != 0) & (outside | (taken & (beat == 0)))),
            passed.eq(Mux(outside, owed.i.valid & owed.i.ready, taken & (beat == self.beats - 1))),
            request.ready.eq((left == 0) | (passed & (left == 1))),
        ]
        with m.If(taken):
            m.d.sync += beat.eq(beat + 1)
        with m.If(passed):
            m.d.sync += [number.eq(number + 1), left.eq(left - 1)]
        with m.If(request.valid & request.ready):
            m.d.sync += number.eq(request.p.address >> shift)
            m.d.sync += left.eq(words_of(request.p, self.width))
        self._answers(m, owed, depth)
        return number[: (self.words - 1).bit_length()]

    def _answers(self, m, owed, depth):
        """Collect beats into words, for which `owed` has kept room."""
        m.submodules.answers = answers = Queue(self.width, depth)
        rest, have = Signal(self.width - self.beat), Signal(range(self.beats))
        incoming, word = self.native.rdata, self.port.read_data
        both = Cat(rest, incoming.p)
        m.d.comb += [
            answers.i.p.eq(both),
            answers.i.valid.eq(incoming.valid & (have == self.beats - 1)),
            word.p.data.eq(answers.o.p),
            word.p.error.eq(owed.o.p),
            word.valid.eq(owed.o.valid & (owed.o.p | answers.o.valid)),
            owed.o.ready.eq(word.valid & word.ready),
            answers.o.ready.eq(word.valid & word.ready & ~owed.o.p),
        ]
        m.d.sync += Assert(~answers.i.valid | answers.i.ready)
        with m.If(incoming.valid):
            m.d.sync += [rest.eq(both >> self.beat), have.eq(have + 1)]

    def _writes(self, m, request, can, taken, beat):
        """Ask for the writing of a request's beats, whose data wait in a queue; its word's
        number."""
        shift = (self.width // 8 - 1).bit_length()
        m.submodules.acks = acks = Skid(1)
        connect(m, acks.o, flipped(self.port.write_ack))
        ack = acks.i
        m.submodules.written = written = Queue(self.native.wdata.p.shape(), WRITES_IN_FLIGHT)
        number = request.p.address >> shift
        outside, passed, free = Signal(), Signal(), Signal()
        m.d.comb += [
            outside.eq(number >= self.words),
            free.eq(~ack.valid | ack.ready),
            can.eq(request.valid & ~outside & free & written.i.ready),
            written.i.valid.eq(taken),
            written.i.p.data.eq(request.p.data.word_select(beat, self.beat)),
            written.i.p.we.eq(request.p.mask.word_select(beat, self.beat // 8)),
            passed.eq(Mux(outside, request.valid & free, taken & (beat == self.beats - 1))),
            request.ready.eq(passed),
        ]
        connect(m, written.o, flipped(self.native.wdata))
        m.d.sync += Assert(~written.o.ready | written.o.valid)
        with m.If(taken):
            m.d.sync += beat.eq(beat + 1)
        with m.If(free):
            m.d.sync += [ack.valid.eq(passed), ack.payload.eq(outside)]
        return number[: (self.words - 1).bit_length()]
