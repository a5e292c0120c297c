"""The RTL against the instruction-set simulator: random programs on odd configurations.

``ALHENA_FULL=1`` runs more than 20,000 programs instead of some hundred; ``ALHENA_SEED`` moves
the first seed. A failure prints the smallest program that still fails as a file for
``tests/cosim/regressions``.
"""

import os

import pytest

from hw.config import Config
from sim.engine import EngineError
from sim.machine import Machine
from sim.programs import compare, program_text, random_program, shrink
from sim.rtl.engine import RtlEngine
from tests.cosim.configurations import CONFIGS, FULL

FIRST_SEED = int(os.environ.get("ALHENA_SEED", "0"))
LENGTH = 40


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
    config = CONFIGS[name]
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
