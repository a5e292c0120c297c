"""The RTL against the instruction-set simulator in many number formats, by random programs.

``ALHENA_FULL=1`` runs every combination of :mod:`.formats` with two numbers of MAC stages.
"""

import pytest

from sim.machine import Machine
from sim.programs import program_text, random_program, shrink
from sim.rtl.engine import RtlEngine
from tests.cosim.formats import FULL, chosen, configuration
from tests.cosim.test_random_programs import FIRST_SEED, LENGTH, difference

SETTINGS = (
    {"latency": 1},
    {"latency": 3, "stall": 0.3},
    {"latency": 25, "max_outstanding": 4, "stall": {"host": 0.5, "ack": 0.5}},
)
PROGRAMS = 120 if FULL else 40


@pytest.mark.parametrize(("name", "stages"), chosen(), ids=str)
def test_equals_the_machine(name, stages):
    config = configuration(name, stages)
    memory_bytes = random_program(config, 0, 1).memory_bytes
    reference = Machine(config, memory_bytes)
    limits = {"patience": 5000, "cycle_limit": 500_000}
    engines = [
        RtlEngine(config, memory_bytes, seed=number, **limits, **settings)
        for number, settings in enumerate(SETTINGS)
    ]
    for number in range(PROGRAMS):
        turn = (number + number // 4) % len(SETTINGS)
        engine = engines[turn]
        program = random_program(config, FIRST_SEED + number, LENGTH)
        found = difference(reference, engine, program)
        if found:
            least = shrink(program, lambda p, e=engine: bool(difference(reference, e, p)))
            found = difference(reference, engine, least) or found
            title = f"{name}, seed {program.seed}, memory {SETTINGS[turn]}:\n{found}"
            pytest.fail(f"\n{program_text(least, title)}", pytrace=False)
