"""The loop nest that every layer becomes: blocks of outputs, steps of K, tiles of columns, lines.

A layer is a :class:`Source` of A (how its rows get into the scratchpad, and which local rows a
compute streams), a matrix B of weights, an optional bias and a :class:`Target`. Weights stay in
the array for all lines of a block; accumulator rows of a block alternate between two halves, so
that one is stored while the other is filled.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Protocol

from hw.config import Config
from hw.formats import row_bytes
from hw.isa import Command, Local

from .jobs import JobList, Move
from .layout import Matrix
from .schedule import schedule
from .slots import Slots

TRIALS, SMALL = 6, 2048
"""How many blockings are tried for layers of fewer computes than SMALL."""


@dataclass(frozen=True)
class Step:
    """`k` rows of B from memory row `row`: one pass over the lines of a block."""

    row: int
    k: int


@dataclass(frozen=True)
class Access:
    """Outputs `first` to `first + rows - 1` of a line; A from `offset` in the slot of `key`."""

    first: int
    rows: int
    key: Hashable
    offset: int


class Source(Protocol):
    """Operand A of a layer.

    Attributes
    ----------
    lines : how many output lines; every line has `line_rows` outputs except perhaps the last.
    steps : the parts of K, in a good order; with `covers_first`, step 0 reaches every output.
    slot_rows : local rows of one piece of A.
    a_stride : local rows between consecutive outputs.
    """

    lines: int
    line_rows: int
    steps: list[Step]
    slot_rows: int
    a_stride: int
    covers_first: bool

    def rows(self, line: int) -> int:
        """Outputs of a line."""

    def accesses(self, line: int, step: int) -> list[Access]:
        """Which outputs of `line` step number `step` reaches; each is one compute."""

    def moves(self, key: Hashable) -> list[Move]:
        """Loads that fill a slot with the piece `key`."""


class Target(Protocol):
    """Where outputs go."""

    def runs(self, first_line: int, lines: int) -> Iterable[tuple[int, int, int]]:
        """(first output within the block, outputs, address) evenly spaced by `pitch`."""

    pitch: int


@dataclass(frozen=True)
class Layer:
    """Everything the loop nest needs to know.

    `bias` rows follow the outputs of the whole layer (pitch 0: one row for all).
    """

    source: Source
    weights: Matrix
    columns: int
    target: Target
    bias: Matrix | None = None
    relu: bool = False
    scale: float = 1.0
    full_width: bool = False


@dataclass(frozen=True)
class Blocking:
    """`lines` output lines by `tiles` column tiles; `tiles_first` steps columns faster."""

    lines: int
    tiles: int
    tiles_first: bool


def _powers(limit: int) -> list[int]:
    return sorted({min(1 << i, limit) for i in range(limit.bit_length() + 1)})


def _ceil(a: int, b: int) -> int:
    return -(-a // b)


def blockings(config: Config, layer: Layer, a_slots: int, b_tiles: int) -> list[Blocking]:
    """Blockings that fit the accumulator memory, least traffic first."""
    source = layer.source
    tiles, steps = _ceil(layer.columns, config.dim), len(source.steps)
    found = []
    for lines in _powers(source.lines):
        pitch = _pitch(config, source, lines)
        for width in _powers(tiles):
            blocks = _ceil(source.lines, lines) * _ceil(tiles, width)
            room = config.acc_rows if blocks == 1 else config.acc_rows // 2
            if pitch * width > room:
                continue
            rows = min(source.line_rows * lines, source.lines * source.line_rows)
            crowded = lines > max(1, a_slots // 2) and lines > 1
            fits_b = tiles * steps <= b_tiles
            b_passes = 1 if fits_b else _ceil(source.lines, lines)
            fits_a = source.lines * _ceil(steps, 4) <= a_slots
            a_passes = 1 if fits_a else _ceil(tiles, width)
            traffic = a_passes * source.lines * source.line_rows + b_passes * tiles * config.dim
            exposed = max(0, config.dim - rows) * blocks * width
            start = config.dim * steps * max(0, lines + width - lines * width)
            narrow = max(0, config.max_block_len - width)
            size = (-min(rows, 8 * config.dim), pitch * width)
            cost = (crowded, traffic + exposed + start, narrow, *size)
            found.append((cost, Blocking(lines, width, a_passes > 1 or b_passes == 1)))
    return [blocking for _, blocking in sorted(found, key=lambda pair: pair[0])]


def _pitch(config: Config, source: Source, lines: int) -> int:
    """Accumulator rows from one column tile to the next in a block."""
    return max(source.line_rows * lines, config.dim) if source.lines > 1 else config.dim


class Nest:
    """Turns a layer into jobs, block by block."""

    def __init__(self, config: Config, layer: Layer, blocking: Blocking):
        self.config, self.layer, self.blocking = config, layer, blocking
        source = layer.source
        half = config.sp_rows // 2
        b_tiles, a_slots = half // config.dim, half // source.slot_rows
        self.group = max(1, min(config.max_block_len, b_tiles // 4, self.blocking.tiles))
        self.a = Slots(0, source.slot_rows, a_slots)
        self.b = Slots(half, config.dim * self.group, b_tiles // self.group)
        self.jobs = JobList(config, source.a_stride, layer.relu, layer.scale)

    def run(self) -> tuple[list[Command], int]:
        """Commands in program order, and the cycles the scheduler's model expects."""
        blocks = list(self._blocks())
        self._announce(blocks)
        self._time = 0
        for number, block in enumerate(blocks):
            self._block(block, number % 2 * (self.config.acc_rows // 2), number)
        return schedule(self.config, self.jobs.jobs)

    def _blocks(self) -> Iterable[tuple[range, range]]:
        """(lines, column tiles) of every block."""
        blocking, source = self.blocking, self.layer.source
        tiles = _ceil(self.layer.columns, self.config.dim)
        lines = [
            range(i, min(i + blocking.lines, source.lines))
            for i in range(0, source.lines, blocking.lines)
        ]
        columns = [
            range(i, min(i + blocking.tiles, tiles)) for i in range(0, tiles, blocking.tiles)
        ]
        if blocking.tiles_first:
            return [(line, column) for line in lines for column in columns]
        return [(line, column) for column in columns for line in lines]

    def _computes(self, block) -> Iterable[tuple[int, int, int, Access]]:
        """(step, column tile, line, access) of a block in order."""
        lines, tiles = block
        source = self.layer.source
        for step in range(len(source.steps)):
            reached = [(line, access) for line in lines for access in source.accesses(line, step)]
            for tile in tiles:
                for line, access in reached:
                    yield step, tile, line, access

    def _announce(self, blocks) -> None:
        time = 0
        for block in blocks:
            for step, tile, _, access in self._computes(block):
                self.a.will_use(access.key, time)
                self.b.will_use(self._b_key(step, tile, block[1]), time)
                time += 1

    def _b_key(self, step: int, tile: int, tiles: range) -> tuple[int, int, int]:
        """(step, first tile, tiles) of the piece of B that holds `tile`; the first step is fine."""
        width = 1 if step == 0 else self.group
        first = tiles.start + (tile - tiles.start) // width * width
        return step, first, min(width, tiles.stop - first)

    def _columns(self, tile: int, count: int = 1) -> int:
        dim = self.config.dim
        return min(count * dim, self.layer.columns - tile * dim)

    def _load_b(self, key: tuple[int, int, int], row: int) -> None:
        step, tile, count = key
        config, weights = self.config, self.layer.weights
        part = self.layer.source.steps[step]
        address = (
            weights.address + part.row * weights.pitch + row_bytes(config.weight, tile * config.dim)
        )
        cols = self._columns(tile, count)
        self.jobs.load(1, Move(address, 0, part.k, cols, weights.pitch, config.dim), row)

    def _block(self, block, base: int, number: int) -> None:
        lines, tiles = block
        layer, dim = self.layer, self.config.dim
        source = layer.source
        starts, outputs = {}, 0
        for line in lines:
            starts[line] = outputs
            outputs += source.rows(line)
        self._pitch_now = max(outputs, dim)
        late = number == 0 and len(source.steps) > 1 and source.covers_first
        if layer.bias and not late:
            self._bias(block, base, outputs, accumulate=False)
        elif not layer.bias and not source.covers_first:
            self._zero(tiles, base, outputs)
        fresh = (late or not layer.bias) and source.covers_first
        previous = 0
        for step, tile, line, access in self._computes(block):
            if step != previous and previous == 0 and layer.bias and late:
                self._bias(block, base, outputs, accumulate=True)
            previous = step
            part = source.steps[step]
            key = self._b_key(step, tile, tiles)
            b_row, missing = self.b.use(key, self._time)
            if missing:
                self._load_b(key, b_row)
            a_row, missing = self.a.use(access.key, self._time)
            if missing:
                for move in source.moves(access.key):
                    self.jobs.load(0, move, a_row)
            self._time += 1
            c_row = base + (tile - tiles.start) * self._pitch_now + starts[line] + access.first
            c = Local(c_row, acc=True, accumulate=not (fresh and step == 0))
            self.jobs.compute(
                (a_row + access.offset, source.a_stride),
                b_row + (tile - key[1]) * dim,
                c,
                access.rows,
                part.k,
                self._columns(tile),
                (step, tile),
            )
        self._store(block, base)

    def _bias(self, block, base: int, outputs: int, accumulate: bool) -> None:
        lines, tiles = block
        config, bias = self.config, self.layer.bias
        to = Local(0, acc=True, accumulate=accumulate)
        first = lines.start * self.layer.source.line_rows
        for tile in tiles:
            column = bias.address + row_bytes(config.accumulator, tile * config.dim)
            for row in range(0, outputs, config.dim):
                move = Move(
                    column + (first + row) * bias.pitch,
                    (tile - tiles.start) * self._pitch_now + row,
                    min(config.dim, outputs - row),
                    self._columns(tile),
                    bias.pitch,
                    config.dim,
                )
                self.jobs.load(2, move, base, to)

    def _zero(self, tiles: range, base: int, outputs: int) -> None:
        """Zeros into the block's accumulator rows, for steps that do not reach all of them."""
        config = self.config
        for tile in tiles:
            for row in range(0, outputs, config.dim):
                at = (tile - tiles.start) * self._pitch_now + row
                rows, cols = min(config.dim, outputs - row), self._columns(tile)
                move = Move(0, at, rows, cols, 0, config.dim)
                self.jobs.load(2, move, base, Local(0, acc=True))

    def _store(self, block, base: int) -> None:
        lines, tiles = block
        layer, dim = self.layer, self.config.dim
        fmt = self.config.accumulator if layer.full_width else self.config.output
        wide = self._pitch_now == dim and not layer.full_width
        group = self.config.max_block_len if wide else 1
        for tile in range(tiles.start, tiles.stop, group):
            cols = self._columns(tile, min(group, tiles.stop - tile))
            column = row_bytes(fmt, tile * dim)
            for first, count, address in layer.target.runs(lines.start, len(lines)):
                for row in range(0, count, dim):
                    self.jobs.store(
                        address + row * layer.target.pitch + column,
                        base + (tile - tiles.start) * self._pitch_now + first + row,
                        min(dim, count - row),
                        cols,
                        layer.target.pitch,
                        layer.full_width,
                    )


def lower(config: Config, layers: list[Layer]) -> list[Command]:
    """Commands of a layer, given in one or more ways, in program order: the quickest tried."""
    trials = [trial for layer in layers for trial in _trials(config, layer)]
    return min(trials, key=lambda trial: trial[1])[0]


def _trials(config: Config, layer: Layer) -> list[tuple[list[Command], int]]:
    """Commands and expected cycles of the likeliest blockings."""
    source, half = layer.source, config.sp_rows // 2
    ranked = blockings(config, layer, half // source.slot_rows, half // config.dim)
    computes = source.lines * len(source.steps) * _ceil(layer.columns, config.dim)
    count = TRIALS if computes < SMALL else 1
    return [Nest(config, layer, blocking).run() for blocking in ranked[:count]]
