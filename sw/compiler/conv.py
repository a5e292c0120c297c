"""Convolutions, straight from images in memory: no im2col copy is ever written.

Two ways to bring A into the scratchpad, chosen by estimated cycles (:func:`conv2d`):

- *shared pixels* (:class:`SharedPixels`): input pixels are loaded once; a compute streams every
  `stride`-th row from the place that its kernel position asks for. Padding is never loaded nor
  computed: a kernel position that looks beyond the image reaches fewer outputs.
- *folded columns* (:class:`FoldedColumns`): one local row holds the channels of all kernel columns,
  which lie side by side in memory. Fills the array when there are few channels; the padding must
  be stored (`Image.border`).
"""

from dataclasses import dataclass

from hw.config import Config
from hw.formats import row_bytes

from .gemm import gemm, ramp
from .jobs import Move
from .layout import Image, Matrix
from .nest import lower
from .program import Program
from .tiling import Access, Layer, Source, Step


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


class _Lines:
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
        frame = self.frame if self.merge > 1 else 0
        inside = -frame <= y < self.x.height + frame
        return (image, y) if inside else None

    def covers(self, step: int) -> bool:
        """Whether a step reaches every output (all images are alike)."""
        lines = range(min(self.lines, self.out_h * self.parts))
        return all(sum(a.rows for a in self.accesses(n, step)) == self.rows(n) for n in lines)


def _centre_first(count: int) -> list[int]:
    return sorted(range(count), key=lambda n: abs(2 * n - count + 1))


