"""Convolutions as loop_conv_ws commands: padding, pooling, packing and strides are the loop's.

A convolution that exceeds half of a local memory is cut into loops by output lines, columns and
channels; an operand that neighbouring loops share stays where it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from hw.config import Config
from hw.formats import row_bytes
from hw.isa import float_bits

from .blocking import ceil
from .layout import Image
from .loops import LoopProgram
from .pipeline import Work, total_cycles
from .pooled import Pool
from .program import Program


@dataclass(frozen=True)
class LoopConvolution:
    """What loop_conv_ws can do: images of `rows`×`cols`×`cin` to `out_rows`×`out_cols`×`cout`.

    `pads` are the zeros above and to the left; those below and to the right follow from the size
    of the output. Weights are [kh, kw, cin, cout]; [3, 3, channels] if `depthwise`.
    """

    images: int
    rows: int
    cols: int
    cin: int
    cout: int
    kernel: tuple[int, int]
    out_rows: int
    out_cols: int
    stride: int = 1
    pads: tuple[int, int] = (0, 0)
    dilation: int = 1
    pool: Pool | None = None
    depthwise: bool = False

    def __post_init__(self):
        for name in ("images", "rows", "cols", "cin", "cout", "out_rows", "out_cols", "stride"):
            if getattr(self, name) < 1:
                value = getattr(self, name)
                raise ValueError(f"LoopConvolution: {name} is {value}; it must be at least 1")
        if self.depthwise and (self.kernel != (3, 3) or self.cin != self.cout):
            raise ValueError("LoopConvolution: depthwise takes a 3×3 kernel and cout = cin")

    @property
    def macs(self) -> int:
        depth = 1 if self.depthwise else self.cin
        outputs = self.images * self.out_rows * self.out_cols * self.cout
        return outputs * depth * self.kernel[0] * self.kernel[1]

    @property
    def stored(self) -> tuple[int, int]:
        """Rows and columns that reach memory."""
        size = self.out_rows, self.out_cols
        return self.pool.output_size(*size) if self.pool else size


@dataclass(frozen=True)
class ConvCut:
    """Stored lines, stored columns and channels of one loop; the operand that stays.

    The loops of the first lines have `first` of them, so that computes start early.
    """

    rows: int
    cols: int
    channels: int
    stays: str = ""
    first: int = 0


@dataclass(frozen=True)
class _Axis:
    """One direction of a loop: stored outputs, outputs, and inputs with their padding."""

    stored: range
    out: range
    out_before: int
    out_after: int
    start: int
    count: int
    before: int
    after: int


def _axis(part: range, size: int, out: int, kernel: int, pad: int, conv: LoopConvolution) -> _Axis:
    """The inputs (of `size`) under the stored outputs `part` of a direction with `out` outputs."""
    pool = conv.pool
    outputs, before, after = part, 0, 0
    if pool:
        first = part.start * pool.stride - pool.padding
        end = (part.stop - 1) * pool.stride - pool.padding + pool.size
        outputs = range(max(first, 0), min(end, out))
        before, after = outputs.start - first, end - outputs.stop
    span = len(outputs) * conv.stride + (kernel - 1) * conv.dilation
    first = outputs.start * conv.stride - pad
    above = min(max(-first, 0), span)
    below = min(max(first + span - size, 0), span - above)
    return _Axis(part, outputs, before, after, first + above, span, above, below)


@dataclass(frozen=True)
class _Loop:
    image: int
    y: _Axis
    x: _Axis
    channels: range
    load_a: bool
    load_b: bool
    half: int


def _parts(count: int, size: int, first: int = 0) -> list[range]:
    """0 to `count` in stretches of `size`, the first perhaps shorter."""
    head = [range(first)] if first else []
    return head + [range(n, min(n + size, count)) for n in range(first, count, size)]


class ConvTiling:
    """A convolution cut into loops."""

    def __init__(self, config: Config, conv: LoopConvolution):
        self.config, self.conv = config, conv
        dim, kw = config.dim, conv.kernel[1]
        few = config.first_layer and not conv.depthwise and conv.dilation == 1
        self.pixels = max(1, min(kw, dim // conv.cin, dim - 1)) if few else 1
        sizes = conv.rows % 2 == conv.cols % 2 == 0
        self.downsample = conv.kernel == (1, 1) and conv.stride == 2 and sizes
        self.downsample = self.downsample and conv.pads == (0, 0) and not conv.pool

    def loops(self, cut: ConvCut) -> Iterator[_Loop]:
        conv = self.conv
        rows, cols = conv.stored
        (kh, kw), (top, left) = conv.kernel, conv.pads
        places = [
            (
                image,
                _axis(y, conv.rows, conv.out_rows, kh, top, conv),
                _axis(x, conv.cols, conv.out_cols, kw, left, conv),
            )
            for image in range(conv.images)
            for y in _parts(rows, cut.rows, cut.first)
            for x in _parts(cols, cut.cols)
        ]
        channels = _parts(conv.cout, cut.channels)
        if cut.stays == "b":
            for half, part in enumerate(channels):
                for place in places:
                    yield _Loop(*place, part, True, place == places[0], half % 2)
            return
        for half, place in enumerate(places):
            for part in channels:
                first = part == channels[0]
                yield _Loop(*place, part, first or cut.stays != "a", True, half % 2)

    def rows_of_a(self, loop: _Loop) -> int:
        shift = int(self.downsample)
        if self.conv.depthwise:  # padding is not stored, but room for it above
            y, x = loop.y, loop.x
            plane = (y.count - y.after) * (x.count - x.before - x.after)
            return ceil(self.depth(loop), self.config.dim) * plane
        plane = (loop.y.count >> shift) * (loop.x.count >> shift)
        return ceil(self.depth(loop), self.config.dim) * plane

    def depth(self, loop: _Loop) -> int:
        """Input channels of a loop."""
        return len(loop.channels) if self.conv.depthwise else self.conv.cin

    def rows_of_b(self, loop: _Loop) -> int:
        kh, kw = self.conv.kernel
        depth = 1 if self.conv.depthwise else self.conv.cin
        return ceil(len(loop.channels), self.config.dim) * kh * kw * depth

    def sums(self, loop: _Loop) -> int:
        return ceil(len(loop.channels), self.config.dim) * len(loop.y.out) * len(loop.x.out)

    def fits(self, cut: ConvCut) -> bool:
        """Whether the first, largest loop and its neighbours fit halves of both memories."""
        config = self.config
        loops = list(self.loops(cut))
        a, b = max(map(self.rows_of_a, loops)), max(map(self.rows_of_b, loops))
        sums = max(map(self.sums, loops))
        return a + b <= config.sp_rows // 2 and sums <= config.acc_rows // 2

    def cuts(self) -> Iterator[ConvCut]:
        conv, dim = self.conv, self.config.dim
        rows, cols = conv.stored
        limit = 255 if conv.pool else 1 << 16
        blocks = ceil(conv.cout, dim)
        for count in {ceil(blocks, n) for n in range(1, blocks + 1)}:
            channels = min(count * dim, conv.cout)
            ways = ("",) if conv.depthwise else ("", "a", "b")
            for width in sorted({ceil(cols, n) for n in range(1, cols + 1)}, reverse=True):
                if width > limit:
                    continue
                heights = {ceil(rows, n) for n in range(1, rows + 1)}
                good = [h for h in sorted(heights) if self.fits(ConvCut(h, width, channels))]
                for height in good:
                    starts = {height // 2, height // 4, height // 8} - {0, height}
                    for first, way in product((0, *starts), ways):
                        yield ConvCut(height, width, channels, way, first)
                if good:
                    break

    def work(self, loop: _Loop) -> Work:
        """What a loop keeps the units busy with; loads come before the first compute."""
        config, conv = self.config, self.conv
        dim, (kh, kw) = config.dim, conv.kernel
        blocks, deep = ceil(len(loop.channels), dim), ceil(self.depth(loop), dim)
        outputs = len(loop.y.out) * len(loop.x.out)
        words = ceil(row_bytes(config.input, self.depth(loop)), config.bus_bytes)
        pixel = max(words, deep) * self.pixels
        a = self.rows_of_a(loop) // deep * pixel * loop.load_a
        b = self.rows_of_b(loop) * loop.load_b
        strips = [min(dim, len(loop.x.out) - n) for n in range(0, len(loop.x.out), dim)]
        line = sum(max(n, 4) for n in strips)
        if conv.depthwise:
            b = 9 * blocks
            execute = blocks * len(loop.y.out) * max(2 * len(loop.x.out), 9)
        else:
            steps = kh * ceil(kw, self.pixels) * deep
            execute = blocks * steps * max(dim, len(loop.y.out) * line)
        bias = outputs * blocks
        taps = conv.pool.size**2 if conv.pool else 1
        store = len(loop.y.stored) * len(loop.x.stored) * blocks * taps
        first = bias + a + min(b, dim)
        return Work(bias + a + b, execute, store, first, min(execute, outputs))

    def cycles(self, cut: ConvCut) -> int:
        """Cycles that a cut takes by the model."""
        return total_cycles(map(self.work, self.loops(cut)))

    def best(self) -> ConvCut:
        cuts = list(self.cuts())
        if not cuts:
            raise ValueError("conv2d: not even one output line fits the local memories")
        return min(cuts, key=lambda cut: (self.cycles(cut), -cut.rows, cut.first))


def _check(config: Config, conv: LoopConvolution, x: Image, out: Image) -> None:
    wanted = {"loop_conv": True, "pooling": bool(conv.pool), "depthwise": conv.depthwise}
    for option, needed in wanted.items():
        if needed and not getattr(config, option):
            raise ValueError(f"conv2d: {config.name} has no {option}")
    if x.border or out.border:
        raise ValueError("conv2d: loops take images without a border")
    if (x.height, x.width) != (conv.rows, conv.cols) or (out.height, out.width) != conv.stored:
        raise ValueError(f"conv2d: the images do not have the sizes of {conv}")


def loop_conv(
    config: Config,
    conv: LoopConvolution,
    x: Image,
    weights: int,
    out: Image,
    bias: int | None = None,
    *,
    scale: float = 1.0,
    relu: bool = False,
    cut: ConvCut | None = None,
) -> Program:
    """out = pool(act(scale·(conv(x, weights) + bias))) as loops; `cut` overrides the choice."""
    _check(config, conv, x, out)
    tiling = ConvTiling(config, conv)
    cut = cut or tiling.best()
    program = LoopProgram(config)
    program.store(out.pixel_bytes, relu, float_bits(scale))
    kh, kw = conv.kernel
    in_stride = x.pixel_bytes * 8 // config.input.width
    out_stride = out.pixel_bytes * 8 // config.output.width
    pool = conv.pool or Pool(1, 1)
    program.set(
        "loop_conv_ws_config_1",
        batch=conv.images,
        in_rows=conv.rows,
        in_channels=conv.cin,
        out_channels=conv.cout,
        out_rows=conv.out_rows,
        pool_out_rows=out.height,
        out_cols=conv.out_cols,
        stride=conv.stride,
        padding=conv.pads[0],
    )
    for loop in tiling.loops(cut):
        y, x_axis, channel = loop.y, loop.x, loop.channels.start
        program.set(
            "loop_conv_ws_config_2",
            pool_padding=pool.padding,
            pool_stride=pool.stride,
            pool_size=pool.size,
            pool_out_cols=out.width,
            kernel=kw,
            pochs=len(loop.channels),
            pocols=len(x_axis.stored),
            porows=len(y.stored),
            batches=1,
        )
        program.set(
            "loop_conv_ws_config_3",
            lpad=x_axis.before,
            rpad=x_axis.after,
            upad=y.before,
            dpad=y.after,
            plpad=x_axis.out_before,
            kchs=tiling.depth(loop),
            kcols=kw,
            krows=kh,
            in_cols=conv.cols,
        )
        program.set(
            "loop_conv_ws_config_4",
            kernel_dilation=conv.dilation,
            pupad=y.out_before,
            pdpad=y.out_after,
            prpad=x_axis.out_after,
            orows=len(y.out),
            ocols=len(x_axis.out),
            out_stride=out_stride,
            weight_stride=conv.cout,
            in_stride=in_stride,
        )
        if conv.depthwise:
            column = row_bytes(config.input, channel)
        else:
            column = 0
        at_w = weights + row_bytes(config.weight, channel)
        at_x = x.pixel(loop.image, y.start, x_axis.start) + column
        at_out = out.pixel(loop.image, y.stored.start, x_axis.stored.start)
        at_out += row_bytes(config.output, channel)
        program.set("loop_conv_ws_config_5", weights=at_w * loop.load_b, output=at_out)
        at_bias = bias + row_bytes(config.accumulator, channel) if bias else x.address
        program.set("loop_conv_ws_config_6", bias=at_bias, input=at_x * loop.load_a)
        stays = {f"{cut.stays}_spad_id": loop.half + 1} if cut.stays else {}
        program.go(
            "loop_conv_ws",
            no_bias=int(bias is None),
            depthwise=int(conv.depthwise),
            weights_1203=int(conv.depthwise),
            max_pixels_per_row=tiling.pixels,
            no_pool=int(conv.pool is None),
            downsample=int(tiling.downsample),
            activation=int(relu),
            **stays,
        )
    return Program(config, tuple(program.commands), conv.macs)
