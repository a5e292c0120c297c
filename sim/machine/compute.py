"""preload and compute: tiles through the array."""

import numpy as np
from numpy.typing import NDArray

from hw.isa import Local

from .state import State, Tile


def preload(state: State, f: dict[str, int]) -> None:
    """Execute a checked preload: it only names B and C."""
    state.b = Tile(f["b_addr"], f["b_rows"], f["b_cols"])
    state.c = Tile(f["c_addr"], f["c_rows"], f["c_cols"], state.c_stride)


def _tile(state: State, tile: Tile) -> NDArray[np.float64]:
    """`dim`×`dim` scratchpad elements, zeros beyond the extents."""
    dim = state.config.dim
    out = np.zeros((dim, dim))
    local = Local.parse(tile.address)
    if local is not None and tile.rows and tile.cols:
        rows = local.row + np.arange(tile.rows) * tile.stride
        out[: tile.rows, : tile.cols] = state.scratchpad[rows, : tile.cols]
    return out


def compute(state: State, f: dict[str, int], preloaded: bool) -> None:
    """Execute a checked compute."""
    if preloaded:
        state.weights = state.config.weight.wrap(_tile(state, state.b)).astype(float)
    target = Local.parse(state.c.address)
    rows, cols = state.c.rows, state.c.cols
    if target is None or not (rows and cols):
        return
    config = state.config
    a = _tile(state, Tile(f["a_addr"], f["a_rows"], f["a_cols"], state.a_stride))
    d = _tile(state, Tile(f["d_addr"], f["d_rows"], f["d_cols"]))
    sums = a[:rows] @ state.weights[:, :cols] + d[:rows, :cols]
    result = config.accumulator.wrap(sums.astype(np.int64))
    where = target.row + np.arange(rows) * state.c.stride
    if target.acc:
        memory = state.accumulator
        if target.accumulate:
            result = config.accumulator.wrap(memory[where, :cols] + result)
    else:
        memory = state.scratchpad
        result = config.input.saturate(np.maximum(result, 0) if state.execute_relu else result)
    memory[where, :cols] = result
