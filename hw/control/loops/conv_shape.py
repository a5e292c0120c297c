"""The products behind a convolution: sizes of its parts and distances in its memories."""

from amaranth.hdl import Const, Module, Mux, Signal
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
    MORE = ("c_rows", "down", "kernel_down")
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
                **{
                    name: rows + 2 for name in ("upad", "dpad", "lpad", "rpad")
                },  # as far as they are read
                "lines": rows,
                "width": rows,
            }
        )


class ConvShape(wiring.Component):
    """Forms the products of a convolution one by one, some five cycles each.

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
            }
        )

    def elaborate(self, platform):
        m = Module()
        s = self.sizes
        width = 32 + fraction_bits(self.config)
        m.submodules.multiply = self.multiply = Multiply(width, max(16, len(s.lines)))
        self._lines(m)
        program = self._program(m)
        step, runs, issued = Signal(range(len(program) + 1)), Signal(), Signal()
        multiply = self.multiply
        finished = Signal()
        m.d.comb += [
            self.done.eq(~runs),
            multiply.start.eq(runs & ~issued),
            finished.eq(runs & issued & multiply.done),
        ]
        with m.If(runs):
            m.d.sync += issued.eq(~finished)
        with m.Switch(step):
            for n, (x, y, base, keep) in enumerate(program):
                with m.Case(n):
                    m.d.comb += [multiply.x.eq(x), multiply.y.eq(y)]
                    if base is not None:
                        m.d.comb += multiply.base.eq(base)
                    m.d.comb += multiply.keeps.eq(base is None)
                    with m.If(finished):
                        keep(m)
        with m.If(finished):
            m.d.sync += [step.eq(step + 1), runs.eq(step != len(program) - 1)]
        with m.If(self.start):
            m.d.sync += [runs.eq(1), issued.eq(0), step.eq(0)]
            m.d.sync += [self.large.eq(0), self.packs_much.eq(0)]
        return m

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
            pixels = [self.undilated(count) for count in (before, part.image, after)]
            m.d.comb += [
                part.before_most.eq(mosts[0]),
                part.after_most.eq(mosts[1]),
                before.eq(part.before),
                after.eq(part.after),
                image.eq(pixels[1]),
                total.eq(sum(pixels) >> o.downsample),
            ]
            self.reaches.append(part.reach)

    def undilated(self, x):
        """Pixels of the input under `x` pixels between which zeros may stand."""
        return Mux(self.options.input_dilated, (x + 1) >> 1, x)

    def _reach(self, target: Signal):
        """Keeper of what is read of the input in one direction, zeros between pixels included."""
        most = self.config.sp_rows + self.config.dim
        total = self.multiply.total

        def keep(m):
            m.d.sync += target.eq(total)
            with m.If(total > most):
                m.d.sync += self.large.eq(1)

        return keep

    def _local(self, name: str, limit: int | None = None):
        """Keeper of a count of local rows, at most `limit`."""
        multiply, target = self.multiply, getattr(self.sizes, name)

        def keep(m):
            m.d.sync += target.eq(multiply.total)
            if limit is not None:
                with m.If(multiply.over | (multiply.total > limit)):
                    m.d.sync += self.large.eq(1)

        return keep

    def _memory(self, name: str):
        def keep(m):
            m.d.sync += getattr(self.sizes, name).eq(self.multiply.total)

        return keep

    def _program(self, m: Module) -> list:
        """(x, y, base or None to go on, keeper) of every product."""
        config, s, p, o = self.config, self.sizes, self.parameters, self.options
        sp, acc = config.sp_rows // 2, config.acc_rows // 2
        stride, dilation, pixels = self.stride, self.dilation, self.pixels
        m.d.comb += [
            stride.eq(Mux(p.stride == 0, 1, p.stride)),
            dilation.eq(Mux(p.kernel_dilation == 0, 1, p.kernel_dilation)),
            pixels.eq(Mux(o.max_pixels_per_row == 0, 1, o.max_pixels_per_row)),
        ]
        lanes, swapped, dilated = o.input_3120, o.weights_0132, o.input_dilated
        across, stacked = Mux(lanes, p.batches, p.kchs), Mux(lanes, p.kchs, p.batches)

        def packed(m):
            rows = self.multiply.total
            m.d.sync += s.pixels.eq(rows)
            many = (rows > config.dim) | (pixels > config.dim)
            m.d.sync += self.packs_much.eq((pixels > 1) & many)

        tap, taps = (
            Mux(o.weights_1203, p.out_channels, p.in_channels),
            Mux(o.weights_1203, p.kernel, Mux(swapped, p.out_channels, p.weight_stride)),
        )
        pool = ~o.no_pool
        out = [
            Mux(pool, p.pool_out_cols, Mux(o.transpose_output, p.batch, p.out_cols)),
            Mux(~pool & o.transpose_output, p.out_channels, p.out_stride),
            Mux(pool, p.pool_out_rows, Mux(o.transpose_output, p.out_cols, p.out_rows)),
        ]
        zero = Const(0)
        return [
            (p.orows, stride, zero, lambda m: None),
            (dilation, p.krows - 1, None, self._reach(self.reaches[0])),
            (p.ocols, stride, zero, lambda m: None),
            (dilation, p.kcols - 1, None, self._reach(self.reaches[1])),
            (Mux(swapped, p.pochs, p.kchs), p.kcols, zero, self._local("tap_line", sp)),
            (s.width, s.lines, zero, self._local("line", sp)),
            (s.line, stacked, zero, self._local("plane", sp)),
            (s.plane, tiles(config, across), zero, self._local("a_rows", sp)),
            (s.tap_line, p.krows, zero, self._local("filter", sp)),
            (
                s.filter,
                tiles(config, Mux(swapped, p.kchs, p.pochs)),
                zero,
                self._local("b_rows", sp),
            ),
            (p.ocols, p.orows, zero, self._local("out_line", acc)),
            (s.out_line, p.batches, zero, self._local("outs", acc)),
            (s.outs, tiles(config, p.pochs), zero, self._local("c_rows", acc)),
            (s.width, Mux(o.downsample | dilated, 1, stride), zero, self._local("down")),
            (
                s.width,
                Mux(dilated, dilation >> 1, dilation),
                zero,
                self._local("kernel_down"),
            ),
            (p.kchs, pixels, zero, packed),
            (Mux(lanes, p.batch, p.in_stride), p.in_cols, zero, self._memory("in_line")),
            (s.in_line, p.in_rows, zero, self._memory("in_image")),
            (tap, taps, zero, self._memory("tap")),
            (s.tap, p.kernel, zero, self._memory("taps")),
            (out[1], out[0], zero, self._memory("out_row")),
            (s.out_row, out[2], zero, self._memory("out_image")),
        ]
