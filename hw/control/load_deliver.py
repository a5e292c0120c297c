"""The far half of the load unit: brings the rows that arrive into the local memories."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..arith.scale import ScaleRow
from ..config import Config
from ..memory.local import AccWrite, SpWrite, acc_row, sp_row
from ..memory.realign import Chunk
from .load_request import Job
from .ops import INDEX_BITS, row_bits


class Tag(data.StructLayout):
    """What travels with a local row; `skip`: it is not written, `end`: the op's last."""

    def __init__(self, config: Config):
        super().__init__(
            {
                "row": row_bits(config),
                "mask": config.dim,
                "acc": 1,
                "accumulate": 1,
                "skip": 1,
                "end": 1,
            }
        )


class Place(data.StructLayout):
    """A local row still to come: where it goes and what has to be done to it."""

    def __init__(self, config: Config):
        super().__init__(
            {
                "tag": Tag(config),
                "zero": 1,
                "wide": 1,
                "scaled": 1,
                "scale": 32,
                "index": INDEX_BITS,
            }
        )


class LoadPlaces(wiring.Component):
    """Walks the local rows of jobs: rows ascending, blocks ascending within a row.

    One row per cycle, also from one job to the next; the first one cycle after its job was taken.

    Members
    -------
    job : In(stream(Job))
    o : Out(stream(Place))
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {"job": In(stream.Signature(Job(config))), "o": Out(stream.Signature(Place(config)))}
        )

    def elaborate(self, platform):
        m = Module()
        dim = self.config.dim
        job, place = self.job.p, self.o.p
        current = Signal(Job(self.config))
        rows = Signal.like(current.rows)  # memory rows left, this one included
        left = Signal.like(current.cols)  # columns left of this row
        base = Signal.like(current.row)  # local row of this memory row's first block
        row = Signal.like(current.row)

        block = Signal()  # another block of the same memory row follows
        fire = Signal()
        end = Signal()
        m.d.comb += [
            block.eq(left > dim),
            fire.eq(self.o.valid & self.o.ready),
            end.eq(~block & (rows == 1)),
            self.job.ready.eq(~self.o.valid | (fire & end)),
        ]
        m.d.comb += [place[name].eq(current[name]) for name in ("scaled", "scale", "index")]
        m.d.comb += [
            place.zero.eq(current.zero),
            place.wide.eq(current.wide & ~current.zero),
            place.tag.row.eq(row),
            place.tag.mask.eq(Cat(left > lane for lane in range(dim))),
            place.tag.acc.eq(current.acc),
            place.tag.accumulate.eq(current.accumulate),
            place.tag.end.eq(end),
        ]
        with m.If(self.job.ready):
            m.d.sync += [self.o.valid.eq(self.job.valid), current.eq(job)]
            m.d.sync += [rows.eq(job.rows), left.eq(job.cols), base.eq(job.row), row.eq(job.row)]
        with m.Elif(fire & block):
            m.d.sync += [left.eq(left - dim), row.eq(row + current.block_stride)]
        with m.Elif(fire):
            m.d.sync += [rows.eq(rows - 1), left.eq(current.cols)]
            m.d.sync += [base.eq(base + 1), row.eq(base + 1)]
        return m


class LoadGather(wiring.Component):
    """A register in which the chunks of a row come together, full-width or not.

    One chunk per cycle; the row stands one cycle after its last chunk.

    Members
    -------
    i : In(stream({data, error, wide, tag, last}))
        A chunk, and whether it is the last of its row.
    o : Out(stream({data, wide, tag}))
        The tag is that of the last chunk, skipped if any chunk had an error.
    """

    def __init__(self, config: Config):
        self.config = config
        row = {"wide": 1, "tag": Tag(config)}
        chunk = {"data": 8 * config.row_bytes, "last": 1}
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
        chunk, row = self.i.p, self.o.p
        width = 8 * self.config.row_bytes
        parts = -(-8 * self.config.acc_row_bytes // width)
        part = Signal(range(parts))  # which chunk comes next
        bad = Signal()  # one of the chunks before it had an error

        m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self.i.valid & self.i.ready):
            for n in range(parts):
                with m.If(part == n):
                    m.d.sync += row.data[n * width : (n + 1) * width].eq(chunk.data)
            m.d.sync += [
                self.o.valid.eq(chunk.last),
                row.wide.eq(chunk.wide),
                row.tag.eq(chunk.tag),
                row.tag.skip.eq(chunk.tag.skip | bad),
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
        A job's last row was taken by its memory, or skipped, in the cycle before.
    error : Out({valid, index})
        A chunk of command `index` had an error; earlier than its job's `done`.
    active : Out(1)
        A row is taken by its memory.
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
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.places = places = LoadPlaces(self.config)
        m.submodules.gather = gather = LoadGather(self.config)
        wiring.connect(m, wiring.flipped(self.job), places.job)
        place, chunk = places.o.p, self.chunk.p

        room = Signal()  # the way that the next row goes takes a chunk
        come = Signal()  # its next chunk is there, or none is needed
        last = Signal()
        tag = Signal(Tag(self.config))
        scaled, scale_room, empty = self._scaler(m, places.o.valid & self.chunk.valid, place, tag)
        m.d.comb += [
            room.eq(Mux(place.scaled, scale_room, gather.i.ready & empty)),
            come.eq(self.chunk.valid | place.zero),
            last.eq(~place.wide | chunk.last),
            tag.eq(place.tag),
            tag.skip.eq(chunk.error & ~place.zero),
            self.chunk.ready.eq(places.o.valid & ~place.zero & room),
            places.o.ready.eq(come & room & last),
            gather.i.valid.eq(places.o.valid & come & empty & ~place.scaled),
            gather.i.p.data.eq(Mux(place.zero, 0, chunk.data)),
            gather.i.p.last.eq(last),
            gather.i.p.wide.eq(place.wide),
            gather.i.p.tag.eq(tag),
        ]
        m.d.sync += [
            self.error.valid.eq(self.chunk.valid & self.chunk.ready & chunk.error),
            self.error.index.eq(place.index),
        ]
        self._write(m, gather.o, scaled)
        return m

    def _scaler(self, m, valid, place, tag):
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
            scale.i.valid.eq(valid & place.scaled),
            scale.i.p.values.eq(self.chunk.p.data),
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
            self.sp.valid.eq(valid & ~tag.skip & ~tag.acc),
            self.acc.valid.eq(valid & ~tag.skip & tag.acc),
            self.sp.p.lanes.eq(narrow),
        ]
        for port in (self.sp, self.acc):
            m.d.comb += [port.p[name].eq(tag[name]) for name in ("row", "mask", "accumulate")]
        full = Signal(acc_row(config))
        m.d.comb += full.eq(gathered.p.data)
        wide = gathered.valid & gathered.p.wide
        m.d.comb += [
            self.acc.p.lanes[n].eq(Mux(wide, full[n], narrow[n])) for n in range(config.dim)
        ]
        m.d.sync += self.done.eq(valid & taken & tag.end)
