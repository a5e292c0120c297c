"""The RTL against the instruction-set simulator: random programs on odd configurations.

``ALHENA_FULL=1`` runs 5,200 programs instead of 216; ``ALHENA_SEED`` moves the first seed. A
failure prints the seed and the smallest program that still fails, as assembler.
"""

import os

import pytest

from hw.config import PRESETS, Config
from hw.formats import Int
from sim.engine import EngineError
from sim.machine import Machine
from sim.programs import compare, races, random_config, random_program, shrink
from sim.rtl.engine import RtlEngine

FULL = os.environ.get("ALHENA_FULL") == "1"
FIRST_SEED = int(os.environ.get("ALHENA_SEED", "0"))
small_memories = {"sp_bank_rows": 32, "acc_bank_rows": 16}

CONFIGS = {
    "tiny": PRESETS["tiny"].replace(**small_memories),
    "small": PRESETS["small"].replace(**small_memories),
    "2x2 bus 256": Config(dim=2, bus_width=256, sp_banks=2, **small_memories),
    "3x3 uint8": Config(
        dim=3,
        input=Int(8, signed=False),
        output=Int(8, signed=False),
        accumulator=Int(24),
        bus_width=64,
        **small_memories,
    ),
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
    ),
    "5x5 short queues": Config(
        dim=5,
        bus_width=32,
        load_queue=2,
        execute_queue=2,
        store_queue=2,
        command_queue=2,
        reads_in_flight=2,
        **small_memories,
    ),
    "6x6 int4": Config(
        dim=6,
        input=Int(4),
        weight=Int(4),
        output=Int(4),
        accumulator=Int(20),
        bus_width=32,
        **small_memories,
    ),
    "4x4 plain": Config(dim=4, mvin_scale=False, counters=0, bus_width=64, **small_memories),
}
if FULL:
    CONFIGS["16x16"] = PRESETS["default"].replace(**small_memories)
    CONFIGS["24x24"] = Config(dim=24, bus_width=64, sp_bank_rows=32, acc_bank_rows=32)
    CONFIGS |= {f"random {seed}": random_config(seed) for seed in range(1000, 1004)}
PROGRAMS = -(-5200 // len(CONFIGS)) if FULL else 27
"""Programs that each configuration must run."""
LENGTH = 40

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
    limits = {"patience": 3000, "cycle_limit": 500_000}
    engines = [
        RtlEngine(config, memory_bytes, seed=number, **limits, **settings)
        for number, settings in enumerate(SETTINGS)
    ]
    ran = 0
    for number in range(2 * PROGRAMS):
        turn = (number + number // 4) % len(SETTINGS)  # bus errors come with every fourth seed
        engine, settings = engines[turn], SETTINGS[turn]
        program = random_program(config, FIRST_SEED + number, LENGTH)
        if races(program):  # no defined result: draw another
            continue
        if ran == PROGRAMS:
            break
        ran += 1
        found = difference(reference, engine, program)
        if found:
            least = shrink(program, lambda p, e=engine: bool(difference(reference, e, p)))
            found = difference(reference, engine, least) or found
            pytest.fail(
                f"{name}, seed {FIRST_SEED + number}, memory {settings}: {found}\n{least}",
                pytrace=False,
            )
    assert ran == PROGRAMS, "too many of the drawn programs race"
