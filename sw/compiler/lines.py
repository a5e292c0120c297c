"""Convolutions, their output lines and where these go in memory."""

from dataclasses import dataclass

from hw.config import Config

from .layout import Image


@dataclass(frozen=True)
class Convolution:
    """A two-dimensional convolution: NHWC input, weights [kh, kw, cin, cout], NHWC output."""

    images: int
    cin: int
    cout: int
    kernel: tuple[int, int]
    stride: int = 1
    padding: int = 0

    def __post_init__(self):
        sizes = {"images": self.images, "cin": self.cin, "cout": self.cout, "stride": self.stride}
        sizes |= {"kernel height": self.kernel[0], "kernel width": self.kernel[1]}
        for name, value in sizes.items():
            if value < 1:
                raise ValueError(f"Convolution: {name} is {value}; it must be at least 1")
        if self.padding < 0:
            raise ValueError(f"Convolution: padding is {self.padding}; it must be at least 0")

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the output of an image; ValueError if there is none."""
        kh, kw = self.kernel
        out_h = (height + 2 * self.padding - kh) // self.stride + 1
        out_w = (width + 2 * self.padding - kw) // self.stride + 1
        if out_h < 1 or out_w < 1:
            raise ValueError(
                f"a {kh}×{kw} kernel with padding {self.padding} does not fit an image of "
                f"{height}×{width}"
            )
        return out_h, out_w

    @property
    def k(self) -> int:
        """Products per output."""
        return self.kernel[0] * self.kernel[1] * self.cin


class OutputLines:
    """What both sources share: lines are `merge` output rows each, cut into strips of outputs.

    An output row that exceeds half the accumulator memory is cut into `parts` lines. Padding is
    left out where it can be, or taken from `frame` stored zeros beside the image (with merged rows
    also above and below).
    """

    def __init__(
        self, config: Config, conv: Convolution, x: Image, merge: int, strip: int, frame: int = 0
    ):
        self.config, self.conv, self.x, self.merge, self.strip = config, conv, x, merge, strip
        self.frame = frame
        self.frame_rows = frame if merge > 1 else 0
        self.out_h, self.out_w = conv.output_size(x.height, x.width)
        self.out_rows = conv.images * self.out_h
        room = config.acc_rows // 2 // config.dim * config.dim
        self.part_width = min(self.out_w, room)
        self.parts = -(-self.out_w // self.part_width)
        self.lines = -(-self.out_rows // merge) * self.parts
        self.line_rows = min(merge, self.out_rows) * self.part_width

    def out_rows_of(self, line: int) -> range:
        """Output rows of a line, counted over all images."""
        first = line // self.parts * self.merge
        return range(first, min(first + self.merge, self.out_rows))

    def part(self, line: int) -> range:
        """Outputs of its output rows that a line holds."""
        first = line % self.parts * self.part_width
        return range(first, min(first + self.part_width, self.out_w))

    def rows(self, line: int) -> int:
        return len(self.out_rows_of(line)) * len(self.part(line))

    def strips(self, line: int, low: int, high: int):
        """(strip, first, end) of the outputs from `low` up to `high` that a line holds."""
        part = self.part(line)
        for strip in range(part.start, part.stop, self.strip):
            first, end = max(strip, low), min(strip + self.strip, part.stop, high)
            if first < end:
                yield strip, first, end

    def reach(self, j: int) -> tuple[int, int]:
        """Outputs (first, end) whose pixel at kernel column `j` is in the image or its frame."""
        conv = self.conv
        shift = conv.padding - j
        low = max(0, -((self.frame - shift) // conv.stride))
        high = (self.x.width + self.frame - 1 + shift) // conv.stride + 1
        return low, min(self.out_w, high)

    def input_row(self, out_row: int, i: int) -> tuple[int, int] | None:
        """(image, y) that kernel row `i` reads for an output row; None outside."""
        image, oy = divmod(out_row, self.out_h)
        y = oy * self.conv.stride - self.conv.padding + i
        inside = -self.frame_rows <= y < self.x.height + self.frame_rows
        return (image, y) if inside else None

    def covers(self, step: int) -> bool:
        """Whether a step reaches every output (all images are alike)."""
        lines = range(min(self.lines, self.out_h * self.parts))
        return all(sum(a.rows for a in self.accesses(n, step)) == self.rows(n) for n in lines)


def centre_first(count: int) -> list[int]:
    return sorted(range(count), key=lambda n: abs(2 * n - count + 1))


@dataclass(frozen=True)
class Pixels:
    """Output pixels in an image."""

    out: Image
    source: OutputLines

    @property
    def pitch(self) -> int:
        return self.out.pixel_bytes

    def runs(self, first_line: int, lines: int):
        source, out = self.source, self.out
        if source.parts > 1:
            yield from self._parts(range(first_line, first_line + lines))
            return
        first = source.out_rows_of(first_line).start
        end = source.out_rows_of(first_line + lines - 1).stop
        if not out.border:
            address = out.address + first * out.row_bytes
            yield 0, (end - first) * source.out_w, address
            return
        for number, row in enumerate(range(first, end)):
            image, y = divmod(row, source.out_h)
            yield number * source.out_w, source.out_w, out.pixel(image, y, 0)

    def _parts(self, lines: range):
        source, done = self.source, 0
        for line in lines:
            image, y = divmod(source.out_rows_of(line).start, source.out_h)
            part = source.part(line)
            yield done, len(part), self.out.pixel(image, y, part.start)
            done += len(part)
