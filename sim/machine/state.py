"""What the machine remembers between commands."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hw.config import Config
from hw.isa import GARBAGE, ErrorCode


@dataclass
class LoadSet:
    """One of the three sets of load parameters."""

    block_stride: int
    stride: int = 0
    scale: np.float32 = np.float32(1)
    shrunk: bool = False


@dataclass
class Tile:
    """B or C as a preload named it."""

    address: int = GARBAGE
    rows: int = 0
    cols: int = 0
    stride: int = 1


@dataclass
class State:
    """Everything that `reset` sets back (docs/semantics.md, "Machine state").

    `scratchpad` and `accumulator` are ``int64[rows, dim]``; `weights` is ``float64[dim, dim]``,
    which holds products of the supported formats exactly.
    """

    config: Config
    scratchpad: NDArray[np.int64] = field(init=False)
    accumulator: NDArray[np.int64] = field(init=False)
    weights: NDArray[np.float64] = field(init=False)
    loads: list[LoadSet] = field(init=False)
    a_stride: int = 1
    c_stride: int = 1
    execute_relu: bool = False
    store_stride: int = 0
    store_scale: np.float32 = np.float32(1)
    store_relu: bool = False
    b: Tile = field(default_factory=Tile)
    c: Tile = field(default_factory=Tile)
    index: int = 0
    error: ErrorCode = ErrorCode.NONE
    error_index: int = 0

    def __post_init__(self):
        config = self.config
        self.scratchpad = np.zeros((config.sp_rows, config.dim), np.int64)
        self.accumulator = np.zeros((config.acc_rows, config.dim), np.int64)
        self.weights = np.zeros((config.dim, config.dim))
        self.loads = [LoadSet(block_stride=config.dim) for _ in range(3)]

    def report(self, code: ErrorCode, index: int) -> None:
        """Put an error into the register unless an earlier command's is there."""
        if self.error is ErrorCode.NONE or index < self.error_index:
            self.error, self.error_index = code, index
