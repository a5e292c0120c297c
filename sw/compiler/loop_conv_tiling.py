"""How a convolution is cut into loops, and what the loops take.

A convolution that exceeds half of a local memory is cut by output lines, columns and channels; an
operand that neighbouring loops share stays where it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import gcd

from hw.config import Config
from hw.formats import row_bytes

from .blocking import ceil
from .pipeline import Work, total_cycles
from .pooled import Pool

PLAN = 60
"""Cycles of loop_conv_ws's products."""


@dataclass(frozen=True)
class LoopConvolution:
    """What loop_conv_ws can do: images of `rows`×`cols`×`cin` to `out_rows`×`out_cols`×`cout`.

    `pads` are the zeros above and to the left; those below and to the right follow from the size
    of the output. Weights are [kh, kw, cin, cout]; [3, 3, channels] if `depthwise`.

    With `phases` above 1 the columns are those that outputs ask for, stride 1, and every
    `phases`-th line of the kernel is a loop of its own, which sees every `phases`-th line of the
    image. `apart` are the elements from one column to the next in memory, if not `cin`.
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
    phases: int = 1
    apart: int = 0

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


def _axis(conv: LoopConvolution, part: range, way: int) -> _Axis:
    """The inputs under the stored outputs `part`, of lines (`way` 0) or columns."""
    pool, kernel, pad = conv.pool, conv.kernel[way], conv.pads[way]
    size, out = ((conv.rows, conv.out_rows), (conv.cols, conv.out_cols))[way]
    stride = conv.stride // conv.phases if way else conv.stride
    outputs, before, after = part, 0, 0
    if pool:
        first = part.start * pool.stride - pool.padding
        end = (part.stop - 1) * pool.stride - pool.padding + pool.size
        outputs = range(max(first, 0), min(end, out))
        before, after = outputs.start - first, end - outputs.stop
    span = len(outputs) * stride + (kernel - 1) * conv.dilation
    first = outputs.start * stride - pad
    above = min(max(-first, 0), span)
    below = min(max(first + span - size, 0), span - above)
    start = min(max(first + above, 0), size)  # of the image, if any of it is read
    return _Axis(part, outputs, before, after, start, span, above, below)


@dataclass(frozen=True)
class Loop:
    """Lines, columns and channels of a loop, and which operands it loads.

    Its kernel has `taps` lines, from line `phase` on.
    """

    image: int
    y: _Axis
    x: _Axis
    channels: range
    load_a: bool
    load_b: bool
    half: int
    taps: int
    phase: int = 0
    stores: bool = True


def _parts(count: int, size: int, first: int = 0) -> list[range]:
    """0 to `count` in stretches of `size`, the first perhaps shorter."""
    head = [range(first)] if first else []
    return head + [range(n, min(n + size, count)) for n in range(first, count, size)]


class ConvTiling:
    """A convolution cut into loops."""

    def __init__(self, config: Config, conv: LoopConvolution, biased: bool = False):
        self.config, self.conv, self.biased = config, conv, biased
        dim, kw = config.dim, conv.kernel[1]
        few = config.first_layer and not conv.depthwise and conv.dilation == 1
        self.pixels = max(1, min(kw, dim // conv.cin, dim - 1)) if few else 1
        sizes = conv.rows % 2 == conv.cols % 2 == 0
        self.downsample = conv.kernel == (1, 1) and conv.stride == 2 and sizes
        self.downsample = self.downsample and conv.pads == (0, 0) and not conv.pool

    def loops(self, cut: ConvCut) -> Iterator[Loop]:
        """In order; those of one place and its channels add up."""
        conv = self.conv
        rows, cols = conv.stored
        places = [
            (image, _axis(conv, y, 0), _axis(conv, x, 1))
            for image in range(conv.images)
            for y in _parts(rows, cut.rows, cut.first)
            for x in _parts(cols, cut.cols)
        ]
        channels = self._channels(cut)
        taps = conv.kernel[0]
        if cut.stays == "b":
            for half, part in enumerate(channels):
                for place in places:
                    yield Loop(*place, part, True, place == places[0], half % 2, taps)
            return
        for half, place in enumerate(places):
            for part in channels:
                first = part == channels[0] or cut.stays != "a"
                for phase in range(conv.phases):
                    lines = ceil(taps - phase, conv.phases)
                    last = phase == conv.phases - 1
                    yield Loop(*place, part, first, True, half % 2, lines, phase, last)

    def _channels(self, cut: ConvCut) -> list[range]:
        """Output channels of the loops; depthwise ones of a single channel are something else."""
        parts = _parts(self.conv.cout, cut.channels)
        if self.conv.depthwise and len(parts) > 1 and len(parts[-1]) == 1:
            whole = 8 // gcd(8, self.config.input.width)  # channels that start on a byte
            border = parts[-1].start - whole
            parts[-2:] = [range(parts[-2].start, border), range(border, self.conv.cout)]
        return parts

    def lines(self, loop: Loop) -> int:
        """Lines of the input that a loop has in the scratchpad."""
        if self.conv.phases > 1:
            return len(loop.y.out) + loop.taps - 1
        return loop.y.count >> int(self.downsample)

    def rows_of_a(self, loop: Loop) -> int:
        lines, cols = self.lines(loop), loop.x.count >> int(self.downsample)
        if self.conv.depthwise:  # padding is not stored, but room for it above
            lines, cols = lines - loop.y.after, cols - loop.x.before - loop.x.after
        return ceil(self.depth(loop), self.config.dim) * lines * cols

    def depth(self, loop: Loop) -> int:
        """Input channels of a loop."""
        return len(loop.channels) if self.conv.depthwise else self.conv.cin

    def rows_of_b(self, loop: Loop) -> int:
        kh, kw = loop.taps, self.conv.kernel[1]
        depth = 1 if self.conv.depthwise else self.conv.cin
        return ceil(len(loop.channels), self.config.dim) * kh * kw * depth

    def sums(self, loop: Loop) -> int:
        return ceil(len(loop.channels), self.config.dim) * len(loop.y.out) * len(loop.x.out)

    def fits(self, cut: ConvCut) -> bool:
        """Whether the first, largest loop and its neighbours fit halves of both memories."""
        config = self.config
        parts = self._channels(cut)
        if self.conv.depthwise and len(parts) > 1 and min(map(len, parts)) < 2:
            return False
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
            ways = ("",) if conv.depthwise or conv.phases > 1 else ("", "a", "b")
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

    def work(self, loop: Loop) -> Work:
        """What a loop keeps the units busy with; loads come before the first compute."""
        config, conv = self.config, self.conv
        dim, kw = config.dim, conv.kernel[1]
        depth, channels = self.depth(loop), len(loop.channels)
        blocks, deep = ceil(channels, dim), ceil(depth, dim)
        rows, cols = len(loop.y.out), len(loop.x.out)
        step = conv.stride // conv.phases
        lines = self.lines(loop)
        pixel = max(self._words(depth, conv.apart or depth), deep) * self.pixels
        a = int(self.rows_of_a(loop) // deep * pixel) * loop.load_a
        wide = min(blocks, config.max_block_len)
        b = self.rows_of_b(loop) // blocks * ceil(blocks, wide) * loop.load_b
        b = int(b * max(self._words(min(channels, wide * dim), conv.cout), wide))
        strips = [min(dim, cols - n) for n in range(0, cols, dim)]
        line = sum(max(n, 4) for n in strips)
        if conv.depthwise:
            passes = ceil(3, config.dw_lines)
            tiles = blocks * passes
            tile = max(rows * (cols * step + 2), 9)
        else:
            tiles = blocks * loop.taps * ceil(kw, self.pixels) * deep
            tile = max(dim, rows * line) + (dim // 2 if step == 2 else 1)
        execute = tiles * tile
        one = b // tiles * blocks  # tiles of weights that come together
        bias = rows * cols * blocks * self.biased * (loop.phase == 0)
        taps = conv.pool.size**2 if conv.pool else 1
        store = len(loop.y.stored) * len(loop.x.stored) * taps * loop.stores
        after = execute - execute // wide if b else 0
        return Work(
            load=bias + a + b,
            execute=execute,
            store=store * blocks,
            first=min(bias, line) + a // lines + one,
            last=min(tile, execute),
            a=(min(bias, rows * line) + a + one) * loop.load_a,
            after_a=(execute - tile) * loop.load_a,
            after_load=after,
            tail=store,
            plan=PLAN,
        )

    def _words(self, elements: int, pitch: int) -> float:
        """Bus words of a row of `elements`, on average over rows `pitch` elements apart."""
        fmt, bus = self.config.input, self.config.bus_bytes
        count, apart = row_bytes(fmt, elements), row_bytes(fmt, pitch)
        starts = [n * apart % bus for n in range(bus)]
        return sum(ceil(start + count, bus) for start in starts) / bus

    def cycles(self, cut: ConvCut) -> int:
        """Cycles that a cut takes by the model."""
        return total_cycles(map(self.work, self.loops(cut)))

    def best(self) -> ConvCut:
        cuts = list(self.cuts())
        if not cuts:
            raise ValueError("conv2d: not even one output line fits the local memories")
        return min(cuts, key=lambda cut: (self.cycles(cut), -cut.rows, cut.first, self._loads(cut)))

    def _loads(self, cut: ConvCut) -> int:
        return sum(self.work(loop).load for loop in self.loops(cut))
