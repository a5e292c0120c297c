"""mvin and mvout: rows between memory and the local memories."""

import numpy as np
from numpy.typing import NDArray

from hw.formats import Int, row_bytes
from hw.isa import ErrorCode, Local

from .checks import blocks
from .rows import Memory, pack_rows, unpack_rows
from .state import LoadSet, State


def scale_values(
    values: NDArray[np.int64], scale: np.float32, target: Int, relu: bool = False
) -> NDArray[np.int64]:
    """``saturate(round(float32(float32(v)·scale)))``, v = max(x, 0) with `relu`."""
    if relu:
        values = np.maximum(values, 0)
    with np.errstate(over="ignore", under="ignore"):
        product = values.astype(np.float32) * scale
    return np.clip(np.rint(product.astype(np.float64)), target.min, target.max).astype(np.int64)


def mvin(state: State, memory: Memory, f: dict[str, int], settings: LoadSet) -> ErrorCode:
    """Execute a checked mvin; returns BUS_READ if a word was missing."""
    config = state.config
    rows, cols, local = f["rows"], f["cols"], Local.parse(f["local"])
    if not (rows and cols):
        return ErrorCode.NONE
    wide = local.acc and not settings.shrunk
    fmt = config.accumulator if wide else config.input
    if f["address"] == 0:
        values = np.zeros((rows, cols), np.int64)
        good = np.ones((rows, blocks(config, cols)), bool)
    else:
        data, came = memory.gather(f["address"], settings.stride, rows, row_bytes(fmt, cols))
        values = unpack_rows(fmt, data, cols)
        block_bytes = row_bytes(fmt, config.dim)
        starts = np.arange(0, came.shape[1], block_bytes)
        good = np.logical_and.reduceat(came, starts, axis=1)
    if not wide:
        values = scale_values(values, settings.scale, config.input)
    _write_local(state, local, values, good, settings.block_stride)
    return ErrorCode.NONE if good.all() else ErrorCode.BUS_READ


def _write_local(state: State, local: Local, values, good, block_stride: int) -> None:
    """Rows ascending, blocks ascending within a row; rows may meet when blocks overlap."""
    dim, rows = state.config.dim, len(values)
    target = state.accumulator if local.acc else state.scratchpad
    spans = [values[:, start : start + dim] for start in range(0, values.shape[1], dim)]
    overlap = len(spans) > 1 and block_stride < rows
    for group in range(rows) if overlap else (slice(None),):
        for block, span in enumerate(spans):
            picked = np.arange(rows)[group].reshape(-1)
            picked = picked[good[picked, block]]
            where = local.row + block * block_stride + picked
            new = span[picked]
            if local.acc and local.accumulate:
                new = state.config.accumulator.wrap(target[where, : new.shape[1]] + new)
            target[where, : new.shape[1]] = new


def mvout(state: State, memory: Memory, f: dict[str, int]) -> ErrorCode:
    """Execute a checked mvout; returns BUS_WRITE if memory refused a word."""
    config = state.config
    rows, cols, local = f["rows"], f["cols"], Local.parse(f["local"])
    if not (rows and cols):
        return ErrorCode.NONE
    source = state.accumulator if local.acc else state.scratchpad
    picks = [
        source[local.row + start : local.row + start + rows, : min(config.dim, cols - start)]
        for start in range(0, cols, config.dim)
    ]
    values = np.concatenate(picks, axis=1)
    if not local.acc:
        fmt = config.input
    elif local.full:
        fmt = config.accumulator
    else:
        fmt = config.output
        values = scale_values(values, state.store_scale, fmt, state.store_relu)
    good = memory.scatter(f["address"], state.store_stride, pack_rows(fmt, values))
    return ErrorCode.NONE if good else ErrorCode.BUS_WRITE
