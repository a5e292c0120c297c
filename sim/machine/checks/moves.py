"""Checks of the commands that move rows."""

from hw.config import Config
from hw.isa import ErrorCode, Local

from ..faults import meet, memory_rows, named, require
from ..state import LoadSet, StoreSettings


def _last_block(config: Config, local: Local, rows: int, cols: int, block_stride: int) -> None:
    blocks = -(-cols // config.dim)
    last = local.row + (blocks - 1) * block_stride + rows - 1
    require(last < memory_rows(config, local), ErrorCode.BAD_ADDRESS)


def mvin(config: Config, f: dict[str, int], settings: LoadSet) -> None:
    local = named(f["local"])
    wide = settings.wide(local)
    limit = config.dim * (config.max_load_blocks_acc if wide else config.max_load_blocks)
    end = f["cols"] + (0 if wide else settings.lane)
    repeats = settings.copies(local)
    require(f["rows"] <= config.dim and end <= limit, ErrorCode.BAD_SIZE)
    require(repeats == 1 or f["cols"] * repeats <= config.dim, ErrorCode.BAD_SIZE)
    if f["rows"] and f["cols"]:
        _last_block(config, local, f["rows"], end, settings.block_stride)


def mvout(config: Config, f: dict[str, int], store: StoreSettings) -> None:
    local = named(f["local"])
    require(config.normalisation or not (local.acc and local.norm), ErrorCode.NOT_SUPPORTED)
    full = local.acc and local.full
    if store.image(local):
        _image(config, f, local, store)
        return
    limit = config.dim * (1 if full else config.max_block_len)
    require(f["rows"] <= config.dim and f["cols"] <= limit, ErrorCode.BAD_SIZE)
    if f["rows"] and f["cols"]:
        _last_block(config, local, f["rows"], f["cols"], config.dim)


def _image(config: Config, f: dict[str, int], local: Local, store: StoreSettings) -> None:
    """Pooling and one-dimensional mvouts."""
    require(f["cols"] <= config.dim, ErrorCode.BAD_SIZE)
    if store.moves_rows() and f["cols"]:
        last = local.row + store.out_rows * store.out_cols - 1
        require(last < memory_rows(config, local), ErrorCode.BAD_ADDRESS)


def mvout_spad(config: Config, f: dict[str, int]) -> None:
    source, target = named(f["source_addr"]), named(f["destination"])
    raw = source.acc and (source.full or source.norm)
    require(not (target.acc or raw), ErrorCode.BAD_ADDRESS)
    rows, cols, stride = f["source_rows"], f["source_cols"], f["stride"] & 0xFFFF
    require(max(rows, cols) <= config.dim, ErrorCode.BAD_SIZE)
    if not (rows and cols):
        return
    last, target_last = source.row + rows - 1, target.row + (rows - 1) * stride
    inside = last < memory_rows(config, source) and target_last < config.sp_rows
    require(inside, ErrorCode.BAD_ADDRESS)
    in_place = source.row == target.row and stride == 1
    if not source.acc and not in_place:
        apart = not meet(source.row, last, target.row, target_last)
        require(apart, ErrorCode.OVERLAP)
