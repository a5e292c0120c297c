"""Stream helpers: the queue and the buffers that every boundary uses.

Streams are Amaranth's: a payload stands until it is taken, and valid never waits for ready.
Payloads in buffers have no reset: what is not valid means nothing.
"""

from amaranth.hdl import Cat, Module, ShapeLike, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..register import data_register


class Queue(wiring.Component):
    """FIFO of `depth` payloads; one in and one out per cycle, one cycle from in to out.

    Members
    -------
    i : In(stream(shape))
    o : Out(stream(shape))
    level : Out(range(depth + 1))
        Payloads inside.
    """

    def __init__(self, shape: ShapeLike, depth: int):
        self.shape = shape
        self.depth = depth
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(shape)),
                "level": Out(range(depth + 1)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        bits = Signal(self.shape).as_value() if not isinstance(self.shape, int) else None
        width = len(bits) if bits is not None else self.shape
        m.submodules.fifo = queue = fifo.SyncFIFO(width=width, depth=self.depth)
        payload = self.i.payload
        flat = payload.as_value() if hasattr(payload, "as_value") else payload
        out = self.o.payload
        out_flat = out.as_value() if hasattr(out, "as_value") else out
        m.d.comb += [
            queue.w_data.eq(flat),
            queue.w_en.eq(self.i.valid),
            self.i.ready.eq(queue.w_rdy),
            out_flat.eq(queue.r_data),
            self.o.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.o.ready),
            self.level.eq(queue.level),
        ]
        return m


class QuickQueue(wiring.Component):
    """A :class:`Queue`, of a power of two payloads, whose valid and ready come from registers: for
    short paths on both sides.

    Members
    -------
    i : In(stream(shape))
    o : Out(stream(shape))
    """

    def __init__(self, shape: ShapeLike, depth: int):
        if depth & (depth - 1):
            raise ValueError(f"depth is {depth}; it must be a power of two")
        self.shape = shape
        self.depth = depth
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.store = store = Memory(shape=self.shape, depth=self.depth, init=[])
        write, read = store.write_port(), store.read_port(domain="comb")
        produce = Signal(range(self.depth))
        consume = Signal(range(self.depth))
        level = Signal(self.depth)  # as many of the low bits are set as payloads are inside
        put, take = self.i.valid & self.i.ready, self.o.valid & self.o.ready
        m.d.comb += [
            self.i.ready.eq(~level[-1]),
            self.o.valid.eq(level[0]),
            write.en.eq(put),
            write.addr.eq(produce),
            read.addr.eq(consume),
            write.data.eq(self.i.payload),
            self.o.payload.eq(read.data),
        ]
        m.d.sync += [produce.eq(produce + put), consume.eq(consume + take)]
        with m.If(put & ~take):
            m.d.sync += level.eq(Cat(1, level))
        with m.Elif(take & ~put):
            m.d.sync += level.eq(level >> 1)
        return m


class _Between(wiring.Component):
    """What takes payloads of a `shape` and hands on the same."""

    def __init__(self, shape: ShapeLike):
        self.shape = shape
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})


class Buffer(_Between):
    """Two-place buffer that cuts every path between its sides; full rate, latency 1.

    Members
    -------
    i : In(stream(shape))
    o : Out(stream(shape))
    """

    def elaborate(self, platform):
        m = Module()
        self.kept = kept = data_register(m, self.o.payload)
        spare = Signal(self.shape, reset_less=True)
        spare_valid = Signal()
        m.d.comb += self.i.ready.eq(~spare_valid)
        with m.If(self.o.ready | ~self.o.valid):
            m.d.sync += [
                self.o.valid.eq(self.i.valid | spare_valid),
                kept.eq(self.i.payload),
                spare_valid.eq(0),
            ]
            with m.If(spare_valid):
                m.d.sync += kept.eq(spare)
        with m.Elif(self.i.valid):
            m.d.sync += spare_valid.eq(1)
        with m.If(~spare_valid):  # whether needed or not: ready does not lie on its enable
            m.d.sync += spare.eq(self.i.payload)
        return m


class HalfBuffer(_Between):
    """One-place buffer that cuts every path between its sides; a payload every other cycle,
    latency 1.

    Half of a :class:`Buffer`'s flip-flops, and none of its look-up tables.

    Members
    -------
    i : In(stream(shape))
    o : Out(stream(shape))
    """

    def elaborate(self, platform):
        m = Module()
        kept = data_register(m, self.o.payload)
        m.d.comb += self.i.ready.eq(~self.o.valid)
        with m.If(self.i.ready):
            m.d.sync += [self.o.valid.eq(self.i.valid), kept.eq(self.i.payload)]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        return m


class Stage(_Between):
    """One-place buffer that cuts the path of valid and payload, not that of ready; full rate,
    latency 1.

    Members
    -------
    i : In(stream(shape))
    o : Out(stream(shape))
    """

    def elaborate(self, platform):
        m = Module()
        kept = data_register(m, self.o.payload)
        m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
        with m.If(self.i.ready):
            m.d.sync += [self.o.valid.eq(self.i.valid), kept.eq(self.i.payload)]
        return m


class Skid(_Between):
    """One-place buffer that cuts the path of ready, not that of valid and payload; full rate,
    latency 0.

    Members
    -------
    i : In(stream(shape))
    o : Out(stream(shape))
    """

    def elaborate(self, platform):
        m = Module()
        spare = Signal(self.shape, reset_less=True)
        full = Signal()
        m.d.comb += [
            self.i.ready.eq(~full),
            self.o.valid.eq(self.i.valid | full),
            self.o.payload.eq(self.i.payload),
        ]
        m.d.sync += full.eq(self.o.valid & ~self.o.ready)
        with m.If(full):
            m.d.comb += self.o.payload.eq(spare)
        with m.Else():
            m.d.sync += spare.eq(self.i.payload)
        return m


def behind(m: Module, name: str, kind: type[_Between], source):
    """The stream `source` as it comes out of a buffer of that `kind`, the submodule `name`."""
    m.submodules[name] = buffer = kind(source.payload.shape())
    wiring.connect(m, source, buffer.i)
    return buffer.o
