"""What the loop nest is told: a layer is a :class:`Source` of A (how its rows get into the
scratchpad, and which local rows a compute streams), a matrix B of weights, an optional bias and a
:class:`Target`.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Protocol

from .jobs import Move
from .layout import Matrix


@dataclass(frozen=True)
class Step:
    """`k` rows of B from memory row `row`: one pass over the lines of a block."""

    row: int
    k: int


@dataclass(frozen=True)
class Access:
    """Outputs `first` to `first + rows - 1` of a line; A from `offset` in the slot of `key`, the
    scales of its blocks from (offset, which one of a row)."""

    first: int
    rows: int
    key: Hashable
    offset: int
    scales: tuple[int, int] | None = None


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

    `bias` rows follow the outputs of the whole layer (pitch 0: one row for all). An
    `output_stationary` layer has one access per line and step, which reaches all of the line.
    `scales` are those of weights in blocks.
    """

    source: Source
    weights: Matrix
    columns: int
    target: Target
    bias: Matrix | None = None
    relu: bool = False
    scale: float = 1.0
    full_width: bool = False
    output_stationary: bool = False
    scales: Matrix | None = None
