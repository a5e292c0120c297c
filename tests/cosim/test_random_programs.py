"""The RTL against the instruction-set simulator: random programs on odd configurations.

``ALHENA_FULL=1`` runs more than 20,000 programs instead of some hundred; ``ALHENA_SEED`` moves
the first seed. A failure prints the smallest program that still fails as a file for
``tests/cosim/regressions``.
"""

import os

import pytest

from hw.config import PRESETS, Config
from hw.formats import Int
from sim.engine import EngineError
from sim.machine import Machine
from sim.programs import compare, program_text, random_config, random_program, shrink
from sim.programs.configs import OPTIONS
from sim.rtl.engine import RtlEngine

FULL = os.environ.get("ALHENA_FULL") == "1"
FIRST_SEED = int(os.environ.get("ALHENA_SEED", "0"))
LENGTH = 40
small = {"sp_bank_rows": 32, "acc_bank_rows": 16}
everything = dict.fromkeys(OPTIONS, True)
short_queues = dict.fromkeys(
    ("load_queue", "execute_queue", "store_queue", "command_queue", "reads_in_flight"), 2
)

CONFIGS = {
    "4x4 everything": PRESETS["tiny"].replace(**small, **everything),
    "4x4 plain": Config(
        dim=4, mvin_scale=False, mvout_scale=False, counters=0, bus_width=64, **small
    ),
    "3x3 uint8": Config(
        dim=3,
        input=Int(8, signed=False),
        output=Int(8, signed=False),
        accumulator=Int(24),
        bus_width=64,
        mvin_bytes=128,
        **small,
        **everything,
    ),
    "5x5 short queues": Config(
        dim=5, bus_width=32, **short_queues, **small, output_stationary=True, loop_ws=True
    ),
}
"""Configurations of every run; a complete one adds MORE and random ones."""

MORE = {
    "8x8": PRESETS["small"].replace(**small),
    "2x2 bus 256": Config(dim=2, bus_width=256, sp_banks=2, **small, **everything),
    "9x9 depthwise": Config(dim=9, sp_bank_rows=64, acc_bank_rows=64, mvin_bytes=256, **everything),
    "4x4 int16 8 banks": Config(
        dim=4,
        input=Int(16),
        weight=Int(16),
        output=Int(16),
        sp_banks=8,
        sp_bank_rows=8,
        acc_banks=4,
        acc_bank_rows=8,
        bus_width=128,
        scale_cycles=2,
        **everything,
    ),
    "6x6 int4": Config(
        dim=6,
        input=Int(4),
        weight=Int(4),
        output=Int(4),
        accumulator=Int(20),
        bus_width=32,
        **small,
        **everything,
    ),
    "16x16": PRESETS["default"].replace(**small),
    "16x16 everything": PRESETS["default"].replace(
        sp_bank_rows=64, acc_bank_rows=64, scale_cycles=4, **everything
    ),
    "24x24": Config(
        dim=24, bus_width=64, sp_bank_rows=64, acc_bank_rows=64, scale_cycles=8, loop_conv=True
    ),
    "32x32": Config(
        dim=32, bus_width=256, sp_bank_rows=64, acc_bank_rows=64, transposes=True, loop_ws=True
    ),
}
RANDOM = range(1000, 1026)
if FULL:
    CONFIGS |= MORE | {f"random {seed}": random_config(seed) for seed in RANDOM}


def programs(config: Config) -> int:
    """How many programs a configuration runs: large ones are slow."""
    if not FULL:
        return 60
    return 700 if config.dim <= 8 else 500 if config.dim <= 16 else 100


SETTINGS = (
    {"latency": 1},
    {"latency": 3, "stall": 0.3},
    {"latency": 25, "max_outstanding": 4, "stall": {"host": 0.5, "ack": 0.5}},
    {"latency": 2, "stall": {"read_data": 0.7, "write": 0.6}, "command_gap": 3},
)
"""How the memory and the host behave; programs take turns."""


def difference(reference, engine, program) -> str | None:
    """What `compare` finds; a run that does not end counts."""
    try:
        return compare(reference, engine, program)
    except EngineError as error:
        return str(error)


@pytest.mark.parametrize("name", CONFIGS)
def test_equals_the_machine(name):
    config = CONFIGS[name].replace(name=f"random-{name.replace(' ', '-')}")
    memory_bytes = random_program(config, 0, 1).memory_bytes
    reference = Machine(config, memory_bytes)
    limits = {"patience": 5000, "cycle_limit": 500_000}
    engines = [
        RtlEngine(config, memory_bytes, seed=number, **limits, **settings)
        for number, settings in enumerate(SETTINGS)
    ]
    for number in range(programs(config)):
        turn = (number + number // 4) % len(SETTINGS)  # bus errors come with every fourth seed
        engine = engines[turn]
        program = random_program(config, FIRST_SEED + number, LENGTH)
        found = difference(reference, engine, program)
        if found:
            least = shrink(program, lambda p, e=engine: bool(difference(reference, e, p)))
            found = difference(reference, engine, least) or found
            title = f"{name}, seed {program.seed}, memory {SETTINGS[turn]}:\n{found}"
            pytest.fail(f"\n{program_text(least, title)}", pytrace=False)
