"""The systems of docs/systems.md: their clocks, and, in complete runs, their bitstreams."""

import json
import os

import pytest

from bench import systems
from bench.systems import SYSTEMS, measure
from fpga.families import FAMILIES

FULL = pytest.mark.skipif(os.environ.get("ALHENA_FULL") != "1", reason="hours; make test-full")
IN_LUTS = "8x8 int8 in LUTs"
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


def test_records_of_other_configurations_do_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr(systems, "build_directory", lambda: tmp_path)
    found = {name: system.identity(name) for name, system in SYSTEMS.items()}
    (tmp_path / systems.FILE).write_text(json.dumps(found))
    assert systems.record() == found
    found["ulx3s"]["aims_mhz"]["core"] += 1
    found["8x8 int8"]["changes"] += ",mac_stages=4"
    (tmp_path / systems.FILE).write_text(json.dumps(found))
    assert set(found) - set(systems.record()) == {"ulx3s", "8x8 int8"}


@FULL
@pytest.mark.parametrize("name", [name for name in SYSTEMS if name != IN_LUTS])
def test_bitstreams_meet_their_clocks(name):
    got, wanted = measure(name), REACHED.get(name, {})
    assert got["timing_met"]
    assert all(got["reached_mhz"][part] >= wanted.get(part, 0) for part in got["reached_mhz"])
    assert got["area"]["lut"] <= wanted.get("lut", 1 << 30)
    assert got["peak_gops"] >= wanted.get("gops", 0)


@FULL
def test_exact_floats_in_blocks_take_no_more_than_integers_in_luts():
    floats, integers = measure("8x8 e4m3fn exact"), measure(IN_LUTS)
    assert floats["area"]["lut"] <= integers["area"]["lut"]
