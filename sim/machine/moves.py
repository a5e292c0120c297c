"""mvin and mvout: rows between memory and the local memories."""

import numpy as np

from hw.config import Config
from hw.formats import Format, row_bytes
from hw.isa import ErrorCode, Local

from .elements import Elements, reread, rescaled, values_of
from .normalise import NORMALISES, gather, scale_by_power, transform
from .pool import pooled
from .rows import Memory, pack_rows, unpack_rows
from .state import LoadSet, State


def mvin(state: State, memory: Memory, f: dict[str, int], settings: LoadSet) -> ErrorCode:
    """Execute a checked mvin; returns BUS_READ if a word was missing."""
    config = state.config
    rows, cols, local = f["rows"], f["cols"], Local.parse(f["local"])
    if not (rows and cols):
        return ErrorCode.NONE
    wide, fmt = settings.wide(local), settings.format(config, local)
    lane = 0 if wide else settings.lane
    starts = [0, *range(config.dim - lane, cols, config.dim)]
    if f["address"] == 0:
        values = np.zeros((rows, cols), state.sum.dtype if wide else np.int64)
        good = np.ones((rows, len(starts)), bool)
    else:
        data, came = memory.gather(f["address"], settings.stride, rows, row_bytes(fmt, cols))
        values = unpack_rows(fmt, data, cols)
        good = came.all()
        if not good:
            good = _came(config, fmt, came, starts)
        else:
            good = np.ones((rows, len(starts)), bool)
    if fmt != config.input and not wide:
        values = reread(fmt, config.input, values)
    elif f["address"] and not wide and settings.scale != 1:
        values = rescaled(values_of(fmt, values), settings.scale, fmt)
    if local.acc and not wide:
        values = state.sum.enter(values_of(fmt, values))
    spans = np.split(values, starts[1:], axis=1)
    copies = settings.copies(local)
    if copies > 1:
        _write_copies(state, local.row, spans[0], good[:, 0], copies)
    else:
        _write_local(state, local, spans, good, lane, settings.block_stride)
    return ErrorCode.NONE if good.all() else ErrorCode.BUS_READ


def _came(config: Config, fmt: Format, came, starts: list[int]):
    """Which blocks came without a bus error; narrow weights share the bytes of a row of inputs."""
    together = config.weight_parts if fmt.width < config.input.width else 1
    edges = [start * fmt.width // 8 for start in starts[::together]]
    good = np.logical_and.reduceat(came, edges, axis=1)
    return np.repeat(good, together, axis=1)[:, : len(starts)]


def _write_local(state: State, local: Local, spans, good, lane: int, block_stride: int) -> None:
    """Rows ascending, blocks ascending within a row; rows may meet when blocks overlap."""
    rows = len(spans[0])
    target = state.accumulator if local.acc else state.scratchpad
    overlap = len(spans) > 1 and block_stride < rows
    for group in range(rows) if overlap else (slice(None),):
        for block, span in enumerate(spans):
            picked = np.arange(rows)[group].reshape(-1)
            picked = picked[good[picked, block]]
            where = local.row + block * block_stride + picked
            first = 0 if block else lane
            lanes = slice(first, first + span.shape[1])
            new = span[picked]
            if local.acc and local.accumulate:
                new = state.sum.add(target[where, lanes], new)
            target[where, lanes] = new


def _write_copies(state: State, row: int, values, good, copies: int) -> None:
    """Pixel x to the rows of pixels x, x−1, …, side by side, within its half."""
    cols = values.shape[1]
    half = state.config.sp_rows // 2
    where = row + np.arange(len(values))
    for copy in range(copies):
        picked = good & (where - copy >= where // half * half)
        lanes = slice(copy * cols, (copy + 1) * cols)
        state.scratchpad[where[picked] - copy, lanes] = values[picked]


def _local_rows(state: State, local: Local, rows: int, cols: int) -> Elements:
    """``[rows, cols]``, where columns from dim on come from rows dim further on."""
    dim = state.config.dim
    source = state.accumulator if local.acc else state.scratchpad
    picks = [
        source[local.row + start : local.row + start + rows, : min(dim, cols - start)]
        for start in range(0, cols, dim)
    ]
    return picks[0] if len(picks) == 1 else np.concatenate(picks, axis=1)


def outgoing(state: State, local: Local, rows: int, cols: int) -> tuple[Format, Elements]:
    """Format and elements of local rows on their way out: scaled, activated, rounded."""
    config, scale = state.config, state.store_scale
    elements = _local_rows(state, local, rows, cols)
    if not local.acc:
        return config.input, elements
    if local.full:
        return config.accumulator, elements
    if state.activation in NORMALISES:
        elements, power = transform(config, state.norm, state.activation, elements)
        scale = scale_by_power(scale, power)
    values = state.sum.values(elements)
    out = rescaled(values, scale, config.output, state.store_relu)
    return config.output, out


def mvout(state: State, memory: Memory, f: dict[str, int]) -> ErrorCode:
    """Execute a checked mvout; returns BUS_WRITE if memory refused a word."""
    store, local = state.store, Local.parse(f["local"])
    rows, cols, address = f["rows"], f["cols"], f["address"]
    image = store.image(local)
    if image:
        rows = store.out_rows * store.out_cols if store.moves_rows() else 0
    if not (rows and cols):
        return ErrorCode.NONE
    if local.acc and local.norm:
        gather(state.config, state.norm, local.norm, _local_rows(state, local, rows, cols))
        return ErrorCode.NONE
    fmt, elements = outgoing(state, local, rows, cols)
    stride = state.store_stride
    good = True
    if image and store.pool_stride:
        out = pooled(fmt, elements, store)
        step = store.pool_out_dim * stride
        for y in range(store.pool_out_rows):
            good &= memory.scatter(address + y * step, stride, pack_rows(fmt, out[y]))
    else:
        good = memory.scatter(address, stride, pack_rows(fmt, elements))
    return ErrorCode.NONE if good else ErrorCode.BUS_WRITE


def mvout_spad(state: State, f: dict[str, int]) -> None:
    """Execute a checked mvout_spad."""
    config = state.config
    rows, cols = f["source_rows"], f["source_cols"]
    source, target = Local.parse(f["source_addr"]), Local.parse(f["destination"])
    if not (rows and cols):
        return
    fmt, elements = outgoing(state, source, rows, cols)
    where = target.row + np.arange(rows) * (f["stride"] & 0xFFFF)
    state.scratchpad[where, :cols] = reread(fmt, config.input, elements)
