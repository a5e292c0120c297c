"""Depthwise 3×3 convolutions: every channel has a lane, every line of outputs is a compute.

Blocks of `dim` channels become planes of the scratchpad, one pixel per row; they are computed while
they arrive. Padding is never loaded. Arrays with fewer than nine rows take the kernel's lines in
several passes over the same outputs.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from hw.config import Config
from hw.formats import row_bytes
from hw.isa import Command, Local

from .jobs import JobList, Lines, Move
from .layout import Image
from .program import Program
from .schedule import schedule

KERNEL = 3
MOST_STRIDE = 7
MOST_PIXELS = 1023
"""What the fields of compute_depthwise hold: a stride, the pixels and outputs of a line."""


@dataclass(frozen=True)
class Depthwise:
    """A depthwise 3×3 convolution: NHWC input, weights [3, 3, channels], NHWC output."""

    images: int
    channels: int
    stride: int = 1
    padding: int = 1

    def __post_init__(self):
        bounds = {
            "images": (1, 1 << 16), "channels": (1, 1 << 16),
            "stride": (1, MOST_STRIDE), "padding": (0, KERNEL - 1),
        }  # fmt: skip
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"depthwise: {name} is {value}; it must be from {least} to {most}")

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the output of an image; ValueError if there is none."""
        sizes = [(n + 2 * self.padding - KERNEL) // self.stride + 1 for n in (height, width)]
        if min(sizes) < 1:
            raise ValueError(f"a 3×3 kernel does not fit an image of {height}×{width}")
        return sizes[0], sizes[1]


def _pitch(width: int, lines: int) -> int:
    """Local rows from one line to the next, of `lines` that are read at once from four banks.

    Each reader comes to run a cycle behind the one before it. So they stay out of each other's way
    if three lines are two banks apart; of two lines, one.
    """
    return width + (2 - width) % 4 if lines > 2 else width | 1


class Ring:
    """Stretches of a local memory handed out in turn; jobs wait for whoever used them before."""

    def __init__(self, first: int, end: int):
        self.first, self.end, self.next = first, end, first

    def take(self, rows: int) -> int:
        """First of `rows` rows."""
        if self.next + rows > self.end:
            self.next = self.first
        start, self.next = self.next, self.next + rows
        return start


@dataclass(frozen=True)
class _Part:
    """Output lines `first` to `end - 1` of a block of channels; the input lines they need."""

    image: int
    channel: int
    channels: int
    first: int
    end: int
    top: int
    bottom: int


class _Lowering:
    def __init__(self, config, conv, x: Image, weights: int, out: Image, bias, relu, scale):
        self.config, self.conv, self.x, self.out = config, conv, x, out
        self.weights, self.bias = weights, bias
        self.jobs = JobList(config, 1, relu, scale)
        self.taps = Ring(0, 2 * KERNEL**2)
        self.sums = Ring(0, config.acc_rows)
        self.pitch = _pitch(x.width, config.dw_lines)
        self.planes = Ring(self.taps.end, config.sp_rows)
        lines = (config.sp_rows - self.taps.end) // (2 * self.pitch)
        self.most = (lines - KERNEL - conv.padding) // conv.stride + 1
        if self.most < 1:
            raise ValueError(f"depthwise: lines of {x.width} pixels do not fit the scratchpad")

    def parts(self) -> Iterable[_Part]:
        """Parts whose planes take at most half the scratchpad."""
        conv, dim, lines = self.conv, self.config.dim, self.most
        for image in range(conv.images):
            for channel in range(0, conv.channels, dim):
                channels = min(dim, conv.channels - channel)
                for first in range(0, self.out.height, lines):
                    end = min(first + lines, self.out.height)
                    top = max(0, first * conv.stride - conv.padding)
                    bottom = min(self.x.height, (end - 1) * conv.stride - conv.padding + KERNEL)
                    yield _Part(image, channel, channels, first, end, top, bottom)

    def run(self) -> list[Command]:
        loaded = None
        for part in self.parts():
            if part.channel != loaded:
                loaded, taps = part.channel, self._load_taps(part)
            self._part(part, taps)
        return schedule(self.config, self.jobs.jobs)[0]

    def _load_taps(self, part: _Part) -> int:
        config = self.config
        column = self.weights + row_bytes(config.weight, part.channel)
        taps = self.taps.take(KERNEL**2)
        pitch = row_bytes(config.weight, self.conv.channels)
        step = min(KERNEL**2, config.dim)
        for row in range(0, KERNEL**2, step):
            rows = min(step, KERNEL**2 - row)
            at = column + row * pitch
            self.jobs.load(1, Move(at, row, rows, part.channels, pitch, KERNEL**2), taps)
        return taps

    def _part(self, part: _Part, taps: int) -> None:
        conv, width = self.conv, self.out.width
        before = conv.padding * self.pitch  # what the first computes' addresses look back to
        base = self.planes.take((part.bottom - part.top) * self.pitch + before) + before
        self._load(part, base)
        most = self.config.acc_rows // 2 // width
        for first in range(part.first, part.end, most):
            lines = range(first, min(first + most, part.end))
            c = self.sums.take(len(lines) * width)
            if self.bias is not None:
                self._bias(part, c, len(lines) * width)
            self._compute(part, base, taps, lines, c)
            self._store(part, lines, c)

    def _load(self, part: _Part, base: int) -> None:
        x, config = self.x, self.config
        column = row_bytes(config.input, part.channel)
        for line in range(part.top, part.bottom):
            row = base + (line - part.top) * self.pitch
            for pixel in range(0, x.width, config.dim):
                address = x.pixel(part.image, line, pixel) + column
                rows = min(config.dim, x.width - pixel)
                move = Move(address, pixel, rows, part.channels, x.pixel_bytes, config.dim)
                self.jobs.load(0, move, row)

    def _bias(self, part: _Part, c: int, rows: int) -> None:
        config, cols = self.config, part.channels
        address = self.bias + row_bytes(config.accumulator, part.channel)
        for row in range(0, rows, config.dim):
            move = Move(address, row, min(config.dim, rows - row), cols, 0, config.dim)
            self.jobs.load(2, move, c, Local(0, acc=True))

    def _compute(self, part: _Part, base: int, taps: int, lines: range, c: int) -> None:
        conv, x, out = self.conv, self.x, self.out
        empty = set(lines) if self.bias is None else set()
        for first in range(0, KERNEL, self.config.dw_lines):
            count = min(self.config.dw_lines, KERNEL - first)
            tap = taps + KERNEL * first, KERNEL * count
            for y in lines:
                line = y * conv.stride - conv.padding + first
                mask = sum(1 << n for n in range(count) if 0 <= line + n < x.height)
                if not mask:
                    continue
                a = base + (line - part.top) * self.pitch
                pixels = Lines(a, self.pitch, x.width, mask, conv.padding)
                row = c + (y - lines.start) * out.width
                to = Local(row, acc=True, accumulate=y not in empty)
                self.jobs.depthwise(pixels, tap, to, out.width, part.channels, conv.stride)
                empty.discard(y)

    def _store(self, part: _Part, lines: range, c: int) -> None:
        out, dim = self.out, self.config.dim
        column = row_bytes(self.config.output, part.channel)
        width = len(lines) * out.width if not out.border else out.width
        for line in [lines.start] if not out.border else lines:
            for pixel in range(0, width, dim):
                address = out.pixel(part.image, line, 0) + pixel * out.pixel_bytes + column
                row = c + (line - lines.start) * out.width + pixel
                rows = min(dim, width - pixel)
                self.jobs.store(address, row, rows, part.channels, out.pixel_bytes, False)


def check_depthwise(config: Config, x: Image) -> None:
    """ValueError unless the configuration takes lines of these images."""
    if not config.dw_lines:
        raise ValueError(
            f"depthwise: {config.name} has no compute_depthwise; it needs depthwise=on, dim >= 3 "
            f"and sums that are not rounded (here {config.accumulator.name})"
        )
    if x.width > MOST_PIXELS:
        raise ValueError(
            f"depthwise: lines of {x.width} pixels are too long; cut the image into columns of at "
            f"most {MOST_PIXELS}"
        )


def depthwise(
    config: Config,
    conv: Depthwise,
    x: Image,
    weights: int,
    out: Image,
    bias: int | None = None,
    *,
    scale: float = 1.0,
    relu: bool = False,
) -> Program:
    """out = act(scale·(depthwise convolution of x + bias)).

    `weights` is the address of [9, channels] input elements (kernel lines first), `bias` of
    [channels] accumulator elements. The border of `out` is not written.
    """
    check_depthwise(config, x)
    size = conv.output_size(x.height, x.width)
    if (out.height, out.width) != size:
        raise ValueError(
            f"the output image is {out.height}×{out.width}; this convolution gives "
            f"{size[0]}×{size[1]}"
        )
    if 2 * out.width > config.acc_rows:
        raise ValueError(f"depthwise: lines of {out.width} outputs do not fit the accumulators")
    commands = _Lowering(config, conv, x, weights, out, bias, relu, scale).run()
    macs = conv.images * size[0] * size[1] * conv.channels * KERNEL**2
    return Program(config, tuple(commands), macs)
