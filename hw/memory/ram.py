"""On-chip memory behind a memory port."""

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In

from .collisions import NO_COLLISIONS, assert_no_collisions
from .port import ADDRESS_BITS, MemoryPort, most_words, words_of


class Ram(wiring.Component):
    """`words` words of `width` bits from address 0 in block RAM, at first `init` and zeros.

    One word is read and one written per cycle, a write to the word that is being read one later. A
    request's first word comes two cycles after it was taken, an acknowledgement one; a read taken
    not before the acknowledgement of a write sees what was written. Words outside answer with an
    error, and are not written.

    Members
    -------
    port : In(MemoryPort(width))
    """

    def __init__(self, width: int, words: int, init: Sequence[int] = ()):
        if words < max(1, len(init)):
            raise ValueError(f"Ram.words is {words}; it must be at least {max(1, len(init))}")
        self.width = width
        self.words = words
        self.init = list(init)
        super().__init__({"port": In(MemoryPort(width))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.storage = storage = memory.Memory(
            shape=self.width, depth=self.words, init=self.init, attrs=NO_COLLISIONS
        )
        read, write = storage.read_port(), storage.write_port(granularity=8)
        self._read(m, read)
        self._write(m, write, read)
        assert_no_collisions(m, [(read, write)])
        return m

    def _read(self, m, cells):
        shift = (self.width // 8 - 1).bit_length()
        request, word = self.port.read_request, self.port.read_data
        left = Signal(most_words(self.width))
        bits = min(max((self.words - 1).bit_length(), len(left)) + 1, ADDRESS_BITS - shift)
        number = Signal(bits)  # the next word; a request that begins inside does not pass its end
        outside = Signal()  # the request begins further out
        free = Signal()
        advance = Signal()
        m.d.comb += [
            advance.eq(~word.valid | word.ready),
            free.eq((left == 0) | (advance & (left == 1))),
            request.ready.eq(free),
            cells.addr.eq(number),
            cells.en.eq(advance & (left != 0)),
            word.p.data.eq(cells.data),
        ]
        with m.If(advance):
            m.d.sync += [
                word.valid.eq(left != 0),
                word.p.error.eq(outside | (number >= self.words)),
                number.eq(number + 1),
                left.eq(Mux(left == 0, 0, left - 1)),
            ]
        with m.If(request.valid & free):
            m.d.sync += [
                number.eq(request.p.address >> shift),
                outside.eq(request.p.address[shift + bits - 1 :].any()),
                left.eq(words_of(request.p, self.width)),
            ]

    def _write(self, m, cells, reading):
        shift = (self.width // 8 - 1).bit_length()
        request, ack = self.port.write_request, self.port.write_ack
        number = request.p.address >> shift
        inside = Signal()
        take = Signal()
        free = Signal()
        m.d.comb += [
            inside.eq(number < self.words),
            free.eq(~ack.valid | ack.ready),
            request.ready.eq(free & ~(reading.en & (reading.addr == cells.addr))),
            take.eq(request.valid & request.ready),
            cells.addr.eq(number),
            cells.data.eq(request.p.data),
            cells.en.eq(Mux(take & inside, request.p.mask, 0)),
        ]
        with m.If(free):
            m.d.sync += [ack.valid.eq(take), ack.payload.eq(~inside)]
