"""The maximum over the windows of max-pooling."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..arith.order import order_key
from ..config import Config
from ..memory.pack import Chunk
from .store_chunks import ChunkTag, RowTag, chunk_bytes


class PoolMax(wiring.Component):
    """Chunks of pooled rows become one chunk per window; all others pass.

    Pooled rows pass at one per cycle; a window leaves two cycles after its last tap. Other chunks
    pass in the same cycle, when no pooled row is under way.

    ::

        tap ─> max ─> column ─┬─────────> max ─> window ──> o
                ^       │     │            ^
                └───────┘     └─> max ─> columns before

    Members
    -------
    i : In(stream(Chunk))
        Elements that do not count are 0; so are taps outside the image.
    o : Out(stream(Chunk))
    """

    def __init__(self, config: Config):
        self.config = config
        size = chunk_bytes(config)
        super().__init__(
            {
                "i": In(stream.Signature(Chunk(size, ChunkTag(config)))),
                "o": Out(stream.Signature(Chunk(size, RowTag(config)))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, i = self.config, self.i.payload
        bits = config.dim * max(config.input.width, config.output.width)
        shape = data.StructLayout(
            {"row": bits, "output": 1, "bytes": len(i.bytes), "end": 1, "address": len(i.address)}
        )
        tap = i.tag.tap
        column, window = Signal(shape), Signal(shape)
        reach = Signal.like(tap)  # of the tap that completed `column`
        before, two_before = Signal(bits), Signal(bits)  # maximum of one and of two columns
        has_column, has_window = Signal(), Signal()
        room, idle = Signal(), Signal()
        m.d.comb += [
            idle.eq(~has_column & ~has_window),
            room.eq(self.o.ready | ~has_window),
            self.i.ready.eq(Mux(tap.pooled, room, self.o.ready & idle)),
        ]
        highest = Signal(bits)  # of the column and those before it that the window covers
        both = Signal(bits)
        m.d.comb += [
            both.eq(self._max(column.row, before, column.output)),
            highest.eq(column.row),
        ]
        with m.Switch(reach.size):
            with m.Case(2):
                m.d.comb += highest.eq(both)
            with m.Case(3):
                m.d.comb += highest.eq(self._max(column.row, two_before, column.output))
        with m.If(room):
            m.d.sync += [has_column.eq(0), has_window.eq(has_column & reach.emit)]
            m.d.sync += [window.eq(column), window.row.eq(highest)]
            with m.If(has_column & reach.last):
                m.d.sync += [before.eq(column.row), two_before.eq(both)]
            with m.If(self.i.valid & tap.pooled):
                m.d.sync += [
                    has_column.eq(1),
                    reach.eq(tap),
                    column.output.eq(i.tag.output),
                    column.bytes.eq(i.bytes),
                    column.end.eq(i.tag.end),
                    column.address.eq(i.address),
                    column.row.eq(
                        Mux(tap.first, i.data, self._max(i.data, column.row, column.output))
                    ),
                ]
        self._leave(m, window, has_window, idle)
        return m

    def _max(self, a, b, output):
        """Element by element, in the order of the input's or of the `output`'s format."""
        formats = self.config.input, self.config.output
        if formats[0].width != formats[1].width:
            inputs, outputs = (self._highest(a, b, (fmt, fmt), 0) for fmt in formats)
            return Mux(output, outputs, inputs)
        return self._highest(a, b, formats, output)

    def _highest(self, a, b, formats, output):
        """The same for formats of one width."""
        width, out = formats[0].width, []
        for lane in range(self.config.dim):
            x, y = (bits[lane * width : (lane + 1) * width] for bits in (a, b))
            keys = [order_key(formats[0], bits) for bits in (x, y)]
            if formats[0] != formats[1]:
                others = [order_key(formats[1], bits) for bits in (x, y)]
                keys = [Mux(output, k, key) for k, key in zip(others, keys, strict=True)]
            out.append(Mux(keys[0] > keys[1], x, y))
        return Cat(out)

    def _leave(self, m: Module, window, has_window, idle):
        """Windows first; whatever else stands at the input when nothing is inside."""
        i, o = self.i.payload, self.o.payload
        m.d.comb += self.o.valid.eq(has_window | (self.i.valid & ~i.tag.tap.pooled & idle))
        with m.If(has_window):
            m.d.comb += [
                o.data.eq(window.row),
                o.bytes.eq(window.bytes),
                o.first.eq(1),
                o.last.eq(1),
                o.address.eq(window.address),
                o.tag.end.eq(window.end),
            ]
        with m.Else():
            names = ("data", "bytes", "first", "last", "address")
            m.d.comb += [o[name].eq(i[name]) for name in names]
            m.d.comb += [o.tag[name].eq(i.tag[name]) for name in RowTag(self.config).members]
