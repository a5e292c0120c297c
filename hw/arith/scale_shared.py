"""The scaling of a row through fewer lanes than the row has."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring

from ..formats import Format
from .row import row_ports
from .scale import ScaleRow


class SharedScaleRow(wiring.Component):
    """What :class:`.scale.ScaleRow` does, in `beats` cycles per row.

    ``ceil(lanes / cycles)`` lanes are built and a row passes them in as many beats as it needs
    (`cycles`, fewer if the last ones would be empty). One row every `beats` cycles; `latency`
    cycles from `i` to `o` while nothing stalls. The row at `i` is taken with its last beat.

    ::

        i ──> part of the row ──> ScaleRow ──> parts so far ──> o

    Parameters
    ----------
    lanes : int
    cycles : int
        At least 2.
    source, target : Format
    tag_shape : ShapeLike

    Members
    -------
    i : In(stream({values, scale, relu, tag}))
    o : Out(stream({values, tag}))
    """

    def __init__(self, lanes: int, cycles: int, source: Format, target: Format, tag_shape):
        self.lanes = lanes
        self.width = -(-lanes // cycles)
        self.beats = -(-lanes // self.width)
        self.target = target
        self.narrow = ScaleRow(self.width, source, target, tag_shape)
        super().__init__(row_ports(lanes, source, target, tag_shape, scaled=True))

    @property
    def latency(self) -> int:
        """Cycles from `i` to `o`."""
        return self.narrow.latency + self.beats - 1

    def elaborate(self, platform):
        m = Module()
        m.submodules.narrow = narrow = self.narrow
        i, o, beats = self.i.payload, self.o.payload, self.beats
        part, ready_parts = Signal(range(beats)), Signal(range(beats))
        last, complete = Signal(), Signal()
        size = len(narrow.i.payload.values.as_value())
        out = narrow.o.payload.values.as_value()
        kept = [Signal(len(out), name=f"kept{n}") for n in range(beats - 1)]
        values = Signal(size * beats)
        m.d.comb += [
            last.eq(part == beats - 1),
            complete.eq(ready_parts == beats - 1),
            values.eq(i.values.as_value()),
            narrow.i.valid.eq(self.i.valid),
            narrow.i.payload.values.eq(values.word_select(part, size)),
            narrow.i.payload.scale.eq(i.scale),
            narrow.i.payload.relu.eq(i.relu),
            narrow.i.payload.tag.eq(i.tag),
            self.i.ready.eq(narrow.i.ready & last),
            self.o.valid.eq(narrow.o.valid & complete),
            narrow.o.ready.eq(self.o.ready | ~complete),
            o.values.eq(Cat(*kept, out)),
            o.tag.eq(narrow.o.payload.tag),
        ]
        with m.If(narrow.i.valid & narrow.i.ready):
            m.d.sync += part.eq(part + 1)
            with m.If(last):
                m.d.sync += part.eq(0)
        with m.If(narrow.o.valid & narrow.o.ready):
            m.d.sync += ready_parts.eq(ready_parts + 1)
            with m.If(complete):
                m.d.sync += ready_parts.eq(0)
            for n, register in enumerate(kept):
                with m.If(ready_parts == n):
                    m.d.sync += register.eq(out)
        return m
