"""Scales of blocks as the scratchpad holds them, packed to the bit."""

import numpy as np
from numpy.typing import NDArray

from hw.config import Config
from hw.formats import row_bytes
from hw.isa import Local

from .elements import Elements
from .rows import pack_rows, unpack_rows
from .state import State, Tile


def _bytes(config: Config, rows: Elements) -> NDArray[np.uint8]:
    return pack_rows(config.input, rows)


def column_scales(state: State, b: Tile) -> NDArray[np.float64]:
    """Those of B's columns, in the rows behind B's; 1 without B."""
    config = state.config
    if not (config.weight_block and b.exists):
        return np.ones(config.dim)
    scale = config.weight_block.scale
    first = Local.parse(b.address).row + b.rows
    data = _bytes(config, state.scratchpad[first : first + config.scale_rows]).reshape(1, -1)
    data = data[:, : row_bytes(scale, config.dim)]
    return scale.decode(unpack_rows(scale, data, config.dim)[0])


def row_scales(state: State, d: Tile) -> NDArray[np.float64]:
    """Those of A's rows: D's columns say which one of each row counts; 1 where D has no row."""
    config, scales = state.config, np.ones(state.config.dim)
    local = Local.parse(d.address)
    if config.input_block and local is not None and d.rows:
        scale = config.input_block.scale
        data = _bytes(config, state.scratchpad[local.row : local.row + d.rows])
        data = data[:, : row_bytes(scale, d.cols + 1)]
        scales[: d.rows] = scale.decode(unpack_rows(scale, data, d.cols + 1)[:, d.cols])
    return scales
