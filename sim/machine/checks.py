"""The checks of every command, in the order of docs/semantics.md.

Each function raises :class:`Fault` with the first check that fails and returns nothing.
"""

from hw.config import Config
from hw.isa import ErrorCode, Event, Local

from .state import LoadSet, State

FLOAT_ONE = 0x3F80_0000
KEEP_SCALE = 0xFFFF_FFFF
NO_ACTIVATION, RELU = 0, 1


class Fault(Exception):
    """A command that must not be executed."""

    def __init__(self, code: ErrorCode):
        super().__init__(code.name)
        self.code = code


def _require(good: bool, code: ErrorCode) -> None:
    if not good:
        raise Fault(code)


def finite(bits: int) -> bool:
    """Whether a float32 pattern is neither infinite nor NaN."""
    return bits >> 23 & 0xFF != 0xFF


def blocks(config: Config, cols: int) -> int:
    """Blocks of `dim` columns that `cols` columns occupy."""
    return -(-cols // config.dim)


def config_ex(f: dict[str, int]) -> None:
    plain = f["dataflow"] and not (f["transpose_a"] or f["transpose_b"]) and f["activation"] <= RELU
    _require(bool(f["strides_only"] or plain), ErrorCode.NOT_SUPPORTED)
    _require(f["c_stride"] > 0, ErrorCode.BAD_CONFIG)


def config_ld(config: Config, f: dict[str, int]) -> None:
    _require(f["set"] < 3, ErrorCode.BAD_CONFIG)
    _require(f["repeats"] <= 1, ErrorCode.NOT_SUPPORTED)
    _require(finite(f["scale"]), ErrorCode.BAD_CONFIG)
    _require(config.mvin_scale or f["scale"] == FLOAT_ONE, ErrorCode.NOT_SUPPORTED)


def config_st(f: dict[str, int]) -> None:
    pooling = f["pool_stride"] or f["pool_size"]
    _require(not pooling and f["activation"] <= RELU, ErrorCode.NOT_SUPPORTED)
    _require(finite(f["scale"]) or f["scale"] == KEEP_SCALE, ErrorCode.BAD_CONFIG)


def _last_block(config: Config, local: Local, f: dict[str, int], block_stride: int) -> None:
    last = local.row + (blocks(config, f["cols"]) - 1) * block_stride + f["rows"] - 1
    _require(last < (config.acc_rows if local.acc else config.sp_rows), ErrorCode.BAD_ADDRESS)


def mvin(config: Config, f: dict[str, int], settings: LoadSet) -> None:
    local = Local.parse(f["local"])
    if local is None:
        raise Fault(ErrorCode.BAD_ADDRESS)
    wide = local.acc and not settings.shrunk
    limit = config.dim * (config.max_block_len_acc if wide else config.max_block_len)
    _require(f["rows"] <= config.dim and f["cols"] <= limit, ErrorCode.BAD_SIZE)
    if f["rows"] and f["cols"]:
        _last_block(config, local, f, settings.block_stride)


def mvout(config: Config, f: dict[str, int]) -> None:
    local = Local.parse(f["local"])
    if local is None:
        raise Fault(ErrorCode.BAD_ADDRESS)
    _require(not (local.acc and local.norm), ErrorCode.NOT_SUPPORTED)
    limit = config.dim * (1 if local.acc and local.full else config.max_block_len)
    _require(f["rows"] <= config.dim and f["cols"] <= limit, ErrorCode.BAD_SIZE)
    if f["rows"] and f["cols"]:
        _last_block(config, local, f, config.dim)


def _operand(config: Config, address: int, rows: int, cols: int, stride: int) -> None:
    """A tile that execute reads: inside the scratchpad, or garbage."""
    local = Local.parse(address)
    if local is None:
        return
    _require(not local.acc, ErrorCode.BAD_ADDRESS)
    if rows and cols:
        _require(local.row + (rows - 1) * stride < config.sp_rows, ErrorCode.BAD_ADDRESS)


def preload(config: Config, f: dict[str, int], c_stride: int) -> None:
    extents = (f["b_rows"], f["b_cols"], f["c_rows"], f["c_cols"])
    _require(max(extents) <= config.dim, ErrorCode.BAD_SIZE)
    _operand(config, f["b_addr"], f["b_rows"], f["b_cols"], 1)
    c = Local.parse(f["c_addr"])
    if c is not None and f["c_rows"] and f["c_cols"]:
        last = c.row + (f["c_rows"] - 1) * c_stride
        _require(last < (config.acc_rows if c.acc else config.sp_rows), ErrorCode.BAD_ADDRESS)


def _overlaps(first: int, rows: int, stride: int, c_first: int, c_rows: int, c_stride: int) -> bool:
    if (first, stride) == (c_first, c_stride):
        return False
    last, c_last = first + (rows - 1) * stride, c_first + (c_rows - 1) * c_stride
    return first <= c_last and c_first <= last


def compute(config: Config, f: dict[str, int], state: State) -> None:
    _require(
        max(f["a_rows"], f["a_cols"], f["d_rows"], f["d_cols"]) <= config.dim, ErrorCode.BAD_SIZE
    )
    operands = []
    for name, stride in (("a", state.a_stride), ("d", 1)):
        address, rows, cols = (f[f"{name}_{part}"] for part in ("addr", "rows", "cols"))
        _operand(config, address, rows, cols, stride)
        local = Local.parse(address)
        if local is not None and rows and cols:
            operands.append((local.row, rows, stride))
    c = state.c
    target = Local.parse(c.address)
    if target is None or target.acc or not (c.rows and c.cols):
        return
    for operand in operands:
        _require(not _overlaps(*operand, target.row, c.rows, c.stride), ErrorCode.OVERLAP)


def counter(config: Config, f: dict[str, int]) -> None:
    known = f["event"] in Event.__members__.values() and not f["external"]
    _require(
        f["index"] < config.counters and (known or not f["configure"]), ErrorCode.NOT_SUPPORTED
    )
