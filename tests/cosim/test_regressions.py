"""Programs that once showed a difference between RTL and simulator.

Each file of ``regressions/`` is the smallest of its kind: what was wrong in a comment, the
configuration, the commands (`sim.programs.read_program`). A configuration of the random programs
is taken under its name there, so that it is built once; those with one of their own run with
``ALHENA_FULL=1``.
"""

import dataclasses
from pathlib import Path

import pytest

from sim.machine import Machine
from sim.programs import compare, races, read_program
from sim.rtl.engine import RtlEngine
from tests.cosim.configurations import CONFIGS, FULL

PATHS = sorted((Path(__file__).parent / "regressions").glob("*.txt"))
SETTINGS = (
    {"latency": 1},
    {"latency": 25, "max_outstanding": 4, "stall": 0.4},
    {"latency": 3, "stall": {"read_data": 0.7, "write": 0.6}, "command_gap": 3},
)


def read(path):
    """The program, and whether its configuration is one of this run's random programs."""
    program = read_program(path.read_text())
    for config in CONFIGS.values():
        if config.replace(name=program.config.name) == program.config:
            return dataclasses.replace(program, config=config), True
    return program, False


def case(path):
    program, shared = read(path)
    alone = pytest.mark.skipif(not (shared or FULL), reason="built for it alone: ALHENA_FULL=1")
    return pytest.param(program, id=path.stem, marks=alone)


def test_some_are_of_the_configurations_of_every_run():
    assert sum(shared for _, shared in map(read, PATHS)) >= 6


@pytest.mark.parametrize("program", map(case, PATHS))
def test_stays_mended(program):
    assert races(program) is None
    reference = Machine(program.config, program.memory_bytes)
    for seed, settings in enumerate(SETTINGS):
        limits = {"patience": 5000, "cycle_limit": 500_000}
        engine = RtlEngine(program.config, program.memory_bytes, seed=seed, **limits, **settings)
        assert compare(reference, engine, program) is None
