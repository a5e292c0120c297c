"""How fast the engines simulate, in clock cycles per second of processor time."""

import time
from functools import partial

from alhena import Accelerator
from hw.config import PRESETS
from sw.compiler.gemm import gemm
from sw.compiler.layout import Matrix

from .row import Row

GEMMINI = "Gemmini RTL in Verilator, upper figure"

# engine, preset, size of the square product, reference, its source
ENGINES = (
    ("rtl", "default", 256, 14000, GEMMINI),
    ("rtl", "tiny", 96, None, "–"),
    ("soc", "tiny", 48, None, "–"),
)


def rate(engine: str, preset: str, size: int) -> int:
    """Cycles per second of a square product, without compiling it."""
    config = PRESETS[preset]
    a, b, c = (Matrix((1 + n) << 18, size) for n in range(3))
    commands = gemm(config, size, size, size, a, b, c).commands
    accelerator = Accelerator(config, engine=engine)
    accelerator.run(commands[:1])
    start = time.process_time()
    cycles = accelerator.run(commands).check().cycles
    return round(cycles / (time.process_time() - start))


def rows() -> list[Row]:
    """Rates of the Verilated accelerator and of the whole system."""
    return [
        Row(
            "simulation",
            f"{engine} {preset}",
            preset,
            reference,
            source,
            "cycles/s",
            partial(rate, engine, preset, size),
            weight=60_000,
        )
        for engine, preset, size, reference, source in ENGINES
    ]
