"""The products behind a convolution: sizes of its parts and distances in its memories."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...config import Config
from ...isa import BY_NAME
from .multiply import Multiply
from .padding import Padding

_UNUSED = ("padding", "pool_padding", "pdpad", "prpad")
FIELDS = {
    field.name: min(field.width, 32)
    for name, spec in BY_NAME.items()
    if name.startswith("loop_conv_ws_config_")
    for field in spec.fields
    if field.name not in _UNUSED
}
"""Parameters of loop_conv_ws and their bits."""

OPTIONS = {field.name: field.width for field in BY_NAME["loop_conv_ws"].fields}
"""What the command itself says."""


def fraction_bits(config: Config) -> int:
    """Bits behind the byte in memory addresses of elements that are not whole bytes."""
    return next(n for n in range(4) if config.input.width << n & 7 == 0)


def tiles(config: Config, count):
    """How many tiles `count` (16 bits) rows or columns make."""
    dim = config.dim
    if dim & (dim - 1) == 0:
        return (count + dim - 1) >> (dim.bit_length() - 1)
    shift = 22
    return ((count + dim - 1) * ((1 << shift) // dim + 1)) >> shift


class Sizes(data.StructLayout):
    """Results: local rows, and distances in memory in elements."""

    LOCAL = ("line", "plane", "a_rows", "tap_line", "filter", "b_rows", "out_line", "outs")
    MORE = ("c_rows", "down", "kernel_down", "above")
    MEMORY = ("in_line", "in_image", "tap", "taps", "out_row", "out_image")

    def __init__(self, config: Config):
        rows = max(config.sp_row_bits, config.acc_row_bits) + 1
        memory = 32 + fraction_bits(config)
        super().__init__(
            {
                **{name: rows for name in (*self.LOCAL, *self.MORE)},
                **{name: memory for name in self.MEMORY},
                "pixels": config.dim.bit_length(),  # rows of a tap of several pixels
                "irows": rows + 2,  # rows and columns of the input in memory
                "icols": rows + 2,
                **dict.fromkeys(("upad", "lpad"), rows + 2),  # as far as they are read
                **dict.fromkeys(("dpad", "rpad"), rows + 2),  # and without zeros between
                "lines": rows,
                "width": rows,
            }
        )


class ConvShape(wiring.Component):
    """Forms the products of a convolution: three at a time, some five cycles each.

    Members
    -------
    start : In(1), parameters, options : In
        Begin anew; they hold until `done`.
    done : Out(1)
    sizes : Out(Sizes)
    large : Out(1)
        A part is larger than half of its memory.
    packs_much : Out(1)
        A tap of several pixels has more rows than a tile.
    stride, dilation, pixels : Out
        The parameters; 0 is 1.
    channelwise : Out(1)
        Depthwise over many channels.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "parameters": In(data.StructLayout(FIELDS)),
                "options": In(data.StructLayout(OPTIONS)),
                "done": Out(1),
                "sizes": Out(Sizes(config)),
                "large": Out(1),
                "packs_much": Out(1),
                "stride": Out(8),
                "dilation": Out(10),
                "pixels": Out(8),
                "channelwise": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p, o = self.parameters, self.options
        m.d.comb += [
            self.stride.eq(Mux(p.stride == 0, 1, p.stride)),
            self.dilation.eq(Mux(p.kernel_dilation == 0, 1, p.kernel_dilation)),
            self.pixels.eq(Mux(o.max_pixels_per_row == 0, 1, o.max_pixels_per_row)),
            self.channelwise.eq(o.depthwise & (p.kchs != 0) & (p.kchs != 1)),
        ]
        self._lines(m)
        bits = 32 + fraction_bits(self.config)
        chains = {
            "input": (self._of_input(), 32),
            "weights": (self._of_weights(), 32),
            "memory": (self._of_memory(), bits),
        }
        runs = [self._chain(m, name, *chain) for name, chain in chains.items()]
        m.d.comb += self.done.eq(~Cat(runs).any())
        with m.If(self.start):
            m.d.sync += [self.large.eq(0), self.packs_much.eq(0)]
        return m

    def _chain(self, m: Module, name: str, program: list, bits: int):
        """Products one after another; returns whether some are left.

        Each is (x, y, keeper); without keeper the next is added to it.
        """
        multiply = Multiply(bits, max(16, len(self.sizes.lines)))
        m.submodules[f"multiply_{name}"] = multiply
        step = Signal(range(len(program) + 1), name=f"{name}_step")
        runs, issued = Signal(name=f"{name}_runs"), Signal(name=f"{name}_issued")
        finished = Signal(name=f"{name}_finished")
        m.d.comb += [
            multiply.start.eq(runs & ~issued),
            finished.eq(runs & issued & multiply.done),
        ]
        with m.If(runs):
            m.d.sync += issued.eq(~finished)
        kept = True
        with m.Switch(step):
            for n, (x, y, keep) in enumerate(program):
                with m.Case(n):
                    m.d.comb += [multiply.x.eq(x), multiply.y.eq(y), multiply.keeps.eq(not kept)]
                    if keep:
                        with m.If(finished):
                            keep(m, multiply)
                    kept = bool(keep)
        with m.If(finished):
            m.d.sync += [step.eq(step + 1), runs.eq(step != len(program) - 1)]
        with m.If(self.start):
            m.d.sync += [runs.eq(1), issued.eq(0), step.eq(0)]
        return runs

    def _lines(self, m: Module):
        """What is read of the input, in both directions, without the padding behind it."""
        p, o, s = self.parameters, self.options, self.sizes
        self.reaches = []
        for way, names, image, total in (
            ("rows", ("upad", "dpad"), s.irows, s.lines),
            ("cols", ("lpad", "rpad"), s.icols, s.width),
        ):
            mosts = [getattr(p, name) for name in names]
            before, after = (getattr(s, name) for name in names)
            part = Padding(len(image), *map(len, mosts))
            m.submodules[f"padding_{way}"] = part
            apart = o.input_dilated
            both = Signal(len(part.reach) + 1, name=f"{way}_in_all")
            m.d.comb += [
                part.before_most.eq(mosts[0]),
                part.after_most.eq(mosts[1]),
                before.eq(part.before),
                both.eq((part.reach + apart) >> apart),
                image.eq((part.image + apart) >> apart),
                after.eq(both - image - (before >> apart)),
                total.eq(both >> o.downsample),
            ]
            self.reaches.append(part.reach)
        with m.If(self.channelwise):  # without padding, but for room above
            m.d.comb += [s.lines.eq(s.upad + s.irows), s.width.eq(s.icols)]

    def _reach(self, target: Signal):
        """Keeper of what is read of the input in one direction, zeros between pixels included."""
        most = self.config.sp_rows + self.config.dim

        def keep(m, multiply):
            m.d.sync += target.eq(multiply.total)
            with m.If(multiply.total > most):
                m.d.sync += self.large.eq(1)

        return keep

    def _local(self, name: str, limit: int | None = None):
        """Keeper of a count of local rows, at most `limit`."""
        target = getattr(self.sizes, name)

        def keep(m, multiply):
            m.d.sync += target.eq(multiply.total)
            if limit is not None:
                with m.If(multiply.over | (multiply.total > limit)):
                    m.d.sync += self.large.eq(1)

        return keep

    def _memory(self, name: str):
        def keep(m, multiply):
            m.d.sync += getattr(self.sizes, name).eq(multiply.total)

        return keep

    def _packed(self, m: Module, multiply: Multiply):
        rows = multiply.total
        many = (rows > self.config.dim) | (self.pixels > self.config.dim)
        m.d.sync += [self.sizes.pixels.eq(rows), self.packs_much.eq((self.pixels > 1) & many)]

    def _of_input(self) -> list:
        """Rows of A; between lines and their number the padding is split off."""
        config, s, p, o = self.config, self.sizes, self.parameters, self.options
        lanes, dilated = o.input_3120, o.input_dilated
        stride, dilation, most = self.stride, self.dilation, config.sp_rows // 2
        across, stacked = Mux(lanes, p.batches, p.kchs), Mux(lanes, p.kchs, p.batches)
        return [
            (p.orows, stride, None),
            (dilation, p.krows - 1, self._reach(self.reaches[0])),
            (p.ocols, stride, None),
            (dilation, p.kcols - 1, self._reach(self.reaches[1])),
            (p.kchs, self.pixels, self._packed),
            (s.width, s.lines, self._local("line", most)),
            (s.line, stacked, self._local("plane", most)),
            (s.plane, tiles(config, across), self._local("a_rows", most)),
            (s.width, Mux(o.downsample | dilated, 1, stride), self._local("down")),
            (s.width, Mux(dilated, dilation >> 1, dilation), self._local("kernel_down")),
            (s.width, Mux(self.channelwise, s.upad, 0), self._local("above")),
        ]

    def _of_weights(self) -> list:
        """Rows of B and C."""
        config, s, p, o = self.config, self.sizes, self.parameters, self.options
        sp, acc, swapped = config.sp_rows // 2, config.acc_rows // 2, o.weights_0132
        by_tap = self.channelwise & o.weights_1203
        inner = Mux(swapped, p.pochs, Mux(by_tap, 1, p.kchs))
        outer = tiles(config, Mux(swapped, p.kchs, p.pochs))
        return [
            (inner, p.kcols, self._local("tap_line", sp)),
            (s.tap_line, p.krows, self._local("filter", sp)),
            (s.filter, outer, self._local("b_rows", sp)),
            (p.ocols, p.orows, self._local("out_line", acc)),
            (s.out_line, p.batches, self._local("outs", acc)),
            (s.outs, tiles(config, p.pochs), self._local("c_rows", acc)),
        ]

    def _of_memory(self) -> list:
        """Distances of lines, images and taps."""
        s, p, o = self.sizes, self.parameters, self.options
        pool, turned = ~o.no_pool, o.no_pool & o.transpose_output
        weights = Mux(o.weights_0132, p.out_channels, p.weight_stride)
        tap = (
            Mux(o.weights_1203, p.out_channels, p.in_channels),
            Mux(o.weights_1203, p.kernel, weights),
        )
        out = [
            Mux(pool, p.pool_out_cols, Mux(turned, p.batch, p.out_cols)),
            Mux(turned, p.out_channels, p.out_stride),
            Mux(pool, p.pool_out_rows, Mux(turned, p.out_cols, p.out_rows)),
        ]
        return [
            (Mux(o.input_3120, p.batch, p.in_stride), p.in_cols, self._memory("in_line")),
            (s.in_line, p.in_rows, self._memory("in_image")),
            (*tap, self._memory("tap")),
            (s.tap, p.kernel, self._memory("taps")),
            (out[1], out[0], self._memory("out_row")),
            (s.out_row, out[2], self._memory("out_image")),
        ]
