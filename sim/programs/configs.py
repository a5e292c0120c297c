"""Random configurations: small mostly, odd often, always legal."""

import random

from hw.config import OPTIONS, Config, ConfigError
from hw.formats import Int

HAZARDS = ({}, {"serial_hazards": True}, {"in_order": True})
"""Ways to keep commands apart."""

ROWS = 2048
"""Most rows of a memory: programs fill and dump all of them."""


def random_config(seed: int, dim: int | None = None) -> Config:
    """A configuration that depends on the arguments only; `dim` is drawn if it is not given."""
    rng = random.Random(f"config {seed}")
    while True:
        try:
            return _clocked(_draw(rng, seed, dim), seed)
        except ConfigError:
            continue


def _bank_rows(rng: random.Random, dim: int, banks: int, tiles: tuple[int, ...]) -> int:
    """A power of two, so that the memory has about that many tiles."""
    rows = min(dim * rng.choice(tiles), ROWS) // banks
    return max(1 << rows.bit_length() - 1, 4)


def _draw(rng: random.Random, seed: int, dim: int | None) -> Config:
    width = rng.choice((8, 8, 8, 8, 4, 6, 16, 2, 12, 5))
    acc = min(32, rng.choice((32, 32, 24, 2 * width, 2 * width + 4, 20)))
    signed = rng.random() < 0.8
    drawn = rng.choice((2, 3, 4, 4, 4, 5, 6, 7, 8, 8, 9, 10, 12, 16))
    dim = drawn if dim is None else dim
    likely = rng.choice((0.1, 0.5, 0.5, 0.9, 1.0))
    sp_banks, acc_banks = 1 << rng.randint(1, 3), 1 << rng.randint(0, 2)
    return Config(
        name=f"random{seed}",
        dim=dim,
        input=Int(width, signed),
        weight=Int(width, rng.random() < 0.75),
        accumulator=Int(acc),
        output=Int(width, rng.random() < 0.8),
        sp_banks=sp_banks,
        sp_bank_rows=_bank_rows(rng, dim, sp_banks, (4, 8, 16, 16, 32, 64)),
        acc_banks=acc_banks,
        acc_bank_rows=_bank_rows(rng, dim, acc_banks, (4, 8, 16, 32)),
        bus_width=1 << rng.randint(5, 8),
        load_queue=rng.randint(2, 8),
        execute_queue=rng.randint(2, 16),
        store_queue=rng.randint(2, 6),
        command_queue=rng.randint(2, 8),
        reads_in_flight=rng.choice((2, 3, 8, 16, 32)),
        mvin_scale=rng.random() < 0.7,
        mvin_bytes=rng.choice((64, 64, 100, 128, 256, 1024)),
        mvout_scale=rng.random() < 0.8,
        scale_cycles=rng.choice((1, 1, 2, 4, 8, 16)),
        counters=rng.choice((0, 2, 8)),
        **{option: rng.random() < likely for option in OPTIONS},
        **random.Random(f"hazards {seed}").choice(HAZARDS),
        dsps=random.Random(f"dsps {seed}").choice((None, None, 0, 1, dim)),
    )


def _clocked(config: Config, seed: int) -> Config:
    """With a faster clock for the array, where that is possible."""
    times = random.Random(f"array clock {seed}").randint(1, 4)
    try:
        return config.replace(array_clock=times)
    except ConfigError:
        return config
