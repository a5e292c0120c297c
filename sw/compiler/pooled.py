"""Convolutions with max-pooling behind them, pooled on the way to memory.

The accumulator memory holds as many output lines of one column tile as it can; a pooled line is
stored as soon as its lines are there, while the next ones are computed. Lines that two such groups
share are computed twice.
"""

from dataclasses import dataclass

from hw.config import Config
from hw.formats import row_bytes
from hw.isa import Command, Local

from .jobs import JobList, Move, Window
from .layout import Image
from .schedule import schedule
from .slots import Slots
from .tiling import Layer, Source


@dataclass(frozen=True)
class Pool:
    """Max-pooling of `size`² windows; taps in the padding count as 0."""

    size: int
    stride: int
    padding: int = 0

    def __post_init__(self):
        for name, value, least in (
            ("size", self.size, 1),
            ("stride", self.stride, 1),
            ("padding", self.padding, 0),
        ):
            if not least <= value <= 3:
                raise ValueError(f"Pool: {name} is {value}; it must be from {least} to 3")
        if self.padding >= self.size:
            raise ValueError(f"Pool: padding is {self.padding}; the window has {self.size} lines")

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the pooled image; ValueError if there is none."""
        sizes = [(n + 2 * self.padding - self.size) // self.stride + 1 for n in (height, width)]
        if min(sizes) < 1:
            raise ValueError(f"pooling {self.size}×{self.size} does not fit {height}×{width}")
        return sizes[0], sizes[1]


class _Pooled:
    """Jobs of a pooled layer: groups of pooled lines, then column tiles, then lines."""

    def __init__(self, config: Config, layer: Layer, pool: Pool, out: Image):
        self.config, self.layer, self.pool, self.out = config, layer, pool, out
        source = layer.source
        self.source, self.dim = source, config.dim
        self.tiles = -(-layer.columns // config.dim)
        room = config.acc_rows // source.out_w
        if room < max(2, pool.size):
            raise ValueError(
                f"pooling takes {max(2, pool.size)} lines of {source.out_w} outputs at a time; the "
                f"accumulator memory has {config.acc_rows} rows"
            )
        self.group = (room - pool.size) // pool.stride + 1
        tiles = min(self.tiles * len(source.steps), config.sp_rows // 2 // config.dim)
        weights = tiles * config.dim
        self.b = Slots(config.sp_rows - weights, config.dim, tiles)
        slots = (config.sp_rows - weights) // source.slot_rows
        self.a = Slots(0, source.slot_rows, slots)
        self.jobs = JobList(config, source.a_stride, layer.relu, layer.scale)

    def lines(self, image: int, first: int, end: int) -> range:
        """Output lines under the pooled lines `first` to `end - 1` of an image."""
        pool, height = self.pool, self.source.out_h
        top = max(0, first * pool.stride - pool.padding)
        bottom = min(height, (end - 1) * pool.stride - pool.padding + pool.size)
        return range(image * height + top, image * height + bottom)

    def groups(self):
        """(image, first pooled line, its end, column tile) in order."""
        for image in range(self.source.conv.images):
            for first in range(0, self.out.height, self.group):
                end = min(first + self.group, self.out.height)
                for tile in range(self.tiles):
                    yield image, first, end, tile

    def computes(self):
        """(group, line, step, access) in order."""
        for group in self.groups():
            for line in self.lines(*group[:3]):
                for step in range(len(self.source.steps)):
                    for access in self.source.accesses(line, step):
                        yield group, line, step, access

    def run(self) -> list[Command]:
        for time, (group, _, step, access) in enumerate(self.computes()):
            self.a.will_use(access.key, time)
            self.b.will_use((step, group[3]), time)
        now = None
        for time, (group, line, step, access) in enumerate(self.computes()):
            if (group, line) != now:
                if now:
                    self.finish(*now)
                now = group, line
                self.start(*now)
            self.compute(time, group, line, step, access)
        self.finish(*now)
        return schedule(self.config, self.jobs.jobs)[0]

    def place(self, group, line: int) -> int:
        """First accumulator row of a line."""
        return (line - self.lines(*group[:3]).start) * self.source.out_w

    def columns(self, tile: int) -> int:
        return min(self.dim, self.layer.columns - tile * self.dim)

    def start(self, group, line: int) -> None:
        """Bias or, where steps do not reach all outputs, zeros into a line."""
        bias, config = self.layer.bias, self.config
        if bias is None and self.source.covers_first:
            return
        address = 0
        if bias is not None:
            address = bias.address + row_bytes(config.accumulator, group[3] * self.dim)
        base, cols = self.place(group, line), self.columns(group[3])
        for row in range(0, self.source.out_w, self.dim):
            rows = min(self.dim, self.source.out_w - row)
            move = Move(address, row, rows, cols, 0, self.dim)
            self.jobs.load(2, move, base, Local(0, acc=True))

    def compute(self, time: int, group, line: int, step: int, access) -> None:
        layer, tile = self.layer, group[3]
        part = self.source.steps[step]
        cols = self.columns(tile)
        b_row, missing = self.b.use((step, tile), time)
        if missing:
            weights = layer.weights
            column = row_bytes(self.config.weight, tile * self.dim)
            address = weights.address + part.row * weights.pitch + column
            self.jobs.load(1, Move(address, 0, part.k, cols, weights.pitch, self.dim), b_row)
        a_row, missing = self.a.use(access.key, time)
        if missing:
            for move in self.source.moves(access.key):
                self.jobs.load(0, move, a_row)
        fresh = step == 0 and layer.bias is None and self.source.covers_first
        c = Local(self.place(group, line) + access.first, acc=True, accumulate=not fresh)
        a = (a_row + access.offset, self.source.a_stride)
        self.jobs.compute(a, b_row, c, access.rows, part.k, cols, (step, tile))

    def finish(self, group, line: int) -> None:
        """Store the pooled lines of which `line` is the last."""
        image, first, end, tile = group
        pool, out = self.pool, self.out
        column = row_bytes(self.config.output, tile * self.dim)
        for y in range(first, end):
            lines = self.lines(image, y, y + 1)
            if lines.stop - 1 != line:
                continue
            top = image * self.source.out_h + y * pool.stride - pool.padding
            window = Window(
                pool_stride=pool.stride,
                pool_size=pool.size,
                upper_pad=lines.start - top,
                left_pad=pool.padding,
                out_rows=len(lines),
                out_cols=self.source.out_w,
                pool_out_rows=1,
                pool_out_cols=out.width,
                pool_out_dim=out.width,
            )
            address, row = out.pixel(image, y, 0) + column, self.place(group, lines.start)
            self.jobs.pool(address, row, self.columns(tile), out.pixel_bytes, window)


def lower_pooled(config: Config, layer: Layer, pool: Pool, out: Image) -> list[Command]:
    """Commands of a convolution (`layer.source` has one output row per line) and its pooling."""
    source: Source = layer.source
    if max(source.out_w, out.width) > 255:
        raise ValueError(f"pooling takes lines of at most 255 outputs, not {source.out_w}")
    return _Pooled(config, layer, pool, out).run()
