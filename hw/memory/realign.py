"""Cuts memory rows, wherever they start, out of bus words."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .port import ReadWord


class Span(data.StructLayout):
    """Where a memory row lies: `offset` of its first byte in its first word, length in bytes.

    Its first byte becomes byte `start` (below `starts`) of its first chunk.
    """

    def __init__(self, bus_bytes: int, max_bytes: int, starts: int = 1):
        super().__init__(
            {"offset": range(bus_bytes), "bytes": range(max_bytes + 1), "start": range(starts)}
        )


class Chunk(data.StructLayout):
    """Bytes of a memory row; `last` ends it.

    The first chunk has them from the row's start, the last one up to `bytes`; the rest is zero.
    With `error`, a word that this chunk needed was wrong and its data mean nothing.
    """

    def __init__(self, chunk_bytes: int):
        super().__init__(
            {"data": 8 * chunk_bytes, "bytes": range(chunk_bytes + 1), "last": 1, "error": 1}
        )


class Placed(data.StructLayout):
    """A word on its way into the buffer: rotated, with the bytes and chunks that it touches.

    `bytes` more are in the buffer then, those before the row's start among them.
    """

    def __init__(self, bus_bytes: int, chunk_bytes: int, starts: int):
        window = chunk_bytes - 1 + bus_bytes
        super().__init__(
            {
                "data": 8 * bus_bytes,
                "mask": window,
                "bytes": range((bus_bytes if starts == 1 else window) + 1),
                "errors": -(-window // chunk_bytes),
                "last": 1,
            }
        )


class Place(wiring.Component):
    """First half of :class:`Realign`: rotates each word to where the open chunk goes on.

    Members
    -------
    span : In(stream(Span))
        Taken with the last word of its row.
    word : In(stream(ReadWord))
    o : Out(stream(Placed))
        Byte i of the buffer takes byte ``i mod bus_bytes`` where its mask bit is set.
    """

    def __init__(self, bus_bytes: int, chunk_bytes: int, max_bytes: int, starts: int):
        self.bus_bytes = bus_bytes
        self.chunk_bytes = chunk_bytes
        self.max_bytes = max_bytes
        super().__init__(
            {
                "span": In(stream.Signature(Span(bus_bytes, max_bytes, starts))),
                "word": In(stream.Signature(ReadWord(8 * bus_bytes))),
                "o": Out(stream.Signature(Placed(bus_bytes, chunk_bytes, starts))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        size, chunk = self.bus_bytes, self.chunk_bytes
        span, word, placed = self.span.p, self.word.p, self.o.p

        begun = Signal()  # the row's first word is behind us
        left = Signal(range(self.max_bytes + 1))  # bytes of the row still to come, once begun
        at = Signal(range(chunk))  # where the next word goes in the open chunk, once begun
        turn = Signal(range(size))  # how far to rotate left
        count = Signal(range(size + 1))  # bytes of the row in this word
        start = Signal(range(chunk))
        end = Signal(range(chunk + size))
        last = Signal()
        remain = Signal(range(self.max_bytes + 1))
        room = Signal(range(size + 1))  # bytes of this word at or after its first useful one
        m.d.comb += [
            remain.eq(Mux(begun, left, span.bytes)),
            room.eq(Mux(begun, size, size - span.offset)),
            last.eq(remain <= room),
            count.eq(Mux(last, remain, room)),
            start.eq(Mux(begun, at, span.start)),
            end.eq(start + count),
            turn.eq(Mux(begun, at, size - span.offset + span.start)),
        ]
        mask = Cat((start <= i) & (end > i) for i in range(chunk - 1 + size))
        touched = range(0, chunk - 1 + size, chunk)
        errors = Cat((start < base + chunk) & (end > base) for base in touched)

        take = Signal()
        m.d.comb += [
            take.eq(self.word.valid & self.span.valid & (~self.o.valid | self.o.ready)),
            self.word.ready.eq(self.span.valid & (~self.o.valid | self.o.ready)),
            self.span.ready.eq(take & last),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(take):
            m.d.sync += [
                self.o.valid.eq(1),
                placed.data.eq(self._rotate(m, word.data, turn)),
                placed.mask.eq(mask),
                placed.bytes.eq(Mux(begun, count, count + span.start)),
                placed.errors.eq(Mux(word.error, errors, 0)),
                placed.last.eq(last),
                begun.eq(~last),
                left.eq(remain - room),
                at.eq(self._advance(m, begun, start, span.offset)),
            ]
        return m

    def _rotate(self, m, word, turn):
        """`word` rotated left by `turn` bytes (the bus is a power of two wide)."""
        for step in range(len(turn)):
            stage = Signal(len(word), name=f"rotated_{1 << step}")
            m.d.comb += stage.eq(Mux(turn[step], word.rotate_left(8 << step), word))
            word = stage
        return word

    def _advance(self, m, begun, start, offset):
        """Place of the next word, modulo the chunk."""
        size, chunk = self.bus_bytes, self.chunk_bytes
        step = Signal(range(chunk), name="step")
        beyond = Signal(range(2 * chunk), name="beyond")
        m.d.comb += [step.eq(size % chunk), beyond.eq(start + step)]
        with m.If(~begun), m.Switch(offset):
            for value in range(size):
                with m.Case(value):
                    m.d.comb += step.eq((size - value) % chunk)
        return Mux(beyond >= chunk, beyond - chunk, beyond)


class Realign(wiring.Component):
    """Bus words to chunks of memory rows, whatever their alignment.

    Words are rotated once, on their way into a buffer of ``chunk_bytes - 1 + bus_bytes`` bytes that
    leaves by its low end::

        word ─► rotate ─►[ placed ]─► merge ─►[ . . . . | open chunk ]─► chunk
                 span: offset, length          ◄──── shift by a chunk

    Rate: one word or one chunk per cycle, whichever is narrower, also from one memory row to the
    next; a row whose last word brings more than a chunk keeps the next row waiting meanwhile.
    Latency: two cycles from a chunk's last word.

    Parameters
    ----------
    bus_bytes : 4, 8, 16, 32 (any power of two)
    chunk_bytes : 1 to 128
    max_bytes : longest memory row
    starts : 1, or up to chunk_bytes: rows may begin at byte `starts` - 1 of their first chunk

    Members
    -------
    span : In(stream(Span))
        One per memory row, `bytes` at least 1; stands until the row's last word is taken.
    word : In(stream(ReadWord))
        The words that cover the row, as the memory port answers.
    chunk : Out(stream(Chunk))
    """

    def __init__(self, bus_bytes: int, chunk_bytes: int, max_bytes: int = 128, starts: int = 1):
        if bus_bytes < 2 or bus_bytes & (bus_bytes - 1):
            raise ValueError(f"Realign.bus_bytes is {bus_bytes}; it must be a power of two above 1")
        if not 1 <= chunk_bytes <= 128:
            raise ValueError(f"Realign.chunk_bytes is {chunk_bytes}; it must be from 1 to 128")
        self.bus_bytes = bus_bytes
        self.chunk_bytes = chunk_bytes
        self.max_bytes = max_bytes
        self.starts = starts
        super().__init__(
            {
                "span": In(stream.Signature(Span(bus_bytes, max_bytes, starts))),
                "word": In(stream.Signature(ReadWord(8 * bus_bytes))),
                "chunk": Out(stream.Signature(Chunk(chunk_bytes))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        size, chunk = self.bus_bytes, self.chunk_bytes
        window = chunk - 1 + size
        m.submodules.place = place = Place(size, chunk, self.max_bytes, self.starts)
        wiring.connect(m, wiring.flipped(self.span), place.span)
        wiring.connect(m, wiring.flipped(self.word), place.word)
        placed = place.o.p

        held = Signal(8 * window)
        errors = Signal(-(-window // chunk))
        level = Signal(range(window + 1))  # bytes held, all of one memory row
        whole = Signal()  # the row's last byte is among them
        leave = Signal()
        kept = Signal(8 * window)
        kept_errors = Signal.like(errors)
        kept_level = Signal.like(level)
        full = Signal()
        m.d.comb += [
            full.eq(level >= chunk),
            self.chunk.valid.eq(full | whole),
            self.chunk.p.data.eq(held),
            self.chunk.p.bytes.eq(Mux(full, chunk, level)),
            self.chunk.p.last.eq(whole & (level <= chunk)),
            self.chunk.p.error.eq(errors[0]),
            leave.eq(self.chunk.valid & self.chunk.ready),
            kept.eq(Mux(leave, held >> 8 * chunk, held)),
            kept_errors.eq(Mux(leave, errors >> 1, errors)),
            kept_level.eq(Mux(leave, Mux(full, level - chunk, 0), level)),
        ]
        ends = Signal()  # what remains is less than a chunk, and the row is not at its end
        m.d.comb += [
            ends.eq(Mux(whole, level <= chunk, level < 2 * chunk)),
            place.o.ready.eq(~self.chunk.valid | (self.chunk.ready & ends)),
        ]
        m.d.sync += [
            held.eq(kept),
            errors.eq(kept_errors),
            level.eq(kept_level),
            whole.eq(whole & ~(leave & self.chunk.p.last)),
        ]
        with m.If(place.o.valid & place.o.ready):
            merged = [
                Mux(placed.mask[i], placed.data.word_select(i % size, 8), kept.word_select(i, 8))
                for i in range(window)
            ]
            m.d.sync += [
                held.eq(Cat(merged)),
                errors.eq(kept_errors | placed.errors),
                level.eq(kept_level + placed.bytes),
                whole.eq(placed.last),
            ]
        return m
