"""What the machine remembers between commands."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hw.config import Config
from hw.formats import Draws, Format
from hw.isa import GARBAGE, ErrorCode, Local

from . import loop_conv, loop_ws
from .elements import Elements, Sum
from .faults import NO_ACTIVATION, RELU
from .loops import Halves, Parameters
from .normalise import SOFTMAX, Normalisation


@dataclass
class LoadSet:
    """One of the three sets of load parameters."""

    block_stride: int
    stride: int = 0
    scale: np.float32 = np.float32(1)
    shrunk: bool = False
    lane: int = 0
    repeats: int = 1
    weights: bool = False

    def wide(self, local: Local) -> bool:
        """Whether elements of the accumulator format are loaded."""
        return local.acc and not self.shrunk

    def format(self, config: Config, local: Local) -> Format:
        """Format of the elements in memory."""
        if self.wide(local):
            return config.accumulator
        return config.weight if self.weights and not local.acc else config.input

    def copies(self, local: Local) -> int:
        """How often a memory row is written."""
        return 1 if local.acc else max(self.repeats, 1)


@dataclass
class StoreSettings:
    """Pooling as config_st left it."""

    pool_stride: int = 0
    pool_size: int = 0
    upper_pad: int = 0
    left_pad: int = 0
    pool_out_dim: int = 0
    pool_out_rows: int = 0
    pool_out_cols: int = 0
    out_rows: int = 0
    out_cols: int = 0

    def image(self, local: Local) -> bool:
        """Whether a mvout pools or is one-dimensional."""
        plain = local.acc and (local.full or local.norm)
        return bool(self.pool_stride or self.pool_size) and not plain

    def moves_rows(self) -> bool:
        """Whether a pooling or one-dimensional mvout has any row to move."""
        pooled = self.pool_out_rows and self.pool_out_cols
        return bool(self.out_rows and self.out_cols and (pooled or not self.pool_stride))


@dataclass
class Tile:
    """A matrix in a local memory, in the extents that it has in the product.

    Transposed, its columns lie in rows `stride` apart.
    """

    address: int = GARBAGE
    rows: int = 0
    cols: int = 0
    stride: int = 1
    transposed: bool = False

    @property
    def lines(self) -> int:
        """Local rows that the tile occupies."""
        return self.cols if self.transposed else self.rows

    @property
    def exists(self) -> bool:
        """Whether there is anything to read or write."""
        return self.address != GARBAGE and self.rows > 0 and self.cols > 0


@dataclass
class State:
    """Everything that `reset` sets back (docs/semantics.md, "Machine state").

    `scratchpad` and `accumulator` are elements ``[rows, dim]`` (:mod:`.elements`); `weights` are
    values, ``float64[dim, dim]``, of which `depth` rows came with B, as the scales in `columns`
    did; `tile` is T, elements ``[dim, dim]``; `table` are the codes of the entries that weights are
    indices into, if they are and others can be loaded.
    """

    config: Config
    scratchpad: Elements = field(init=False)
    accumulator: Elements = field(init=False)
    sum: Sum = field(init=False)
    draws: Draws = field(init=False)
    weights: NDArray[np.float64] = field(init=False)
    columns: NDArray[np.float64] = field(init=False)
    depth: int = 0
    table: NDArray[np.uint64] | None = None
    tile: Elements = field(init=False)
    loads: list[LoadSet] = field(init=False)
    weight_stationary: bool = True
    transpose_a: bool = False
    transpose_b: bool = False
    execute_relu: bool = False
    shift: int = 0
    a_stride: int = 1
    c_stride: int = 1
    store_stride: int = 0
    store_scale: np.float32 = np.float32(1)
    store_activation: int = NO_ACTIVATION
    store: StoreSettings = field(default_factory=StoreSettings)
    norm: Normalisation = field(default_factory=Normalisation)
    b: Tile = field(default_factory=Tile)
    c: Tile = field(default_factory=Tile)
    halves: Halves = Halves()
    loop_ws: Parameters = field(default_factory=lambda: dict(loop_ws.NONE))
    loop_conv: Parameters = field(default_factory=lambda: dict(loop_conv.NONE))
    index: int = 0
    error: ErrorCode = ErrorCode.NONE
    error_index: int = 0

    def __post_init__(self):
        config = self.config
        self.scratchpad = np.zeros((config.sp_rows, config.dim), np.int64)
        self.sum = Sum(config)
        self.draws = Draws(config.dim)
        self.accumulator = np.zeros((config.acc_rows, config.dim), self.sum.dtype)
        self.weights = np.zeros((config.dim, config.dim))
        self.columns = np.ones(config.dim)
        self.tile = np.zeros((config.dim, config.dim), np.int64)
        if config.weight_table:
            self.table = np.array(config.weight.table, np.uint64)
        self.loads = [LoadSet(block_stride=config.dim) for _ in range(3)]

    @property
    def activation(self) -> int:
        """The activation in force for stores."""
        return SOFTMAX if self.norm.top_bit else self.store_activation

    @property
    def store_relu(self) -> bool:
        return self.activation == RELU

    def report(self, code: ErrorCode, index: int) -> None:
        """Put an error into the register: the lowest index counts, then the lowest code."""
        first = (index, code) < (self.error_index, self.error)
        if self.error is ErrorCode.NONE or first:
            self.error, self.error_index = code, index
