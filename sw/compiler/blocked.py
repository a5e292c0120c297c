"""Products of operands in blocks: a tile of K lies within one block of each, whose scales are
loaded beside it."""

from dataclasses import dataclass

from hw.config import Config
from hw.formats import Block, row_bytes
from hw.formats.block import cuts

from .jobs import Move
from .layout import Matrix
from .tiling import Step


@dataclass(frozen=True)
class Scales:
    """Codes of scales in memory: A's[m, blocks of K] and B's[blocks of K, n], where there are."""

    a: Matrix | None = None
    b: Matrix | None = None

    def check(self, config: Config) -> None:
        """ValueError unless they are those that the configuration's blocks have."""
        for name, block in (("a", config.input_block), ("b", config.weight_block)):
            if (getattr(self, name) is None) != (block is None):
                what = f"a matrix of {block.scale.name}" if block else "None"
                raise ValueError(f"Scales.{name} is wrong for {config.name}; it must be {what}")
            if block and block.scale.width % 8:
                raise ValueError(
                    f"scales of {block.name} have {block.scale.width} bits; the compiler takes "
                    "whole bytes, for example e8m0"
                )


def _blocks(config: Config) -> list[Block]:
    return [block for block in (config.input_block, config.weight_block) if block]


def aligned(config: Config) -> bool:
    """Whether blocks are whole tiles."""
    return all(block.size % config.dim == 0 for block in _blocks(config))


def steps_of(config: Config, k: int) -> list[Step]:
    """Tiles of K that cross no block."""
    sizes = [block.size for block in _blocks(config)]
    found = [Step(part.start, len(part)) for part in cuts(k, config.dim, *sizes)]
    for step in found:
        if step.row * config.input.width % 8:
            raise ValueError(
                f"row {step.row} of K begins inside a byte; a block's size times "
                f"{config.input.width} bits must be whole bytes"
            )
    return found


class ScalesOfA:
    """Scales of the rows of pieces of A: `dim` rows of the slot, behind the elements."""

    def __init__(self, config: Config, at: Matrix, offset: int):
        self.block, self.dim, self.width = config.input_block, config.dim, config.input.width
        self.at, self.offset = at, offset

    def move(self, first_row: int, rows: int, start: int, end: int) -> Move:
        """Loads those of columns `start` to `end` of A."""
        scale, size = self.block.scale, self.block.size
        first, count = start // size, (end - 1) // size - start // size + 1
        address = self.at.address + first_row * self.at.pitch + row_bytes(scale, first)
        cols = -(-count * scale.width // self.width)
        return Move(address, self.offset, rows, cols, self.at.pitch, self.dim, scales=True)

    def place(self, start: int, row: int) -> tuple[int, int]:
        """Where those of column `row` lie in a piece that begins at column `start`."""
        return self.offset, row // self.block.size - start // self.block.size


def scales_of_b(config: Config, at: Matrix, step: Step, tiles: range, columns: int):
    """Moves that bring the scales of column tiles behind their rows, singly or all at once."""
    scale, dim, rows = config.weight_block.scale, config.dim, config.scale_rows
    line = at.address + step.row // config.weight_block.size * at.pitch
    together = len(tiles) if rows == 1 and scale.width == config.input.width else 1
    pitch = dim + rows
    for n in range(0, len(tiles), together):
        count = min(columns - tiles[n] * dim, together * dim)
        cols = -(-count * scale.width // config.input.width)
        address = line + row_bytes(scale, tiles[n] * dim)
        stride = pitch if together > 1 else 1
        yield Move(address, n * pitch + step.k, 1, cols, at.pitch, stride, scales=True)
