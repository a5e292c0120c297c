"""The systems of docs/systems.md: their clocks, and, in complete runs, their bitstreams."""

import os

import pytest

from bench.systems import SYSTEMS, measure
from fpga.families import FAMILIES

REACHED = {
    "icebreaker": {"core": 20},
    "8x8 int8": {"core": 55, "array": 135, "lut": 16_000},
    "12x12 int8": {"array": 140},
    "16x16 int8": {"array": 120, "gops": 60},
    "4x4 bf16": {"array": 80},
}
"""What systems have to come to: MHz, GOPS at most, and at most so many LUT4."""


@pytest.mark.parametrize("name", SYSTEMS)
def test_clocks_are_made_by_the_board(name):
    system = SYSTEMS[name]
    place = system.place(name)
    FAMILIES[place.family].dividers(place, system.config.array_clock)


@pytest.mark.skipif(os.environ.get("ALHENA_FULL") != "1", reason="an hour; make test-full")
@pytest.mark.parametrize("name", SYSTEMS)
def test_bitstreams_meet_their_clocks(name):
    got, wanted = measure(name), REACHED.get(name, {})
    assert got["timing_met"]
    assert all(got["reached_mhz"][part] >= wanted.get(part, 0) for part in got["reached_mhz"])
    assert got["lut"] <= wanted.get("lut", got["lut"])
    assert got["peak_gops"] >= wanted.get("gops", 0)


@pytest.mark.skipif(os.environ.get("ALHENA_FULL") != "1", reason="an hour; make test-full")
def test_exact_floats_in_blocks_take_no_more_than_integers_in_luts():
    assert measure("8x8 e4m3fn exact")["lut"] <= measure("8x8 int8 in LUTs")["lut"]
