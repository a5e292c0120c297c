"""Commands that end in an error code instead of being executed."""

import random

from hw.config import Config
from hw.isa import BY_FUNCT, COMMANDS, GARBAGE, GROUPS, Command, Local, encode, float_bits

_UNKNOWN = [funct for funct in range(128) if funct not in BY_FUNCT]
_INFINITE, _NAN = 0x7F80_0000, 0xFFC0_0000
_ONE = float_bits(1.0)


def _configurations(config: Config) -> list[Command]:
    ex = {"dataflow": 1, "a_stride": 1, "c_stride": 1}
    out = [
        encode("config_ex", **(ex | {"c_stride": 0})),
        encode("config_ex", **(ex | {"transpose_a": 1, "transpose_b": 1})),
        encode("config_ex", **(ex | {"dataflow": 0, "transpose_b": 1})),
        encode("config_ex", **(ex | {"dataflow": 0, "shift": config.accumulator.width})),
        encode("config_ld", set=3, scale=_ONE),
        encode("config_ld", set=1, repeats=config.dim + 1, scale=_ONE),
        encode("config_ld", set=1, lane=config.dim, scale=_ONE),
        encode("config_ld", set=0, repeats=2, lane=1, scale=_ONE),
        encode("config_ld", set=2, scale=_INFINITE),
        encode("config_st", pool_stride=1, pool_size=0, scale=_ONE),
        encode("config_st", scale=_NAN),
        encode("counter", index=7, configure=1, event=63),
        encode("counter", configure=1, event=24, external=1),
    ]
    return out + [command for needs, command in _left_out() if not getattr(config, needs)]


def _left_out() -> list[tuple[str, Command]]:
    """Options, and commands that need them."""
    ex = {"dataflow": 1, "a_stride": 1, "c_stride": 1}
    half = float_bits(0.5)
    return [
        ("output_stationary", encode("config_ex", **(ex | {"dataflow": 0}))),
        ("transposes", encode("config_ex", **ex, transpose_a=1)),
        ("transposes", encode("config_ex", **ex, transpose_b=1)),
        ("first_layer", encode("config_ld", set=1, repeats=2, scale=_ONE)),
        ("first_layer", encode("config_ld", set=2, lane=1, scale=_ONE)),
        ("normalisation", encode("config_ex", **ex, activation=3)),
        ("normalisation", encode("config_st", activation=2, scale=_ONE)),
        ("pooling", encode("config_st", pool_stride=1, pool_size=2, scale=_ONE)),
        ("pooling", encode("config_st", pool_size=1, scale=_ONE)),
        ("mvin_scale", encode("config_ld", scale=half)),
        ("mvout_scale", encode("config_st", scale=half)),
        ("normalisation", encode("mvout", address=64, local=Local.ACC | 3 << 26, rows=1, cols=1)),
        *((needs, encode(spec.name)) for spec in COMMANDS if (needs := GROUPS.get(spec.group))),
    ]


def _moves(config: Config, rng: random.Random) -> list[Command]:
    dim = config.dim
    tile = {"rows": dim, "cols": dim}
    acc = Local.ACC
    outside = rng.choice((1, config.dim, 1 << 20))
    wide = dim * config.max_load_blocks
    spad = {"source_rows": 1, "source_cols": 1}
    out = [
        encode("mvin", address=64, local=GARBAGE, **tile),
        encode("mvin2", address=64, local=0, rows=dim + 1, cols=1),
        encode("mvin3", address=64, local=0, rows=1, cols=wide + 1),
        encode("mvin", address=64, local=config.sp_rows - dim + outside, **tile),
        encode("mvin2", address=64, local=acc | (config.acc_rows - dim + outside), **tile),
        encode("mvout", address=64, local=GARBAGE, **tile),
        encode("mvout", address=64, local=acc | Local.FULL, rows=1, cols=dim + 1),
        encode("mvin", address=64, local=0, rows=1, cols=65535),
        encode("mvout_spad", destination=acc, source_addr=0, **spad),
        encode("mvout_spad", destination=GARBAGE, source_addr=0, **spad),
        encode("mvout_spad", destination=0, source_addr=acc | Local.FULL, **spad),
        encode("mvout_spad", destination=0, source_addr=acc | config.acc_rows, **spad),
        encode("mvout_spad", destination=config.sp_rows, source_addr=0, **spad),
        encode("mvout_spad", destination=0, source_addr=dim, source_rows=dim + 1),
    ]
    return out


