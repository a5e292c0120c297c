"""The input of a convolution as mvins: lines of pixels with their padding."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.wiring import Out

from ...config import Config
from .conv_loads import CHANNELS, ONE, ConvStream, hold, keep, scaled
from .conv_shape import fraction_bits
from .inner import fill, local_address
from .nest import smaller

BEFORE, IMAGE, AFTER = range(3)


class Stretch:
    """Padding, image, padding: three counts, one after another; those of 0 are left out."""

    def __init__(self, m: Module, name: str, counts, bits: int):
        self.m = m
        self.counts = [Signal(bits, name=f"{name}_count{n}") for n in range(3)]
        for count, value in zip(self.counts, counts, strict=True):
            m.d.comb += count.eq(value)
        self.left, self.phase = Signal(bits, name=f"{name}_left"), Signal(2, name=f"{name}_phase")
        self.image = Signal(name=f"{name}_image")
        m.d.comb += self.image.eq(self.phase == IMAGE)

    def begin(self):
        before, image, after = self.counts
        first = Mux(before != 0, BEFORE, Mux(image != 0, IMAGE, AFTER))
        left = Mux(before != 0, before, Mux(image != 0, image, after))
        self.m.d.sync += [self.phase.eq(first), self.left.eq(left)]

    def advance(self, step):
        """After `step` more; to the next part if none are left of this one."""
        _, image, after = self.counts
        to_image = (self.phase == BEFORE) & (image != 0)
        with self.m.If(self.left > step):
            self.m.d.sync += self.left.eq(self.left - step)
        with self.m.Else():
            self.m.d.sync += [
                self.phase.eq(Mux(to_image, IMAGE, AFTER)),
                self.left.eq(Mux(to_image, image, after)),
            ]

    def last(self, step):
        """Whether nothing comes after `step` more."""
        _, image, after = self.counts
        more = ((self.phase == BEFORE) & (image != 0)) | ((self.phase != AFTER) & (after != 0))
        return (self.left <= step) & ~more


class ConvInput(ConvStream):
    """config_ld and the mvins of the input, line by line.

    A move stands two cycles after the one before was taken.

    Members beside those of :class:`ConvStream`
    -------
    row : Out
        Local row of the first channels of the coming pixels; unless a row holds a channel of
        several images, all before it are behind.
    """

    def __init__(self, config: Config):
        super().__init__(config, row=Out(config.sp_row_bits + 1))

    def elaborate(self, platform):
        m = Module()
        config, plan, dim = self.config, self.plan, self.config.dim
        p, o, sizes, take = plan.p, plan.o, plan.sizes, self.take
        und = lambda x: Mux(o.input_dilated, (x + 1) >> 1, x)  # noqa: E731
        rows, most = len(sizes.irows), config.max_block_len * dim
        fraction = fraction_bits(config)

        def held(value, bits, name):
            return keep(m, take, (value + 0)[:bits], name)

        self.ds = keep(m, take, o.downsample, "ds")
        lanes = keep(m, take, o.input_3120, "lanes")
        stride = Mux(o.input_3120, p.batch, p.in_stride)
        self.stride = held(scaled(config, stride), 32 + fraction, "stride")
        self.zero = keep(m, take, p.input == 0, "zero")
        plane = held(sizes.plane, config.sp_row_bits, "plane")
        line = held(sizes.line, config.sp_row_bits, "line")
        repeats = keep(m, take, plan.pixels, "repeats")
        in_line = held(scaled(config, sizes.in_line), 32 + fraction, "in_line")
        in_image = held(scaled(config, sizes.in_image), 32 + fraction, "in_image")
        outer_count = keep(m, take, p.batches, "outer_count")
        inner_count = keep(m, take, p.kchs, "inner_count")
        vertical = [
            held(value, rows, name)
            for value, name in (
                (und(p.upad), "upad"),
                (sizes.irows, "irows"),
                (und(p.dpad), "dpad"),
            )
        ]
        horizontal = [
            held(value, rows, name)
            for value, name in (
                (und(p.lpad), "lpad"),
                (sizes.icols, "icols"),
                (und(p.rpad), "rpad"),
            )
        ]
        self.y, self.x = Stretch(m, "y", vertical, rows), Stretch(m, "x", horizontal, rows)
        outer, inner = Signal(CHANNELS), Signal(CHANNELS)
        start = Signal.like(self.row)
        memory = Signal(32 + fraction)
        hold(m, take, start, plan.a0)
        hold(m, take, memory, p.input << fraction)

        opens, runs, stands, starts = self.opens, Signal(), Signal(), Signal()
        step_x, step_y = Mux(self.x.image & self.ds, 2 * dim, dim), Mux(self.ds, 2, 1)
        pixels, length = Signal(range(2 * dim + 1)), Signal(range(dim + 1))
        step_outer, step_inner = Mux(lanes, most, 1), Mux(lanes, 1, most)
        lasts = Signal(4)  # of inner, x, y, outer
        at = {name: Signal.like(memory, name=f"at_{name}") for name in ("outer", "y", "x", "inner")}
        base, row = Signal.like(start), Signal.like(start)  # of the images, of these pixels
        current = Signal.like(start)
        m.d.comb += [
            self.busy.eq(opens | runs),
            self.valid.eq(opens | stands),
            starts.eq(opens & self.next),
            self.row.eq(row),
            pixels.eq(Mux(self.x.left > step_x, step_x, self.x.left)),
        ]
        with m.If(take & plan.has_a):
            m.d.sync += opens.eq(1)
        with m.If(runs & ~stands):
            m.d.sync += [
                stands.eq(1),
                length.eq(Mux(self.ds, pixels >> 1, pixels)),
                lasts.eq(
                    Cat(
                        inner <= step_inner,
                        self.x.last(step_x),
                        self.y.last(step_y),
                        outer <= step_outer,
                    )
                ),
            ]
        images = Mux(lanes, scaled(config, most), in_image)
        channels = Mux(lanes, in_image, scaled(config, most))
        with m.If(stands & self.next):
            m.d.sync += stands.eq(0)
            with m.If(~lasts[0]):
                m.d.sync += [
                    inner.eq(inner - step_inner),
                    at["inner"].eq(at["inner"] + channels),
                    current.eq(current + Mux(lanes, line, plane * config.max_block_len)),
                ]
            with m.Else():
                new_row = row + length
                m.d.sync += [inner.eq(inner_count), row.eq(new_row), current.eq(new_row)]
                with m.If(~lasts[1]):
                    self.x.advance(step_x)
                    hop = Mux(self.x.image, (self.stride * dim) << self.ds, 0)
                    self._set(m, at, "x", at["x"] + hop[: len(memory)])
                with m.Elif(~lasts[2]):
                    self.x.begin()
                    self.y.advance(step_y)
                    hop = Mux(self.y.image, in_line << self.ds, 0)
                    self._set(m, at, "y", at["y"] + hop[: len(memory)])
                with m.Else():
                    self.x.begin()
                    self.y.begin()
                    m.d.sync += outer.eq(outer - step_outer)
                    self._set(m, at, "outer", at["outer"] + images)
                    with m.If(lanes):
                        new_base = base + plane * config.max_block_len
                        m.d.sync += [base.eq(new_base), row.eq(new_base), current.eq(new_base)]
                    with m.If(lasts[3]):
                        m.d.sync += runs.eq(0)
        with m.If(starts):
            self.x.begin()
            self.y.begin()
            self._set(m, at, "outer", memory)
            m.d.sync += [
                opens.eq(0),
                runs.eq(1),
                outer.eq(outer_count),
                inner.eq(inner_count),
                *(register.eq(start) for register in (base, row, current)),
            ]
        with m.If(opens):
            m.d.comb += fill(
                self.command,
                "config_ld",
                set=0,
                stride=self.stride[fraction:] << self.ds,
                block_stride=plane,
                repeats=repeats,
                scale=ONE,
            )
        with m.Else():
            inside = self.x.image & self.y.image & ~self.zero
            m.d.comb += fill(
                self.command,
                "mvin",
                address=Mux(inside, at["inner"][fraction:], 0),
                local=local_address(current[: config.sp_row_bits]),
                rows=length,
                cols=smaller(Mux(lanes, outer, inner), most),
            )
        return m

    @staticmethod
    def _set(m: Module, at: dict, level: str, value):
        """Where a level stands, and all inside it."""
        new = Signal.like(at[level], name=f"new_{level}")
        m.d.comb += new.eq(value)
        names = list(at)
        m.d.sync += [at[name].eq(new) for name in names[names.index(level) :]]
