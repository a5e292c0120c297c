"""How fast the engines simulate, in clock cycles per second of wall time."""

import time
from functools import partial

import numpy as np

from hw.config import PRESETS

from .row import Row

GEMMINI = "Gemmini RTL in Verilator: 10 to 14 thousand"


def rtl_rate(preset: str, size: int) -> int:
    """Cycles per second of a square product on the rtl engine."""
    from alhena import Accelerator

    rng = np.random.default_rng(size)
    a, b = rng.integers(-128, 128, (2, size, size))
    accelerator = Accelerator(PRESETS[preset], engine="rtl")
    accelerator.matmul(a, b, scale=0.001)
    start = time.perf_counter()
    accelerator.matmul(a, b, scale=0.001)
    return round(accelerator.last.cycles / (time.perf_counter() - start))


def rows() -> list[Row]:
    """Rates of the rtl engine on two presets."""
    return [
        Row(
            "simulation",
            f"rtl {preset}",
            preset,
            reference,
            source,
            "cycles/s",
            partial(rtl_rate, preset, size),
            weight=60_000,
        )
        for preset, size, reference, source in (
            ("default", 256, 14000, GEMMINI),
            ("tiny", 64, None, "–"),
        )
    ]
