"""Parts of the report, from small examples of the tools' files."""

import json

import pytest

from fpga.board import board
from fpga.families import FAMILIES
from fpga.report import (
    clocks,
    critical_path,
    crossings,
    modules,
    own_name,
    report,
    timing_met,
    utilisation,
)


@pytest.mark.parametrize(
    ("net", "own"),
    [
        ("a.b.last_TRELLIS_FF_Q_11_DI_LUT4_Z_D_CCU2C_S1", "a.b.last"),
        ("busy_LUT4_Z_D_LUT4_D_Z[1]", "busy"),
        ("a.fifo.storage.0.4_DO", "a.fifo.storage.0.4_DO"),
        ("a.alu_out", "a.alu_out"),
        ("a.kept$4_DFFRE_Q_3", "a.kept$4"),
        ("a.sum_ALU_SUM_2_I1_LUT2_F", "a.sum"),
        ("a.sum_SB_LUT4_O_1_I3_SB_CARRY_CO", "a.sum"),
    ],
)
def test_nets_are_called_as_in_the_design(net, own):
    assert own_name(net) == own


COUNTS = {"TRELLIS_COMB": (10, 100), "TRELLIS_FF": (3, 50), "MULT18X18D": (2, 8), "DP16KD": (1, 4)}
USED = {cell: {"used": used, "available": room} for cell, (used, room) in COUNTS.items()}


def step(kind, delay, start, end, net=""):
    return {"type": kind, "delay": delay, "net": net, "from": {"cell": start}, "to": {"cell": end}}


PATH = {
    "from": "posedge clk",
    "to": "posedge clk",
    "path": [
        step("clk-to-q", 0.5, "a.x_TRELLIS_FF_Q", "a.x_TRELLIS_FF_Q"),
        step("routing", 1.25, "a.x_TRELLIS_FF_Q", "a.y_LUT4_Z", "a.x"),
        step("logic", 0.25, "a.y_LUT4_Z", "a.y_LUT4_Z"),
        step("routing", 2.0, "a.y_LUT4_Z", "b.z_TRELLIS_FF_Q", "a.y_LUT4_Z"),
        step("setup", 0.1, "b.z_TRELLIS_FF_Q", "b.z_TRELLIS_FF_Q"),
    ],
}


def test_the_longest_path_is_that_of_the_clock():
    other = PATH | {"from": "<async>"}
    assert critical_path([other, PATH], "clk") == {
        **{"from": "a.x", "to": "b.z", "ns": 4.1, "routing_ns": 3.25, "nets": ["a.x", "a.y"]}
    }
    assert critical_path([other], "clk") == {}


def test_clocks_have_every_seed_and_the_median():
    reports = {
        seed: {"fmax": {"$glbnet$clk": {"achieved": mhz, "constraint": 50}}, "critical_paths": []}
        for seed, mhz in ((1, 40.04), (2, 60.0), (3, 55.5))
    }
    assert clocks(reports, 2) == {
        "clk": {
            **{"fmax_mhz": 60.0, "median_mhz": 55.5, "target_mhz": 50},
            **{"seeds": {1: 40.0, 2: 60.0, 3: 55.5}, "critical_path": {}},
        }
    }


@pytest.mark.parametrize(("delay", "met"), [(7.0, True), (7.2, False)])
def test_paths_from_clock_to_clock_have_a_cycle_of_the_faster_one(delay, met):
    fmax = {
        "$glbnet$slow": {"achieved": 60, "constraint": 47},
        "$glbnet$fast": {"achieved": 150, "constraint": 141},
    }
    start = "a.x_TRELLIS_FF_Q"
    steps = [step("clk-to-q", 0.5, start, start), step("setup", delay - 0.5, "b.y", "b.y")]
    between = {"from": "posedge $glbnet$slow", "to": "posedge $glbnet$fast", "path": steps}
    found = {"fmax": fmax, "critical_paths": [PATH | {"from": "<async>"}, between]}
    assert crossings(found) == {
        "slow to fast": {"ns": delay, "most_ns": 7.09, "from": "a.x", "to": "b.y"}
    }
    assert timing_met(found) is met
    assert crossings({"fmax": fmax, "critical_paths": []}) == {}


@pytest.mark.parametrize(("achieved", "met"), [(24.96, False), (25.0, True), (60.0, True)])
def test_the_clock_is_met_only_if_it_is(tmp_path, achieved, met):
    fmax = {"clk": {"achieved": achieved, "constraint": 25.0}}
    files = {
        "report.json": {"fmax": fmax, "critical_paths": [], "utilization": USED},
        "placement.json": {"seconds": 2.0},
        "synthesis.json": {"seconds": 1.0},
        "top.json": {"modules": {"top": {"cells": {}}}},
    }
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    ulx3s = board("ulx3s")
    found = report(ulx3s, FAMILIES[ulx3s.family], tmp_path, {7: tmp_path}, 7)
    assert found["timing_met"] is met and found["untimed"] == ""
    assert found["seconds"] == {"synthesis": 1.0, "place_and_route_7": 2.0}


def test_area_has_shares():
    found = utilisation(FAMILIES["ecp5"], USED)
    assert found["ff"] == {"used": 3, "available": 50, "share": 0.06}
    assert found["dsp"] == {"used": 2, "available": 8, "share": 0.25}


def test_cells_belong_to_the_module_that_names_them():
    cells = {
        **dict.fromkeys(["a.b.c.d.e.x_LUT4", "a.b.c.d.y_LUT4", "a.z"], {"type": "LUT4"}),
        **{"a.b.q": {"type": "TRELLIS_FF"}, "pll": {"type": "EHXPLLL"}, "lone": {"type": "LUT4"}},
    }
    found = modules(FAMILIES["ecp5"], {"modules": {"top": {"cells": cells}}})
    assert found == {"a.b.c.d": {"lut": 2}, "a": {"lut": 1}, "top": {"lut": 1}, "a.b": {"ff": 1}}


def test_cells_of_one_place_count_as_what_they_take():
    counts = {"MULT9X9": (3, 96), "MULT18X18": (2, 48), "MULT36X36": (1, 12), "LUT4": (500, 20736)}
    counts |= {"DFF": (7, 15552), "BSRAM": (4, 46), "ALU": (100, 15552)}
    used = {cell: {"used": used, "available": room} for cell, (used, room) in counts.items()}
    found = utilisation(FAMILIES["gowin"], used)
    assert found["dsp"] == {"used": 3 + 2 * 2 + 8, "available": 96, "share": 0.1562}
    assert found["lut"]["used"] == 500 and found["lut"]["available"] == 20736
