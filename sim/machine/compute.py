"""preload and the computes: tiles through the array."""

import numpy as np
from numpy.typing import NDArray

from hw.isa import Local

from .blocks import column_scales, row_scales
from .elements import Elements, from_codes, reread, to_codes, values_of
from .state import State, Tile


def preload_b(state: State, f: dict[str, int]) -> Tile:
    """B as a preload names it (D if output-stationary: never transposed)."""
    transposed = state.weight_stationary and state.transpose_b
    return Tile(f["b_addr"], f["b_rows"], f["b_cols"], transposed=transposed)


def operands(state: State, f: dict[str, int]) -> tuple[Tile, Tile]:
    """A and the second operand of a compute."""
    a = Tile(f["a_addr"], f["a_rows"], f["a_cols"], state.a_stride, state.transpose_a)
    swapped = state.transpose_b and not state.weight_stationary
    return a, Tile(f["d_addr"], f["d_rows"], f["d_cols"], transposed=swapped)


def _matrix(state: State, tile: Tile) -> Elements:
    """`dim`×`dim` scratchpad elements, zeros beyond the extents."""
    dim = state.config.dim
    out = np.zeros((dim, dim), np.int64)
    local = Local.parse(tile.address)
    if local is not None and tile.rows and tile.cols:
        lines = local.row + np.arange(tile.lines) * tile.stride
        view = out.T if tile.transposed else out
        lanes = tile.rows if tile.transposed else tile.cols
        view[: tile.lines, :lanes] = state.scratchpad[lines, :lanes]
    return out


def take_weights(state: State, b: Tile) -> None:
    """B becomes the weights in the array, read in the weight format; with scales, if it has."""
    config = state.config
    state.columns = column_scales(state, b)
    elements = reread(config.input, config.weight, _matrix(state, b))
    state.depth = b.rows if b.exists else 0
    if state.table is not None:
        elements = from_codes(config.factor, state.table[elements])
    state.weights = values_of(config.factor, elements).astype(float)
    state.weights[state.depth :] = 0


def load_table(state: State, row: int, rows: int) -> None:
    """Rows of the scratchpad become the first entries of the table; the others stay."""
    config, table = state.config, state.table.copy()
    codes = to_codes(config.input, state.scratchpad[row : row + rows]).ravel()[: len(table)]
    table[: len(codes)] = codes & np.uint64((1 << config.factor.width) - 1)
    state.table = table


def rounding_shift(values: NDArray[np.int64], shift: int) -> NDArray[np.int64]:
    """``values / 2**shift`` rounded half to even."""
    down = values >> shift
    rest, half = values - (down << shift), (1 << shift) >> 1
    up = (rest > half) | ((rest == half) & (down & 1 == 1) & (shift > 0))
    return down + (up & (shift > 0))


def write_result(state: State, result: Elements) -> None:
    """``result[rows, cols]`` of the accumulator's format to the rows of C."""
    config, c = state.config, state.c
    rows, cols = result.shape
    target = Local.parse(c.address)
    where = target.row + np.arange(rows) * c.stride
    if target.acc:
        memory = state.accumulator
        if target.accumulate:
            result = state.sum.add(memory[where, :cols], result)
    else:  # integers only
        memory = state.scratchpad
        result = config.input.saturate(np.maximum(result, 0) if state.execute_relu else result)
    memory[where, :cols] = result


def compute(state: State, a: Tile, second: Tile, preloaded: bool) -> None:
    """Execute a checked compute."""
    if not state.weight_stationary:
        _output_stationary(state, a, second, preloaded)
        return
    if preloaded:
        take_weights(state, state.b)
    rows, cols = state.c.rows, state.c.cols
    if not state.c.exists:
        return
    read = state.config.input
    added = Tile() if state.config.input_block else second
    x, d = (values_of(read, _matrix(state, tile)) for tile in (a, added))
    x[:, state.depth :] = 0
    product = x[:rows], state.weights[:, :cols], d[:rows, :cols]
    scales = row_scales(state, second)[:rows], state.columns[:cols]
    write_result(state, state.sum.tile(*product, state.draws, scales))


def _output_stationary(state: State, a: Tile, b: Tile, preloaded: bool) -> None:
    take_weights(state, b)
    if preloaded:
        state.tile = state.sum.enter(_matrix(state, state.b))
    zeros = np.zeros_like(state.tile)
    state.tile = state.sum.add(state.tile, state.sum.tile(_matrix(state, a), state.weights, zeros))
    if state.c.exists:
        out = state.tile[: state.c.rows, : state.c.cols]
        write_result(state, rounding_shift(out, state.shift))
