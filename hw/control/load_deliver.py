"""The far half of the load unit: brings the rows that arrive into the local memories."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..arith.scale import ScaleRow
from ..arith.widen import Widen
from ..bus.stream import Skid, behind
from ..config import Config
from ..memory.local import AccWrite, SpWrite, acc_row, sp_row, unhurried
from ..memory.realign import Chunk
from ..register import data_register
from .load_places import LoadPlaces, Slide, Tag
from .load_request import Job
from .ops import INDEX_BITS


class LoadGather(wiring.Component):
    """A register in which the chunks of a row come together, full-width or not.

    One chunk per cycle; the row stands one cycle after its last chunk. A chunk that comes while a
    row waits stands before the register, so that the memories' ready ends there; not where rows
    are :func:`..memory.local.unhurried`.

    Members
    -------
    i : In(stream({data, wide, tag, last, again}))
        A chunk, and whether it is the last of its row; `again`: no chunk, but the same row with
        another tag.
    o : Out(stream({data, wide, tag}))
        The tag is that of the last chunk, skipped if any chunk was.
    """

    def __init__(self, config: Config):
        self.config = config
        row = {"wide": 1, "tag": Tag(config)}
        chunk = {"data": 8 * config.row_bytes, "last": 1, "again": 1}
        super().__init__(
            {
                "i": In(stream.Signature(data.StructLayout(chunk | row))),
                "o": Out(
                    stream.Signature(data.StructLayout({"data": 8 * config.acc_row_bytes} | row))
                ),
            }
        )

    def elaborate(self, platform):
        m = Module()
        chunks = wiring.flipped(self.i)
        joined = chunks if unhurried(self.config) else behind(m, "joined", Skid, chunks)
        chunk, row = joined.p, data_register(m, self.o.payload)
        width = 8 * self.config.row_bytes
        parts = -(-8 * self.config.acc_row_bytes // width)
        part = Signal(range(parts))  # which chunk comes next
        bad = Signal()  # one of the chunks before it had an error

        m.d.comb += joined.ready.eq(~self.o.valid | self.o.ready)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(joined.valid & joined.ready):
            for n in range(parts):
                with m.If((part == n) & ~chunk.again):
                    m.d.sync += row.data[n * width : (n + 1) * width].eq(chunk.data)
            m.d.sync += [
                self.o.valid.eq(chunk.last),
                row.wide.eq(chunk.wide),
                row.tag.eq(chunk.tag),
                row.tag.skip.eq(chunk.tag.skip | Mux(chunk.again, row.tag.skip, bad)),
                part.eq(Mux(chunk.last, 0, part + 1)),
                bad.eq(~chunk.last & (chunk.tag.skip | bad)),
            ]
        return m


class LoadDeliver(wiring.Component):
    """Turns the chunks of memory rows into rows of the local memories, in the order of jobs.

    Zeros, full-width rows and rows of scale 1.0 pass the gathering register, others the scaler::

        job ─► places ─┐        ┌─► gather ─┐         ┌─► sp
        chunk ─────────┴─ join ─┴─► scaler ─┴─ write ─┴─► acc

    Both ways take one chunk per cycle, in one and in ``ScaleRow.latency`` cycles. The scaler runs
    empty before the gathering register is used, so rows never overtake.

    Members
    -------
    job : In(stream(Job))
    chunk : In(stream(Chunk))
    sp : Out(SpWrite)
    acc : Out(AccWrite)
    done : Out(1)
        A job's last row is taken by its memory, or skipped, in this cycle.
    error : Out({valid, index})
        A chunk of command `index` had an error; not after its job's `done`.
    active, blocked : Out(1)
        A row is taken by its memory; it is not.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "job": In(stream.Signature(Job(config))),
                "chunk": In(stream.Signature(Chunk(config.row_bytes))),
                "sp": Out(SpWrite(config)),
                "acc": Out(AccWrite(config)),
                "done": Out(1),
                "error": Out(data.StructLayout({"valid": 1, "index": INDEX_BITS})),
                "active": Out(1),
                "blocked": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.places = places = LoadPlaces(self.config)
        m.submodules.gather = gather = LoadGather(self.config)
        wiring.connect(m, wiring.flipped(self.job), places.job)
        place, chunk = places.o.p, self.chunk.p

        room = Signal()  # the way that the next row goes takes a chunk
        needs = Signal()  # the next row needs a chunk
        come = Signal()  # it is there, or none is needed
        take = Signal()
        last = Signal()
        tag = Signal(Tag(self.config))
        elements = self._elements(m, place)
        valid = places.o.valid & self.chunk.valid & place.scaled
        scaled, scale_room, empty = self._scaler(m, valid, elements, place, tag)
        m.d.comb += [
            room.eq(Mux(place.scaled, scale_room, gather.i.ready & empty)),
            needs.eq(~place.zero & ~place.again),
            come.eq(self.chunk.valid | ~needs),
            last.eq(~place.wide | chunk.last | place.again),
            tag.eq(place.tag),
            tag.skip.eq(place.tag.skip | (chunk.error & needs)),
            take.eq(places.o.valid & needs & room),
            self.chunk.ready.eq(take & (place.wide | ~place.keep)),
            places.o.ready.eq(come & room & last),
            gather.i.valid.eq(places.o.valid & come & empty & ~place.scaled),
            gather.i.p.data.eq(Mux(place.zero, 0, elements)),
            gather.i.p.last.eq(last),
            gather.i.p.again.eq(place.again),
            gather.i.p.wide.eq(place.wide),
            gather.i.p.tag.eq(tag),
        ]
        m.d.sync += [
            self.error.valid.eq(self.chunk.valid & self.chunk.ready & chunk.error),
            self.error.index.eq(place.index),
        ]
        self._write(m, gather.o, scaled)
        return m

    def _elements(self, m, place):
        """The chunk's elements, moved to the lanes of this copy; narrow weights, one per lane."""
        config, elements = self.config, self.chunk.p.data
        if config.first_layer:
            m.submodules.slide = slide = Slide(config.dim, config.input.width)
            m.d.comb += [slide.i.eq(elements), slide.by.eq(place.slide)]
            elements = slide.o
        if config.weight_parts == 1:
            return elements
        width = config.weight.width
        part = self.chunk.p.data.word_select(place.part, config.dim * width)
        room = Const(0, config.input.width - width)
        spread = Cat(Cat(part.word_select(lane, width), room) for lane in range(config.dim))
        return Mux(place.weights, spread, elements)

    def _scaler(self, m, valid, elements, place, tag):
        """The scaler's output, whether it takes a chunk now, and whether nothing is in it."""
        config = self.config
        scaled = stream.Signature(
            data.StructLayout({"values": sp_row(config), "tag": Tag(config)})
        ).create(path=("scaled",))
        if not config.mvin_scale:
            return scaled, 0, 1
        m.submodules.scale = scale = ScaleRow(config.dim, config.input, config.input, Tag(config))
        inside = Signal(range(scale.latency + 1))
        enter = Signal()
        leave = Signal()
        m.d.comb += [
            scale.i.valid.eq(valid),
            scale.i.p.values.eq(elements),
            scale.i.p.scale.eq(place.scale),
            scale.i.p.tag.eq(tag),
            scaled.valid.eq(scale.o.valid),
            scaled.p.eq(scale.o.p),
            scale.o.ready.eq(scaled.ready),
            enter.eq(scale.i.valid & scale.i.ready),
            leave.eq(scale.o.valid & scale.o.ready),
        ]
        m.d.sync += inside.eq(inside + enter - leave)
        return scaled, scale.i.ready, inside == 0

    def _write(self, m, gathered, scaled):
        """The older of the two rows goes to its memory: a gathered one found the scaler empty."""
        config = self.config
        tag = Signal(Tag(config))
        narrow = Signal(sp_row(config))
        valid = Signal()
        taken = Signal()
        m.d.comb += [
            valid.eq(gathered.valid | scaled.valid),
            tag.eq(Mux(gathered.valid, gathered.p.tag, scaled.p.tag)),
            narrow.eq(Mux(gathered.valid, gathered.p.data, scaled.p.values)),
            taken.eq(tag.skip | Mux(tag.acc, self.acc.ready, self.sp.ready)),
            gathered.ready.eq(taken),
            scaled.ready.eq(taken & ~gathered.valid),
            self.active.eq(valid & taken & ~tag.skip),
            self.blocked.eq(valid & ~taken),
            self.sp.valid.eq(valid & ~tag.skip & ~tag.acc),
            self.acc.valid.eq(valid & ~tag.skip & tag.acc),
            self.sp.p.lanes.eq(narrow),
        ]
        for port in (self.sp, self.acc):
            m.d.comb += [port.p[name].eq(tag[name]) for name in ("row", "mask", "accumulate")]
        full = Signal(acc_row(config))
        m.d.comb += full.eq(gathered.p.data)
        wide = gathered.valid & gathered.p.wide
        widen = Widen(config.input, config.accumulator)
        for n in range(config.dim):
            m.submodules[f"widen{n}"] = unit = widen.create()
            m.d.comb += [
                unit.i.eq(narrow[n]),
                self.acc.p.lanes[n].eq(Mux(wide, full[n], unit.o)),
            ]
        m.d.comb += self.done.eq(valid & taken & tag.end)