def _tiles(config: Config, rng: random.Random) -> list[Command]:
    dim = config.dim
    ends = {"b_rows": 1, "b_cols": 1, "c_rows": 1, "c_cols": 1}
    a = {"a_rows": 1, "a_cols": 1}
    far = rng.choice((config.sp_rows, 1 << 25))
    return [
        *_tables(config, far),
        *_scales(config),
        encode("preload", **(ends | {"c_rows": dim + 1}), b_addr=0, c_addr=0),
        encode("preload", **ends, b_addr=Local.ACC, c_addr=0),
        encode("preload", **ends, b_addr=far, c_addr=0),
        encode("preload", **ends, b_addr=GARBAGE, c_addr=Local.ACC | config.acc_rows),
        encode("compute_preloaded", **a, a_addr=Local.ACC, d_addr=GARBAGE),
        encode("compute_accumulated", a_rows=dim + 1, a_cols=1, d_addr=GARBAGE),
        encode("compute_accumulated", **a, a_addr=far, d_addr=GARBAGE),
        encode("compute_preloaded", **a, a_addr=0, d_addr=Local.ACC),
        encode("compute_preloaded", **a, a_addr=0, d_addr=far, d_rows=1, d_cols=1),
    ]


def _tables(config: Config, far: int) -> list[Command]:
    if not config.weight_table:
        return []
    return [
        encode("weight_table", table_addr=GARBAGE, table_rows=1),
        encode("weight_table", table_addr=Local.ACC),
        encode("weight_table", table_addr=0, table_rows=config.table_rows + 1),
        encode("weight_table", table_addr=far, table_rows=1),
    ]


def _scales(config: Config) -> list[Command]:
    """Scales of blocks that are not there."""
    out = []
    if config.weight_block:
        last = {"b_addr": config.sp_rows - 1, "c_addr": GARBAGE}
        out.append(encode("preload", b_rows=1, b_cols=1, **last))
    if config.input_block:
        beyond = {"d_addr": 0, "d_rows": 1, "d_cols": config.row_scales}
        out.append(encode("compute_preloaded", a_rows=1, a_cols=1, a_addr=0, **beyond))
    return out


def _depthwise() -> list[Command]:
    line = {"width": 3, "outputs": 1, "lines": 1, "stride": 1}
    return [
        encode("compute_depthwise", **(line | {"width": 1024})),
        encode("compute_depthwise", **(line | {"stride": 0})),
        encode("compute_depthwise", **line, a_addr=GARBAGE),
        encode("compute_depthwise", **line, a_addr=Local.ACC),
        encode("compute_depthwise", **line, a_addr=Local.ACC - 1),
    ]


def _loops() -> list[Command]:
    return [
        encode("loop_ws", a_spad_id=3),
        encode("loop_ws", b_spad_id=3, activation=9),
        encode("loop_conv_ws", b_spad_id=3),
        encode("loop_conv_ws", activation=2),
    ]


def illegal(config: Config, rng: random.Random) -> Command:
    """One command that ends in an error whatever the state is.

    (OVERLAP depends on the preload in force; programs meet it through their shared rows.)
    """
    kind = rng.randrange(6)
    if kind == 0:
        return Command(rng.choice(_UNKNOWN), rng.getrandbits(64), rng.getrandbits(64))
    if kind == 1:
        return rng.choice(_configurations(config))
    if kind == 2:
        left_out = [command for needs, command in _left_out() if not getattr(config, needs)]
        return rng.choice(left_out or _configurations(config))
    return rng.choice((_moves(config, rng), _tiles(config, rng), _depthwise() + _loops())[kind - 3])
