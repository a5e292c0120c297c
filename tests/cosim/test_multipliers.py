"""Multipliers of one's own in the RTL against the instruction-set simulator: random programs.

``ALHENA_FULL=1`` takes a table of integers, too, which takes a minute to build.
"""

import os
from dataclasses import replace

import numpy as np
import pytest

from hw.config import OPTIONS, PRESETS
from hw.formats import Float, Int, Multiplier
from sim.machine import Machine
from sim.programs import compare, random_program
from sim.programs.compare import outcome
from sim.rtl.engine import RtlEngine

FULL = os.environ.get("ALHENA_FULL") == "1"
PROGRAMS = 80
PLAIN = PRESETS["tiny"].replace(
    sp_bank_rows=32,
    acc_bank_rows=16,
    mvin_scale=False,
    mvout_scale=False,
    counters=0,
    **dict.fromkeys(OPTIONS, False),
)


def wild(a: Int, b: Int) -> Multiplier:
    """Any product at all, but 0 where an operand is."""
    bits = a.width + b.width
    values = np.random.default_rng(7).integers(-1 << bits - 1, 1 << bits - 1, 1 << bits)
    table = values.reshape(1 << a.width, 1 << b.width)
    table[0], table[:, 0] = 0, 0
    return Multiplier.from_table("wild", table)


def one_off(a, b):
    """Not symmetric."""
    return np.where((a == 0) | (b == 0), 0, a * b - (a & 1) * (b >> 1 & 1))


CONFIGS = {
    "e4m3fn": PLAIN.with_formats(Float.parse("e4m3fn")).replace(
        dim=3, depthwise=True, multiplier=Multiplier("one-off", one_off)
    ),
    "int8 table": PLAIN.replace(
        dim=2, output_stationary=True, transposes=True, multiplier=wild(Int(8), Int(8))
    ),
}


@pytest.mark.parametrize("name", list(CONFIGS)[: 1 + FULL])
def test_equals_the_machine(name):
    config = CONFIGS[name].replace(name=f"own-{name.replace(' ', '-')}")
    memory_bytes = random_program(config, 0, 1).memory_bytes
    reference = Machine(config, memory_bytes)
    engine = RtlEngine(config, memory_bytes, latency=2, stall=0.1, patience=5000)
    for seed in range(PROGRAMS):
        found = compare(reference, engine, random_program(config, seed, 40))
        assert not found, f"{name}, seed {seed}: {found}"


def test_programs_tell_multipliers_apart():
    """Exact products leave something else behind in some of the same programs."""
    for own in CONFIGS.values():
        differ, exact = 0, own.replace(multiplier=None)
        programs = [random_program(own, seed, 40) for seed in range(PROGRAMS)]
        machines = [Machine(config, programs[0].memory_bytes) for config in (own, exact)]
        for program in programs:
            left = (
                outcome(machines[0], program),
                outcome(machines[1], replace(program, config=exact)),
            )
            differ += (left[0].memory != left[1].memory).any()
        assert differ > 5
