"""Random configurations: small mostly, odd often, always legal."""

import random

from hw.config import Config, ConfigError
from hw.formats import Int


def random_config(seed: int) -> Config:
    """A configuration that depends on `seed` only."""
    rng = random.Random(f"config {seed}")
    while True:
        try:
            return _draw(rng, seed)
        except ConfigError:
            continue


def _draw(rng: random.Random, seed: int) -> Config:
    width = rng.choice((8, 8, 8, 8, 4, 6, 16, 2, 12, 5))
    acc = min(32, rng.choice((32, 32, 24, 2 * width, 2 * width + 4, 20)))
    signed = rng.random() < 0.8
    power = lambda low, high: 1 << rng.randint(low, high)  # noqa: E731
    return Config(
        name=f"random{seed}",
        dim=rng.choice((2, 3, 4, 4, 4, 5, 6, 8, 8, 10, 12, 16)),
        input=Int(width, signed),
        weight=Int(width, rng.random() < 0.75),
        accumulator=Int(acc),
        output=Int(width, rng.random() < 0.8),
        sp_banks=power(1, 3),
        sp_bank_rows=power(3, 7),
        acc_banks=power(1, 2),
        acc_bank_rows=power(3, 6),
        bus_width=power(5, 8),
        load_queue=rng.randint(2, 8),
        execute_queue=rng.randint(2, 16),
        store_queue=rng.randint(2, 6),
        command_queue=rng.randint(2, 8),
        reads_in_flight=rng.choice((2, 3, 8, 16, 32)),
        mvin_scale=rng.random() < 0.7,
        counters=rng.choice((0, 2, 8)),
    )
