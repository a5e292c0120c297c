"""Cutting a layer into blocks of output lines by column tiles that fit the accumulator memory."""

from dataclasses import dataclass

from hw.config import Config

from .tiling import Layer, Source


@dataclass(frozen=True)
class Blocking:
    """`lines` output lines by `tiles` column tiles; `tiles_first` steps columns faster."""

    lines: int
    tiles: int
    tiles_first: bool


def _powers(limit: int) -> list[int]:
    return sorted({min(1 << i, limit) for i in range(limit.bit_length() + 1)})


def ceil(a: int, b: int) -> int:
    return -(-a // b)


def blockings(config: Config, layer: Layer, a_slots: int, b_tiles: int) -> list[Blocking]:
    """Blockings that fit the accumulator memory, least traffic first."""
    source = layer.source
    tiles, steps = ceil(layer.columns, config.dim), len(source.steps)
    found = []
    for lines in _powers(source.lines):
        pitch = pitch_of(config, source, lines)
        for width in _powers(tiles):
            blocks = ceil(source.lines, lines) * ceil(tiles, width)
            room = config.acc_rows if blocks == 1 else config.acc_rows // 2
            if pitch * width > room:
                continue
            rows = min(source.line_rows * lines, source.lines * source.line_rows)
            crowded = lines > max(1, a_slots // 2) and lines > 1
            fits_b = tiles * steps <= b_tiles
            b_passes = 1 if fits_b else ceil(source.lines, lines)
            fits_a = source.lines * ceil(steps, 4) <= a_slots
            a_passes = 1 if fits_a else ceil(tiles, width)
            traffic = a_passes * source.lines * source.line_rows + b_passes * tiles * config.dim
            exposed = max(0, config.dim - rows) * blocks * width
            switches = ceil(source.lines, lines) * tiles * steps
            start = config.dim * steps * max(0, lines + width - lines * width)
            narrow = max(0, config.max_block_len - width)
            size = (-min(rows, 8 * config.dim), pitch * width)
            cost = (crowded, traffic + exposed + switches + start, narrow, *size)
            found.append((cost, Blocking(lines, width, a_passes > 1 or b_passes == 1)))
    return [blocking for _, blocking in sorted(found, key=lambda pair: pair[0])]


def pitch_of(config: Config, source: Source, lines: int) -> int:
    """Accumulator rows from one column tile to the next in a block."""
    return max(source.line_rows * lines, config.dim) if source.lines > 1 else config.dim