class SharedPixels(_Lines):
    """Pieces are the pixels that a strip of one output row needs, by a group of channels."""

    def __init__(self, config: Config, conv: Convolution, x: Image, strip: int):
        super().__init__(config, conv, x, 1, strip)
        self.a_stride = conv.stride
        dim, (kh, kw) = config.dim, conv.kernel
        blocks = -(-conv.cin // dim)
        self.pixels = (strip - 1) * conv.stride + kw
        room = config.sp_rows // 2 // self.pixels
        limit = max(1, min(config.max_block_len, room // (2 * kh), blocks))
        self.slot_rows = self.pixels * limit
        self.steps, self._what = [], []
        for group in ramp(blocks, limit):
            for i in _centre_first(kh):
                for block in group:
                    for j in _centre_first(kw):
                        row = (i * kw + j) * conv.cin + block * dim
                        self.steps.append(Step(row, min(dim, conv.cin - block * dim)))
                        self._what.append((i, j, block, group))
        self.covers_first = self.covers(0)

    def _first_pixel(self, strip: int) -> int:
        return strip * self.conv.stride - self.conv.padding

    def accesses(self, line: int, step: int) -> list[Access]:
        i, j, block, group = self._what[step]
        where = self.input_row(line // self.parts, i)
        if where is None:
            return []
        start = self.part(line).start
        found = []
        for strip, first, end in self.strips(line, *self.reach(j)):
            pixel = (first - strip) * self.conv.stride + j
            offset = (block - group.start) * self.pixels + pixel
            key = (*where, strip, group.start, len(group))
            found.append(Access(first - start, end - first, key, offset))
        return found

    def moves(self, key) -> list[Move]:
        image, y, strip, start, count = key
        dim, x = self.config.dim, self.x
        begin = self._first_pixel(strip)
        low, high = max(begin, 0), min(begin + self.pixels, x.width)
        cols = min(count * dim, self.conv.cin - start * dim)
        column = row_bytes(self.config.input, start * dim)
        return [
            Move(
                x.pixel(image, y, pixel) + column,
                pixel - begin,
                min(dim, high - pixel),
                cols,
                x.pixel_bytes,
                self.pixels,
            )
            for pixel in range(low, high, dim)
        ]

    @staticmethod
    def strip_for(config: Config, conv: Convolution, out_w: int) -> int:
        """Longest strip whose pixels fit a slot; 0 if even one output does not."""
        room = config.sp_rows // 2 - conv.kernel[1]
        return 0 if room < 0 else min(config.dim, out_w, room // conv.stride + 1)


class FoldedColumns(_Lines):
    """Pieces are strips of outputs by a part of one kernel row's ``kw·cin`` elements.

    With `merge` > 1 a piece spans several output rows, so that a compute is long although rows are
    short; then kernel rows share nothing.
    """

    a_stride = 1

    def __init__(self, config: Config, conv: Convolution, x: Image, fold: int, merge: int):
        strip = config.dim if merge == 1 else merge * config.dim
        frame = conv.padding if fold > 1 or merge > 1 else 0
        super().__init__(config, conv, x, merge, strip, frame)
        dim, (kh, kw) = config.dim, conv.kernel
        self.steps, self._what = [], []
        width = fold * conv.cin
        blocks = -(-width // dim)
        room = config.sp_rows // 2 // dim
        limit = max(1, min(config.max_block_len, room // 4, blocks))
        self.slot_rows = dim * limit
        for i in _centre_first(kh):
            for j in range(0, kw, fold):
                for group in ramp(blocks, limit):
                    for block in group:
                        row = (i * kw + j) * conv.cin + block * dim
                        self.steps.append(Step(row, min(dim, width - block * dim)))
                        self._what.append((i, j, block, group))
        self._width = width
        self.covers_first = self.covers(0)

    def accesses(self, line: int, step: int) -> list[Access]:
        i, j, block, group = self._what[step]
        offset = (block - group.start) * self.config.dim
        if self.merge > 1:
            return [Access(0, self.rows(line), (line, i, j, 0, group.start, len(group)), offset)]
        where = self.input_row(line // self.parts, i)
        if where is None:
            return []
        start = self.part(line).start
        found = []
        for strip, first, end in self.strips(line, *self.reach(j)):
            key = (*where, j, strip, group.start, len(group))
            found.append(Access(first - start, end - first, key, offset + first - strip))
        return found

    def moves(self, key) -> list[Move]:
        dim, conv, x = self.config.dim, self.conv, self.x
        head, i, j, strip, start, count = key if self.merge > 1 else (key[:2], None, *key[2:])
        cols = min(count * dim, self._width - start * dim)
        column = row_bytes(self.config.input, start * dim)
        low, high = self.reach(j)
        first, end = max(strip, low), min(strip + self.strip, self.out_w, high)
        if self.merge > 1:
            places = [self.input_row(row, i) for row in self.out_rows_of(head)]
        else:
            places = [head]
        return [
            Move(
                x.pixel(image, y, first * conv.stride - conv.padding + j) + column,
                n * self.out_w + first - strip,
                end - first,
                cols,
                conv.stride * x.pixel_bytes,
                dim,
            )
            for n, (image, y) in enumerate(places)
        ]


@dataclass(frozen=True)
class Pixels:
    """Output pixels in an image."""

    out: Image
    source: _Lines

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


def _check_images(config: Config, conv: Convolution, x: Image, out: Image) -> None:
    size = conv.output_size(x.height, x.width)
    if (out.height, out.width) != size:
        raise ValueError(
            f"the output image is {out.height}×{out.width}; this convolution gives "
            f"{size[0]}×{size[1]}"
        )
    least = row_bytes(config.input, conv.cin)
    if x.pixel_bytes < least:
        raise ValueError(f"pixel_bytes is {x.pixel_bytes}; {conv.cin} channels need {least}")


def _estimate(config: Config, source: Source, conv: Convolution) -> int:
    """Cycles of the slower of load and execute, roughly."""
    tiles = -(-conv.cout // config.dim)
    execute, pieces = 0, {}
    lines = range(min(source.lines, source.out_h * source.parts))
    for step, part in enumerate(source.steps):
        for line in lines:
            for access in source.accesses(line, step):
                execute += max(access.rows, 4) * tiles
                pieces[access.key] = part
    load = 0
    for key in pieces:
        for move in source.moves(key):
            beats = -(-row_bytes(config.input, move.cols) // config.bus_bytes)
            load += move.rows * max(beats, -(-move.cols // config.dim)) + 1
    return max(load, execute) * source.lines // len(lines)


def choose_source(config: Config, conv: Convolution, x: Image) -> Source:
    """The way of bringing in A that the estimate likes best."""
    dim, kw = config.dim, conv.kernel[1]
    _, out_w = conv.output_size(x.height, x.width)
    candidates = []
    strip = SharedPixels.strip_for(config, conv, out_w)
    if strip:
        candidates.append(SharedPixels(config, conv, x, strip))
    stored = conv.padding <= x.border
    whole = x.pixel_bytes * 8 == conv.cin * config.input.width
    for fold in {1, kw} if stored and whole else {1}:
        merges = {1, max(1, dim // out_w)} if stored else {1}
        candidates += [FoldedColumns(config, conv, x, fold, merge) for merge in sorted(merges)]
    return min(candidates, key=lambda source: _estimate(config, source, conv))


def conv2d(
    config: Config,
    conv: Convolution,
    x: Image,
    weights: int,
    out: Image,
    bias: int | None = None,
    *,
    scale: float = 1.0,
    relu: bool = False,
) -> Program:
    """out = act(scale·(conv(x, weights) + bias)).

    `weights` and `bias` are addresses of [kh, kw, cin, cout] input elements and [cout] accumulator
    elements. Rows of weights start on whole bytes. The border of `out` is not written.
    """
    _check_images(config, conv, x, out)
    pitch = row_bytes(config.weight, conv.cout)
    b = Matrix(weights, pitch)
    d = None if bias is None else Matrix(bias, 0)
    options = {"scale": scale, "relu": relu}
    plain = x.border == out.border == 0 and conv.padding == 0
    if plain and conv.kernel == (1, 1) and conv.stride == 1:
        m = conv.images * x.height * x.width
        a, c = Matrix(x.address, x.pixel_bytes), Matrix(out.address, out.pixel_bytes)
        return gemm(config, m, conv.cout, conv.cin, a, b, c, d, **options)
    packed = x.pixel_bytes * 8 == conv.cin * config.input.width
    if plain and packed and conv.kernel == (x.height, x.width):
        a, c = Matrix(x.address, x.image_bytes), Matrix(out.address, out.pixel_bytes)
        return gemm(config, conv.images, conv.cout, conv.k, a, b, c, d, **options)
    source = choose_source(config, conv, x)
    layer = Layer(source, b, conv.cout, Pixels(out, source), d, relu, scale)
    macs = source.out_rows * source.out_w * conv.k * conv.cout
    return Program(config, tuple(lower(config, [layer])), macs)
