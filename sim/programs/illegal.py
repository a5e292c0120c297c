"""Commands that end in an error code instead of being executed."""

import random

from hw.config import Config
from hw.isa import BY_FUNCT, COMMANDS, GARBAGE, GROUPS, Command, Local, encode, float_bits

_UNKNOWN = [funct for funct in range(128) if funct not in BY_FUNCT]
_LATER = [spec for spec in COMMANDS if spec.group in GROUPS]
_INFINITE, _NAN = 0x7F80_0000, 0xFFC0_0000
_ONE = float_bits(1.0)


def _configurations(config: Config) -> list[Command]:
    ex = {"dataflow": 1, "a_stride": 1, "c_stride": 1}
    out = [
        encode("config_ex", dataflow=0, c_stride=1),
        encode("config_ex", **(ex | {"transpose_a": 1})),
        encode("config_ex", **(ex | {"transpose_b": 1})),
        encode("config_ex", **(ex | {"activation": 3})),
        encode("config_ex", **(ex | {"c_stride": 0})),
        encode("config_ld", set=3, scale=_ONE),
        encode("config_ld", set=1, repeats=2, scale=_ONE),
        encode("config_ld", set=2, scale=_INFINITE),
        encode("config_st", activation=2, scale=_ONE),
        encode("config_st", pool_stride=1, pool_size=2, scale=_ONE),
        encode("config_st", pool_size=1, scale=_ONE),
        encode("config_st", scale=_NAN),
        encode("counter", index=7, configure=1, event=63),
        encode("counter", configure=1, event=24, external=1),
    ]
    if config.counters < 8:
        out.append(encode("counter", index=7))
    if not config.mvin_scale:
        out.append(encode("config_ld", scale=float_bits(0.5)))
    return out


def _moves(config: Config, rng: random.Random) -> list[Command]:
    dim = config.dim
    tile = {"rows": dim, "cols": dim}
    acc = Local.ACC
    outside = rng.choice((1, config.dim, 1 << 20))
    wide = dim * config.max_block_len
    return [
        encode("mvin", address=64, local=GARBAGE, **tile),
        encode("mvin2", address=64, local=0, rows=dim + 1, cols=1),
        encode("mvin3", address=64, local=0, rows=1, cols=wide + 1),
        encode("mvin", address=64, local=config.sp_rows - dim + outside, **tile),
        encode("mvin2", address=64, local=acc | (config.acc_rows - dim + outside), **tile),
        encode("mvout", address=64, local=GARBAGE, **tile),
        encode("mvout", address=64, local=acc | 3 << 26, **tile),
        encode("mvout", address=64, local=0, rows=dim + 1, cols=dim),
        encode("mvout", address=64, local=acc | Local.FULL, rows=1, cols=dim + 1),
        encode("mvout", address=64, local=config.sp_rows - dim + outside, **tile),
    ]


def _tiles(config: Config, rng: random.Random) -> list[Command]:
    dim = config.dim
    ends = {"b_rows": 1, "b_cols": 1, "c_rows": 1, "c_cols": 1}
    a = {"a_rows": 1, "a_cols": 1}
    far = rng.choice((config.sp_rows, 1 << 25))
    return [
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


def illegal(config: Config, rng: random.Random) -> Command:
    """One command that ends in an error whatever the state is.

    (OVERLAP depends on the preload in force; programs meet it through their shared rows.)
    """
    kind = rng.randrange(5)
    if kind == 0:
        return Command(rng.choice(_UNKNOWN), rng.getrandbits(64), rng.getrandbits(64))
    if kind == 1:
        return encode(rng.choice(_LATER).name)
    table = (_configurations(config), _moves(config, rng), _tiles(config, rng))[kind - 2]
    return rng.choice(table)
