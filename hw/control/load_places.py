"""Where the rows of a mvin go: the walk through local rows, and copies of pixels side by side."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import Config
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
    """A local row still to come: where it goes and what has to be done to it.

    With `keep` the next place needs the same (narrow) chunk; `again`: this (wide) row is the one
    before once more. A narrow row's elements go up by `slide` lanes. Of weights narrower than
    inputs a chunk brings several rows: this one is its `part`.
    """

    def __init__(self, config: Config):
        parts = {"weights": 1, "part": range(config.weight_parts)}
        super().__init__(
            (parts if config.weight_parts > 1 else {})
            | {
                "tag": Tag(config),
                "zero": 1,
                "wide": 1,
                "keep": 1,
                "again": 1,
                "slide": range(config.dim if config.first_layer else 1),
                "scaled": 1,
                "scale": 32,
                "index": INDEX_BITS,
            }
        )


class LoadPlaces(wiring.Component):
    """Walks the local rows of jobs.

    Rows ascend, blocks ascend within a row; in a job of one memory row (`once`) it is the other
    way round; a memory row with copies goes to ascending rows that end at its own. One local row
    per cycle, also from one job to the next; the first one cycle after its job was taken.

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
        left = Signal.like(current.cols)  # lanes up to the end of this row, from this block on
        first = Signal.like(current.lane)  # the first lane of this local row
        more = Signal.like(current.more)  # copies that follow this one
        base = Signal.like(current.row)  # where the outer walk stands
        row = Signal.like(current.row)
        again = Signal()  # not the first row of a `once` block

        copies = Signal()  # the job has copies
        block = Signal()  # another block of the same memory row follows
        inner = Signal()  # the inner walk goes on
        fire = Signal()
        end = Signal()
        m.d.comb += [
            copies.eq(current.more != 0),
            block.eq(left > dim),
            inner.eq(Mux(current.once, rows != 1, block | (more != 0))),
            fire.eq(self.o.valid & self.o.ready),
            end.eq(~block & (rows == 1) & (more == 0)),
            self.job.ready.eq(~self.o.valid | (fire & end)),
        ]
        m.d.comb += [place[name].eq(current[name]) for name in ("scaled", "scale", "index", "zero")]
        shared = Signal()  # the next block lies in this chunk
        m.d.comb += [
            place.wide.eq(current.wide & ~current.zero),
            place.keep.eq((inner & (current.once | copies)) | shared),
            place.again.eq(again & current.wide),
            place.slide.eq(Mux(copies, first, 0)),
            place.tag.row.eq(row),
            place.tag.mask.eq(Cat((left > lane) & (first <= lane) for lane in range(dim))),
            place.tag.acc.eq(current.acc),
            place.tag.accumulate.eq(current.accumulate),
            place.tag.skip.eq(self._before_half(m, row, more)),
            place.tag.end.eq(end),
        ]

        by_block = Signal()  # the next local row is that of the next block
        following = Signal.like(row)
        m.d.comb += [
            by_block.eq(Mux(inner, ~current.once & ~copies, current.once)),
            following.eq(Mux(inner, row, base) + Mux(by_block, current.block_stride, 1)),
        ]
        with m.If(self.job.ready):
            m.d.sync += [self.o.valid.eq(self.job.valid), current.eq(job), again.eq(0)]
            m.d.sync += [rows.eq(job.rows), left.eq(job.cols + job.lane), first.eq(job.lane)]
            m.d.sync += [base.eq(job.row - job.more), row.eq(job.row - job.more)]
            m.d.sync += more.eq(job.more)
        with m.Elif(fire):
            m.d.sync += [row.eq(following), again.eq(inner & current.once)]
            with m.If(~inner):
                m.d.sync += [base.eq(following), more.eq(current.more)]
            with m.Elif(copies):
                m.d.sync += more.eq(more - 1)
            with m.If(by_block):
                m.d.sync += [left.eq(left - dim), first.eq(0)]
            with m.Elif(~inner):
                m.d.sync += [left.eq(current.cols + current.lane), first.eq(current.lane)]
            with m.Elif(copies):
                m.d.sync += [left.eq(left - current.cols), first.eq(first - current.cols)]
            with m.If(Mux(inner, current.once, ~current.once)):
                m.d.sync += rows.eq(rows - 1)
            with m.Elif(by_block & ~inner):
                m.d.sync += rows.eq(current.rows)
        if self.config.weight_parts > 1:
            last = place.part == self.config.weight_parts - 1
            m.d.comb += [
                place.weights.eq(current.weights),
                shared.eq(current.weights & block & ~last),
            ]
            with m.If(self.job.ready | (fire & ~by_block & ~current.once)):
                m.d.sync += place.part.eq(0)
            with m.Elif(fire & by_block):
                m.d.sync += place.part.eq(Mux(shared, place.part + 1, 0))
        return m

    def _before_half(self, m: Module, row, more):
        """Whether a copy's row lies before the half of the scratchpad in which the pixel's lies."""
        home = Signal.like(row)
        m.d.comb += home.eq(row + more)
        half = self.config.sp_row_bits - 1
        return (row ^ home)[half] if self.config.first_layer else 0


class Slide(wiring.Component):
    """Moves the elements of a row up by `by` lanes; the lanes below `by` mean nothing.

    Combinational. Elements have `width` bits.

    Members
    -------
    i, o : In(dim * width), Out(dim * width)
    by : In(range(dim))
    """

    def __init__(self, dim: int, width: int):
        self.dim = dim
        self.width = width
        super().__init__({"i": In(dim * width), "o": Out(dim * width), "by": In(range(dim))})

    def elaborate(self, platform):
        m = Module()
        row = self.i
        for bit in reversed(range(len(self.by))):
            fixed = self.width << bit
            moved = Signal(len(row), name=f"moved{bit}")
            m.d.comb += moved.eq(
                Cat(row[:fixed], Mux(self.by[bit], row[: len(row) - fixed], row[fixed:]))
            )
            row = moved
        m.d.comb += self.o.eq(row)
        return m
