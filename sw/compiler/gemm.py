"""Matrix products: C = act(scale·(A·B + D))."""

from dataclasses import dataclass

from hw.config import Config
from hw.formats import row_bytes

from .blocked import Scales, ScalesOfA, aligned, steps_of
from .jobs import Move
from .layout import Matrix
from .nest import lower
from .program import Program
from .tiling import Access, Layer

FINE = 8
"""Products of up to so many tiles are also tried in quarter lines: less to fill and to drain."""


def ramp(count: int, limit: int) -> list[range]:
    """`count` tiles in groups that grow (1, 1, 2, 4 …) to `limit`: quick start, wide loads."""
    groups, start, size = [], 0, 1
    while start < count:
        groups.append(range(start, min(start + size, count)))
        start += size
        size = min(limit, start)
    return groups


class RowsOfA:
    """A in lines of at most `line` rows, evenly cut; pieces are a line by a group of K's tiles."""

    a_stride = 1
    covers_first = True

    def __init__(
        self, config: Config, m: int, k: int, a: Matrix, line: int, scales: Matrix | None = None
    ):
        self.config, self.m, self.k, self.a = config, m, k, a
        dim = config.dim
        self.lines = -(-m // line)
        self.line_rows = -(-m // self.lines)
        self.steps = steps_of(config, k)
        room = config.sp_rows // 2 // dim
        limit = max(1, min(config.max_block_len, room // 4, len(self.steps)))
        if scales:
            limit = min(limit, config.row_scales)
        limit = limit if aligned(config) else 1
        self.slot_rows = dim * (limit + (scales is not None))
        self.scales = ScalesOfA(config, scales, dim * limit) if scales else None
        self._group = {}
        for group in ramp(len(self.steps), limit):
            self._group.update(dict.fromkeys(group, group))

    def rows(self, line: int) -> int:
        return min(self.line_rows, self.m - line * self.line_rows)

    def accesses(self, line: int, step: int) -> list[Access]:
        group = self._group[step]
        offset = (step - group.start) * self.config.dim
        start, row = self.steps[group.start].row, self.steps[step].row
        scales = self.scales.place(start, row) if self.scales else None
        return [Access(0, self.rows(line), (line, group.start), offset, scales)]

    def moves(self, key: tuple[int, int]) -> list[Move]:
        line, group = key[0], self._group[key[1]]
        first, last = self.steps[group.start], self.steps[group.stop - 1]
        end, rows, dim = last.row + last.k, self.rows(line), self.config.dim
        address = self.a.address + line * self.line_rows * self.a.pitch
        column = row_bytes(self.config.input, first.row)
        moves = [Move(address + column, 0, rows, end - first.row, self.a.pitch, dim)]
        if self.scales:
            moves.append(self.scales.move(line * self.line_rows, rows, first.row, end))
        return moves


@dataclass(frozen=True)
class RowsOfC:
    """Output rows of a matrix product, evenly spaced."""

    address: int
    pitch: int
    line_rows: int
    m: int

    def runs(self, first_line: int, lines: int):
        first = first_line * self.line_rows
        count = min(lines * self.line_rows, self.m - first)
        yield 0, count, self.address + first * self.pitch


def gemm(
    config: Config,
    m: int,
    n: int,
    k: int,
    a: Matrix,
    b: Matrix,
    c: Matrix,
    d: Matrix | None = None,
    *,
    scale: float = 1.0,
    relu: bool = False,
    full_width: bool = False,
    output_stationary: bool = False,
    scales: Scales | None = None,
) -> Program:
    """C[m,n] = act(scale·(A[m,k]·B[k,n] + D)); D of accumulator elements, pitch 0 for one row.

    Operands in blocks, along K, have their `scales` (those of whole tensors belong into `scale`).
    `full_width` stores accumulator elements as they are (no scale, no ReLU). Raises ValueError for
    sizes below 1 and for `output_stationary` where the configuration has only the other dataflow.
    """
    for name, value in (("m", m), ("n", n), ("k", k)):
        if value < 1:
            raise ValueError(f"gemm: {name} is {value}; it must be at least 1")

    if output_stationary and not config.output_stationary:
        raise ValueError(f"gemm: {config.name} has no output-stationary dataflow")

    scales = scales or Scales()
    scales.check(config)

    def cut(line: int) -> Layer:
        source = RowsOfA(config, m, k, a, line, scales.a)
        target = RowsOfC(c.address, c.pitch, source.line_rows, m)
        how = (relu, scale, full_width, output_stationary, scales.b)
        return Layer(source, b, n, target, d, *how)

    lines = (
        {config.dim, max(1, config.dim // 4)} if m * n * k <= FINE * config.dim**3 else {config.dim}
    )
    commands = lower(config, [cut(line) for line in sorted(lines)])
    steps = tuple((step.row, step.k) for step in steps_of(config, k))
    return Program(config, tuple(commands), m * n * k, steps)
