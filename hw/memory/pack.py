"""Byte chunks of memory rows become aligned bus words."""

from amaranth.hdl import Cat, Const, Module, Mux, ShapeLike, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .port import ADDRESS_BITS, WriteRequest


class Chunk(data.StructLayout):
    """The next `bytes` (1 to `size`) of a memory row; data beyond them are 0.

    `first` and `last` mark the ends of a memory row; its byte address comes with the first chunk,
    the tag with the last.
    """

    def __init__(self, size: int, tag_shape: ShapeLike):
        super().__init__(
            {
                "data": size * 8,
                "bytes": range(size + 1),
                "first": 1,
                "last": 1,
                "address": ADDRESS_BITS,
                "tag": tag_shape,
            }
        )


class PackedWord(data.StructLayout):
    """A write of one bus word; `last` marks the last word of a memory row, where `tag` counts."""

    def __init__(self, bus_bytes: int, tag_shape: ShapeLike):
        super().__init__({"request": WriteRequest(bus_bytes * 8), "last": 1, "tag": tag_shape})


class Pack(wiring.Component):
    """Shifts the bytes of memory rows into place and cuts them into words with masks.

    Every memory row starts a new word, and only its own bytes are in the masks. Aligned rows of
    whole words leave at one chunk or one word per cycle, whichever is narrower; unaligned ones at
    one word per cycle if chunks are at least as wide as words. Latency 1.

    ::

                 ┌────────┐  position   ┌────┐ low word       ┌───┐
        chunk ──>│ shift  │────────────>│ or │───────────────>│reg│──> word
                 └────────┘             └────┘─ rest ─┐       └───┘
                                          ^           v         ^
                                          └──────── buffer ─────┘ words still to drain

    Parameters
    ----------
    chunk_bytes : int
        1 to 128.
    bus_bytes : int
        4, 8, 16 or 32.
    tag_shape : ShapeLike

    Members
    -------
    i : In(stream(Chunk))
    o : Out(stream(PackedWord))
    """

    def __init__(self, chunk_bytes: int, bus_bytes: int, tag_shape: ShapeLike = 0):
        self.chunk_bytes = chunk_bytes
        self.bus_bytes = bus_bytes
        self.tag_shape = tag_shape
        super().__init__(
            {
                "i": In(stream.Signature(Chunk(chunk_bytes, tag_shape))),
                "o": Out(stream.Signature(PackedWord(bus_bytes, tag_shape))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        word, chunk, out = self.bus_bytes, self.i.payload, self.o.payload
        most = self.chunk_bytes + word - 1
        state = data.StructLayout(
            {
                "count": range(most + 1),  # valid bytes, those below the row's start included
                "skip": range(word),  # bytes below the row's start
                "ending": 1,  # the last chunk is inside
                "tag": self.tag_shape,
            }
        )
        kept, taken, next_kept = Signal(state), Signal(state), Signal(state)
        source, after = Signal(state), Signal(state)
        draining, final, done = Signal(), Signal(), Signal()
        room, take, emit, fresh = Signal(), Signal(), Signal(), Signal()
        position = Signal(range(word))
        m.d.comb += [
            room.eq(self.o.ready | ~self.o.valid),
            self.i.ready.eq(room & (~draining | final)),
            take.eq(self.i.valid & self.i.ready),
            fresh.eq(emit & ~draining),  # the word's last bytes come with this chunk
            position.eq(Mux(chunk.first, chunk.address, kept.count)),
            taken.count.eq(position + chunk.bytes),
            taken.skip.eq(Mux(chunk.first, chunk.address, kept.skip)),
            taken.ending.eq(chunk.last),
            taken.tag.eq(chunk.tag),
            source.eq(Mux(draining, kept, taken)),
            done.eq(source.ending & (source.count <= word)),
            emit.eq(draining | (take & (taken.ending | (taken.count >= word)))),
            after.eq(source),
            after.count.eq(Mux(done, 0, source.count - word)),
            after.skip.eq(0),
            after.ending.eq(source.ending & ~done),
            next_kept.eq(Mux(emit & ~(draining & take), after, Mux(take, taken, kept))),
        ]
        mask = [(n >= source.skip) & (n < source.count) for n in range(word)]
        with m.If(room):
            m.d.sync += [
                self.o.valid.eq(emit),
                *(out.request.mask[n].eq(bit) for n, bit in enumerate(mask)),
                out.last.eq(done),
                out.tag.eq(source.tag),
                kept.eq(next_kept),
                draining.eq(next_kept.ending | (next_kept.count >= word)),
                final.eq(next_kept.ending & (next_kept.count <= word)),
            ]
        self._address(m, room, take & chunk.first, emit, fresh, draining)
        self._bytes(m, room, position, take, fresh, draining)
        return m

    def _address(self, m: Module, room, begins, emit, fresh, draining):
        """The address of the word that leaves: the row's, and a word more after each."""
        low = (self.bus_bytes - 1).bit_length()
        kept = Signal(ADDRESS_BITS - low)  # of the row's last word that left, or of its first
        started = Signal()  # one has left
        now = Signal.like(kept)
        start = self.i.payload.address[low:]
        m.d.comb += now.eq(kept + started)
        with m.If(room):
            m.d.sync += self.o.payload.request.address.eq(
                Cat(Const(0, low), Mux(begins & ~draining, start, now))
            )
        with m.If(begins):
            m.d.sync += [kept.eq(start), started.eq(fresh)]
        with m.Elif(room & emit):
            m.d.sync += [kept.eq(now), started.eq(1)]

    def _bytes(self, m: Module, room, position, take, fresh, draining):
        """The bytes of words: a chunk is turned to its place in a word; what lies below its
        position belongs to the next word. Bytes outside the masks mean nothing."""
        word = self.bus_bytes
        words = -(-self.chunk_bytes // word)  # of a chunk at the start of a word
        turned = [self._turned(m, position, n) for n in range(words)]
        kept = [Signal(word * 8, name=f"kept{n}") for n in range(words + 1)]
        data = self.o.payload.request.data
        for lane in range(word):
            old, new = ([part.word_select(lane, 8) for part in parts] for parts in (kept, turned))
            above = Signal(name=f"above{lane}")  # in the same word as the chunk's first byte
            m.d.comb += above.eq(lane >= position)
            with m.If(room):
                m.d.sync += data.word_select(lane, 8).eq(Mux(above & ~draining, new[0], old[0]))
            for n, byte in enumerate(old):
                if n < words:
                    with m.If(take & fresh):
                        m.d.sync += byte.eq(Mux(above, new[min(n + 1, words - 1)], new[n]))
                    with m.Elif(take & above):
                        m.d.sync += byte.eq(new[n])
                    with m.Elif(room & draining & ~take):
                        m.d.sync += byte.eq(old[n + 1])
                if n > 0:
                    with m.If(take & ~fresh & ~above):
                        m.d.sync += byte.eq(new[n - 1])

    def _turned(self, m: Module, position, n: int):
        """Bytes of the chunk's word `n`, rotated up by `position`."""
        size = self.bus_bytes * 8
        bits = Signal(size, name=f"turned{n}")
        m.d.comb += bits.eq(self.i.payload.data[n * size : (n + 1) * size])
        for step in range(len(position)):
            stage = Signal(size, name=f"turned{n}_{1 << step}")
            m.d.comb += stage.eq(Mux(position[step], bits.rotate_left(8 << step), bits))
            bits = stage
        return bits
