"""Byte chunks of memory rows become aligned bus words."""

from amaranth.hdl import Module, Mux, ShapeLike, Signal
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
                "bytes": most * 8,
                "count": range(most + 1),  # valid bytes, those below the row's start included
                "skip": range(word),  # bytes below the row's start
                "address": ADDRESS_BITS,
                "ending": 1,  # the last chunk is inside
                "tag": self.tag_shape,
            }
        )
        kept, taken, next_kept = Signal(state), Signal(state), Signal(state)
        draining, final = Signal(), Signal()
        room, take, emit = Signal(), Signal(), Signal()
        m.d.comb += [
            room.eq(self.o.ready | ~self.o.valid),
            self.i.ready.eq(room & (~draining | final)),
            take.eq(self.i.valid & self.i.ready),
        ]
        self._merge(m, chunk, kept, taken)
        source, after = Signal(state), Signal(state)
        done = Signal()
        m.d.comb += [
            source.eq(Mux(draining, kept, taken)),
            done.eq(source.ending & (source.count <= word)),
            emit.eq(draining | (take & (taken.ending | (taken.count >= word)))),
            after.eq(source),
            after.bytes.eq(source.bytes >> word * 8),
            after.count.eq(Mux(done, 0, source.count - word)),
            after.skip.eq(0),
            after.address.eq(source.address + word),
            after.ending.eq(source.ending & ~done),
            next_kept.eq(Mux(emit & ~(draining & take), after, Mux(take, taken, kept))),
        ]
        mask = [(n >= source.skip) & (n < source.count) for n in range(word)]
        with m.If(room):
            m.d.sync += [
                self.o.valid.eq(emit),
                out.request.address.eq(source.address),
                out.request.data.eq(source.bytes),
                *(out.request.mask[n].eq(bit) for n, bit in enumerate(mask)),
                out.last.eq(done),
                out.tag.eq(source.tag),
                kept.eq(next_kept),
                draining.eq(next_kept.ending | (next_kept.count >= word)),
                final.eq(next_kept.ending & (next_kept.count <= word)),
            ]
        return m

    def _merge(self, m: Module, chunk, kept, taken):
        """`taken`: the buffer with the chunk behind it, or the chunk at its offset in a word."""
        low = (self.bus_bytes - 1).bit_length()
        position = Signal(range(self.bus_bytes))
        first = chunk.first
        offset = chunk.address[:low]
        m.d.comb += [
            position.eq(Mux(first, offset, kept.count)),
            taken.bytes.eq((chunk.data << (position << 3)) | Mux(first, 0, kept.bytes)),
            taken.count.eq(position + chunk.bytes),
            taken.skip.eq(Mux(first, offset, kept.skip)),
            taken.address.eq(Mux(first, (chunk.address >> low) << low, kept.address)),
            taken.ending.eq(chunk.last),
            taken.tag.eq(chunk.tag),
        ]
