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
        self._keep_plan(m)
        self._places(m)
        self._walk(m)
        self._send(m)
        return m

    def _keep_plan(self, m: Module):
        """What the stream needs of the plan, while the next one is made."""
        config, plan = self.config, self.plan
        p, o, sizes, take = plan.p, plan.o, plan.sizes, self.take
        half = lambda x: x >> o.input_dilated  # noqa: E731
        rows = len(sizes.irows)
        fraction = fraction_bits(config)

        def held(value, bits, name):
            return keep(m, take, (value + 0)[:bits], name)

        self.ds = keep(m, take, o.downsample, "ds")
        self.lanes = keep(m, take, o.input_3120, "lanes")
        stride = Mux(o.input_3120, p.batch, p.in_stride)
        self.stride = held(scaled(config, stride), 32 + fraction, "stride")
        self.zero = keep(m, take, p.input == 0, "zero")
        self.plane = held(sizes.plane, config.sp_row_bits, "plane")
        self.line = held(sizes.line, config.sp_row_bits, "line")
        self.repeats = keep(m, take, plan.pixels, "repeats")
        self.in_line = held(scaled(config, sizes.in_line), 32 + fraction, "in_line")
        self.in_image = held(scaled(config, sizes.in_image), 32 + fraction, "in_image")
        self.outer_count = keep(m, take, p.batches, "outer_count")
        self.inner_count = keep(m, take, p.kchs, "inner_count")
        vertical = (half(sizes.upad), "upad"), (sizes.irows, "irows"), (sizes.dpad, "dpad")
        horizontal = (half(sizes.lpad), "lpad"), (sizes.icols, "icols"), (sizes.rpad, "rpad")
        counts = [
            [
                held(Mux(plan.channelwise & (name != image), 0, value), rows, name)
                for value, name in way
            ]
            for way, image in ((vertical, "irows"), (horizontal, "icols"))
        ]
        above = Mux(plan.channelwise, sizes.above, 0)
        self.gap = held(above, config.sp_row_bits, "gap")
        self.nothing = keep(
            m, take, plan.channelwise & ((sizes.irows == 0) | (sizes.icols == 0)), "nothing"
        )
        self.y, self.x = Stretch(m, "y", counts[0], rows), Stretch(m, "x", counts[1], rows)
        self.start = Signal.like(self.row)
        self.memory = Signal(32 + fraction)
        hold(m, take, self.start, plan.a0 + above)
        hold(m, take, self.memory, p.input << fraction)

    def _places(self, m: Module):
        """The place of the coming move, and how far it goes."""
        dim, most = self.config.dim, self.config.max_block_len * self.config.dim
        self.outer, self.inner = Signal(CHANNELS), Signal(CHANNELS)
        self.runs, self.stands = Signal(), Signal()
        self.step_x = Mux(self.x.image & self.ds, 2 * dim, dim)
        self.step_y = Mux(self.ds, 2, 1)
        self.step_outer, self.step_inner = Mux(self.lanes, most, 1), Mux(self.lanes, 1, most)
        pixels = Signal(range(2 * dim + 1))
        self.length = Signal(range(dim + 1))
        self.lasts = Signal(4)  # of inner, x, y, outer
        levels = ("outer", "y", "x", "inner")
        self.at = {name: Signal.like(self.memory, name=f"at_{name}") for name in levels}
        self.base = Signal.like(self.start)  # of the images
        self.first = Signal.like(self.start)  # of these pixels
        self.current = Signal.like(self.start)
        m.d.comb += [
            self.busy.eq(self.opens | self.runs),
            self.valid.eq(self.opens | self.stands),
            self.row.eq(self.first),
            pixels.eq(Mux(self.x.left > self.step_x, self.step_x, self.x.left)),
        ]
        with m.If(self.take & self.plan.has_a):
            m.d.sync += self.opens.eq(1)
        with m.If(self.runs & ~self.stands):
            m.d.sync += [
                self.stands.eq(1),
                self.length.eq(Mux(self.ds, pixels >> 1, pixels)),
                self.lasts.eq(
                    Cat(
                        self.inner <= self.step_inner,
                        self.x.last(self.step_x),
                        self.y.last(self.step_y),
                        self.outer <= self.step_outer,
                    )
                ),
            ]

    def _walk(self, m: Module):
        """From one move to the next: channels, columns, lines, images."""
        config, at, lanes = self.config, self.at, self.lanes
        dim, most = config.dim, config.max_block_len * config.dim
        channels = Mux(lanes, self.in_image, scaled(config, most))
        with m.If(self.stands & self.next):
            m.d.sync += self.stands.eq(0)
            with m.If(~self.lasts[0]):
                hop = Mux(lanes, self.line, self.plane * config.max_block_len)
                m.d.sync += [
                    self.inner.eq(self.inner - self.step_inner),
                    at["inner"].eq(at["inner"] + channels),
                    self.current.eq(self.current + hop),
                ]
            with m.Else():
                row = self.first + self.length
                m.d.sync += [
                    self.inner.eq(self.inner_count),
                    self.first.eq(row),
                    self.current.eq(row),
                ]
                with m.If(~self.lasts[1]):
                    self.x.advance(self.step_x)
                    hop = Mux(self.x.image, (self.stride * dim) << self.ds, 0)
                    self._set(m, at, "x", at["x"] + hop[: len(self.memory)])
                with m.Elif(~self.lasts[2]):
                    self.x.begin()
                    self.y.advance(self.step_y)
                    hop = Mux(self.y.image, self.in_line << self.ds, 0)
                    self._set(m, at, "y", at["y"] + hop[: len(self.memory)])
                with m.Else():
                    self._next_image(m)
        with m.If(self.opens & self.next):
            self.x.begin()
            self.y.begin()
            self._set(m, at, "outer", self.memory)
            m.d.sync += [
                self.opens.eq(0),
                self.runs.eq(~self.nothing),
                self.outer.eq(self.outer_count),
                self.inner.eq(self.inner_count),
                *(register.eq(self.start) for register in (self.base, self.first, self.current)),
            ]

    def _next_image(self, m: Module):
        config, at = self.config, self.at
        images = Mux(self.lanes, scaled(config, config.max_block_len * config.dim), self.in_image)
        self.x.begin()
        self.y.begin()
        m.d.sync += self.outer.eq(self.outer - self.step_outer)
        self._set(m, at, "outer", at["outer"] + images)
        with m.If(self.lanes):
            base = self.base + self.plane * config.max_block_len
            m.d.sync += [self.base.eq(base), self.first.eq(base), self.current.eq(base)]
        with m.Else():
            row = self.first + self.length + self.gap
            m.d.sync += [self.first.eq(row), self.current.eq(row)]
        with m.If(self.lasts[3]):
            m.d.sync += self.runs.eq(0)

    def _send(self, m: Module):
        """The configuration, then the moves."""
        config, fraction = self.config, fraction_bits(self.config)
        with m.If(self.opens):
            m.d.comb += fill(
                self.command,
                "config_ld",
                set=0,
                stride=self.stride[fraction:] << self.ds,
                block_stride=self.plane,
                repeats=self.repeats,
                scale=ONE,
            )
        with m.Else():
            inside = self.x.image & self.y.image & ~self.zero
            channels = Mux(self.lanes, self.outer, self.inner)
            m.d.comb += fill(
                self.command,
                "mvin",
                address=Mux(inside, self.at["inner"][fraction:], 0),
                local=local_address(self.current[: config.sp_row_bits]),
                rows=self.length,
                cols=smaller(channels, config.max_block_len * config.dim),
            )

    @staticmethod
    def _set(m: Module, at: dict, level: str, value):
        """Where a level stands, and all inside it."""
        new = Signal.like(at[level], name=f"new_{level}")
        m.d.comb += new.eq(value)
        names = list(at)
        m.d.sync += [at[name].eq(new) for name in names[names.index(level) :]]
