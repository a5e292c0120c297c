"""The loop nest that every layer becomes: blocks of outputs, steps of K, tiles of columns, lines.

Weights stay in the array for all lines of a block; accumulator rows of a block alternate between
two halves, so that one is stored while the other is filled. An output-stationary layer goes
through all steps of a tile before the next one.
"""

from collections.abc import Iterable
from itertools import product

from hw.config import Config
from hw.formats import row_bytes
from hw.isa import Command, Local

from .blocked import scales_of_b
from .blocking import Blocking, blockings, ceil
from .jobs import JobList, Move
from .schedule import schedule
from .slots import Slots
from .tiling import Access, Layer

TRIALS, SMALL = 6, 2048
"""How many blockings are tried for layers of fewer computes than SMALL."""


class Nest:
    """Turns a layer into jobs, block by block."""

    def __init__(self, config: Config, layer: Layer, blocking: Blocking):
        self.config, self.layer, self.blocking = config, layer, blocking
        source = layer.source
        half = config.sp_rows // 2
        self.tile_rows = tile_rows(config)
        b_tiles, a_slots = half // self.tile_rows, half // source.slot_rows
        self.stationary = layer.output_stationary
        self.group = 1 if self.stationary else self._group(b_tiles // 4)
        self.long = self.group > config.max_block_len
        self.a = Slots(0, source.slot_rows, a_slots)
        self.b = Slots(half, self.tile_rows * self.group, b_tiles // self.group)
        self.jobs = JobList(
            config, source.a_stride, layer.relu, layer.scale, layer.output_stationary
        )

    def _group(self, room: int) -> int:
        """Column tiles of a piece of B: whole memory rows if B is all traffic and in odd places."""
        config = self.config
        odd = self.layer.weights.pitch % config.bus_bytes and self.layer.source.lines == 1
        limit = config.max_load_blocks if odd else config.max_block_len
        return max(1, min(limit, room, self.blocking.tiles))

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
        tiles = ceil(self.layer.columns, self.config.dim)
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
        if self.stationary:
            for tile, line in product(tiles, lines):
                for step in range(len(source.steps)):
                    yield step, tile, line, source.accesses(line, step)[0]
            return
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
        width = 1 if step == 0 and not self.long else self.group
        first = tiles.start + (tile - tiles.start) // width * width
        return step, first, min(width, tiles.stop - first)

    def _columns(self, tile: int, count: int = 1) -> int:
        dim = self.config.dim
        return min(count * dim, self.layer.columns - tile * dim)

    def _load_b(self, key: tuple[int, int, int], row: int) -> None:
        """Load a piece of B; a long one of the first step in several moves."""
        step, start, count = key
        config, weights = self.config, self.layer.weights
        part = self.layer.source.steps[step]
        address = weights.address + part.row * weights.pitch
        width = config.max_block_len if step == 0 else count
        for tile in range(start, start + count, width):
            column = row_bytes(config.weight, tile * config.dim)
            cols = self._columns(tile, min(width, start + count - tile))
            at = (tile - start) * self.tile_rows
            move = Move(address + column, at, part.k, cols, weights.pitch, self.tile_rows)
            self.jobs.load(1, move, row)
        if self.layer.scales:
            tiles = range(start, start + count)
            for move in scales_of_b(config, self.layer.scales, part, tiles, self.layer.columns):
                self.jobs.load(1, move, row)

    def _pieces(self, step: int, tile: int, tiles: range, access: Access) -> tuple[int, int]:
        """Local rows of B's tile and of the slot of A, loaded if need be."""
        key = self._b_key(step, tile, tiles)
        b_row, b_missing = self.b.use(key, self._time)
        a_row, a_missing = self.a.use(access.key, self._time)
        self._time += 1
        if b_missing and not self.long:
            self._load_b(key, b_row)
        if a_missing:
            for move in self.layer.source.moves(access.key):
                self.jobs.load(0, move, a_row)
        if b_missing and self.long:
            self._load_b(key, b_row)
        return b_row + (tile - key[1]) * self.tile_rows, a_row

    def _block(self, block, base: int, number: int) -> None:
        lines, tiles = block
        layer = self.layer
        source = layer.source
        starts, outputs = {}, 0
        for line in lines:
            starts[line] = outputs
            outputs += source.rows(line)
        self._pitch_now = max(outputs, self.config.dim)
        late = number == 0 and len(source.steps) > 1 and source.covers_first
        if layer.bias and not late:
            self._bias(block, base, outputs, accumulate=False)
        elif not layer.bias and not source.covers_first:
            self._zero(tiles, base, outputs)
        fresh = (late or not layer.bias) and source.covers_first
        owed = late and layer.bias
        for step, tile, line, access in self._computes(block):
            if step and owed:
                self._bias(block, base, outputs, accumulate=not self.stationary)
                owed = False
            b, slot = self._pieces(step, tile, tiles, access)
            a = slot + access.offset
            row = base + (tile - tiles.start) * self._pitch_now + starts[line] + access.first
            k, cols = source.steps[step].k, self._columns(tile)
            if self.stationary:
                leaves = step == len(source.steps) - 1
                c = Local(row, acc=True, accumulate=bool(layer.bias)) if leaves else None
                self.jobs.compute_stationary(a, b, c, access.rows, k, cols, step == 0)
                continue
            c = Local(row, acc=True, accumulate=not (fresh and step == 0))
            scales = access.scales and (slot + access.scales[0], access.scales[1])
            a = (a, source.a_stride)
            self.jobs.compute(a, b, c, access.rows, k, cols, (step, tile), scales)
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


def tile_rows(config: Config) -> int:
    """Local rows of a tile of B, with its scales."""
    return config.dim + config.scale_rows


def lower(config: Config, layers: list[Layer]) -> list[Command]:
    """Commands of a layer, given in one or more ways, in program order: the quickest tried."""
    trials = [trial for layer in layers for trial in _trials(config, layer)]
    return min(trials, key=lambda trial: trial[1])[0]


def _trials(config: Config, layer: Layer) -> list[tuple[list[Command], int]]:
    """Commands and expected cycles of the likeliest blockings."""
    source, half = layer.source, config.sp_rows // 2
    ranked = blockings(config, layer, half // source.slot_rows, half // tile_rows(config))
    computes = source.lines * len(source.steps) * ceil(layer.columns, config.dim)
    count = TRIALS if computes < SMALL else 1
    return [Nest(config, layer, blocking).run() for blocking in ranked[:count]]
