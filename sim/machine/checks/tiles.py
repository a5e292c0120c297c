"""Checks of preload and of the computes."""

from hw.config import Config
from hw.isa import GARBAGE, ErrorCode, Local

from ..faults import Fault, meet, memory_rows, named, require
from ..state import State, Tile

MOST_OUTPUTS = 1023
"""Pixels and outputs of a compute_depthwise."""


def _operand(config: Config, tile: Tile, more: int = 0) -> tuple[int, int] | None:
    """First and last row of a tile that execute reads, with `more` rows behind it: inside the
    scratchpad, or nothing."""
    local = Local.parse(tile.address)
    if local is None:
        return None
    require(not local.acc, ErrorCode.BAD_ADDRESS)
    if not (tile.rows and tile.cols):
        return None
    last = local.row + (tile.lines - 1) * tile.stride + more
    require(last < config.sp_rows, ErrorCode.BAD_ADDRESS)
    return local.row, last


def _result(config: Config, address: int, rows: int, cols: int, stride: int) -> None:
    """C: inside its memory, or garbage."""
    c = Local.parse(address)
    if c is not None and rows and cols:
        last = c.row + (rows - 1) * stride
        require(last < memory_rows(config, c), ErrorCode.BAD_ADDRESS)


def preload(config: Config, f: dict[str, int], b: Tile, c_stride: int) -> None:
    extents = (f["b_rows"], f["b_cols"], f["c_rows"], f["c_cols"])
    require(max(extents) <= config.dim, ErrorCode.BAD_SIZE)
    _operand(config, b, config.scale_rows)
    _result(config, f["c_addr"], f["c_rows"], f["c_cols"], c_stride)
    c = Local.parse(f["c_addr"])
    require(config.spad_results or c is None or c.acc, ErrorCode.NOT_SUPPORTED)


def weight_table(config: Config, f: dict[str, int]) -> None:
    local, rows = named(f["table_addr"]), f["table_rows"]
    require(not local.acc, ErrorCode.BAD_ADDRESS)
    require(rows <= config.table_rows, ErrorCode.BAD_SIZE)
    require(not rows or local.row + rows <= config.sp_rows, ErrorCode.BAD_ADDRESS)


def compute(state: State, a: Tile, second: Tile, preloaded: bool) -> None:
    """`second` is the other operand that the command names: D, or B if output-stationary."""
    config, c = state.config, state.c
    extents = (a.rows, a.cols, second.rows, second.cols)
    require(max(extents) <= config.dim, ErrorCode.BAD_SIZE)
    if config.input_block:  # D's columns say which scale of its rows
        there = second.address != GARBAGE
        require(not there or second.cols < config.row_scales, ErrorCode.BAD_SIZE)
        second = Tile(second.address, second.rows, 1)
    read = [(tile, _operand(config, tile)) for tile in (a, second)]
    if not state.weight_stationary:
        read[1:] = [(state.b, _operand(config, state.b))] if preloaded else []
    target = Local.parse(c.address)
    if target is None or target.acc or not (c.rows and c.cols):
        return
    last = target.row + (c.rows - 1) * c.stride
    for tile, span in read:
        if span is not None and (span[0], tile.stride) != (target.row, c.stride):
            require(not meet(*span, target.row, last), ErrorCode.OVERLAP)


def depthwise(state: State, f: dict[str, int], lines: tuple[int, ...]) -> None:
    """`lines` are those of the mask that the array has, ascending."""
    config, c = state.config, state.c
    require(config.dw_lines > 0, ErrorCode.NOT_SUPPORTED)
    sizes = max(f["outputs"], f["width"]) <= MOST_OUTPUTS and f["stride"] > 0
    require(sizes, ErrorCode.BAD_SIZE)
    a = Local.parse(f["a_addr"])
    if a is None or a.acc:
        raise Fault(ErrorCode.BAD_ADDRESS)
    reads = lines and f["width"]
    last = a.row + lines[-1] * f["line_stride"] + f["width"] - 1 if reads else 0
    require(last < config.sp_rows, ErrorCode.BAD_ADDRESS)
    _result(config, c.address, f["outputs"], c.cols, c.stride)
    target = Local.parse(c.address)
    writes = target is not None and c.cols and f["outputs"]
    if reads and writes and not target.acc:
        c_last = target.row + (f["outputs"] - 1) * c.stride
        require(not meet(a.row, last, target.row, c_last), ErrorCode.OVERLAP)
