"""The tools' whole way for a small system: report, page and bitstream."""

import json
import re
from dataclasses import replace

import pytest

from alhena.jobs.bitstream import run, throughput
from alhena.report.fpga_page import page
from fpga.board import BARE, board, boards
from fpga.build import netlist_of
from fpga.families import FAMILIES
from fpga.floorplan import floorplanned
from fpga.report import read
from hw.config_text import parse_config
from hw.soc.host import Host
from tests.alhena.test_cli import alhena

BOARD = replace(board("colorlight_i9"), name="test_board", host=Host("serv"), memory_bytes=1 << 14)
CONFIG = parse_config(f"tiny:partial=int20,scale_cycles=4,sp_bank_rows=256,array_clock=2,{BARE}")
RESOURCES = {"lut", "ff", "dsp", "bram"}


@pytest.fixture(scope="module")
def report():
    return run(BOARD, CONFIG, (1,))


def test_the_report_is_complete_and_the_clock_is_met(report):
    assert report["timing_met"] and report["system_mhz"] == BOARD.mhz
    (clock,) = [c for c in report["clocks"].values() if c["target_mhz"] == BOARD.mhz]
    assert clock["fmax_mhz"] >= clock["target_mhz"]
    (array,) = [c for c in report["clocks"].values() if c["target_mhz"] == 2 * BOARD.mhz]
    assert array["fmax_mhz"] >= array["target_mhz"]
    assert len(report["crossings"]) == 2  # there and back
    assert all(0 < path["ns"] <= path["most_ns"] == 20 for path in report["crossings"].values())
    path = clock["critical_path"]
    assert 0 < path["routing_ns"] < path["ns"] <= 1001 / clock["fmax_mhz"]
    assert path["from"].startswith(("board.", "pll_locked"))  # or at the reset, behind the clock
    assert path["to"].startswith("board.") and len(path["nets"]) > 1
    assert set(report["area"]) == RESOURCES
    assert all(0 < area["used"] < area["available"] for area in report["area"].values())
    assert report["area"]["dsp"]["used"] >= 16
    modules = {name: cells.get("lut", 0) for name, cells in report["modules"].items()}
    assert {"board.system.cpu.core", "board.system.accelerator.store"} < set(modules)
    assert 0 < 4 * modules["board.system.accelerator.store"] < sum(modules.values())
    assert sum(modules.values()) <= report["area"]["lut"]["used"]
    speed = report["throughput"]
    assert speed["peak_gops"] == 2 * 16 * 2 * BOARD.mhz / 1000
    assert 0 < speed["digits"]["gops"] < speed["peak_gops"]
    assert "compute_depthwise" in speed["ds_cnn"]["reason"]


def test_files_are_what_they_say(report):
    files = report["files"]
    with open(files["bitstream"], "rb") as file:
        assert b"LFE5U-45F" in file.read(200)
    with open(files["json"]) as file:
        assert json.load(file) == json.loads(json.dumps(report))
    with open(files["md"]) as file:
        assert "| `board.system.accelerator.store` |" in file.read()


def test_memories_have_places_as_the_array_has_a_clock_of_its_own(report):
    netlist = netlist_of(BOARD, CONFIG, FAMILIES["ecp5"])
    for clocked in (True, False):
        planned = floorplanned(netlist, FAMILIES["ecp5"], BOARD.device, clocked)
        cells = read(planned / "top.json")["modules"]["top"]["cells"]
        rams = {name: cell for name, cell in cells.items() if cell["type"] == "DP16KD"}
        placed = {name for name, cell in rams.items() if "BEL" in cell["attributes"]}
        memories = {name for name in rams if re.search(r"scratchpad|accumulator", name)}
        assert len(memories) >= 3 and placed == (memories if clocked else set())


def test_a_second_build_does_nothing_again(report):
    assert run(BOARD, CONFIG, (1,)) == report


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--board", "arty"], "board is 'arty'; it must be one of colorlight_i9"),
        (["--board", "ulx3s", "--seeds", "0"], "--seeds is 0; it must be from 1 to 16"),
        (["--board", "ulx3s", "--mhz", "0.5"], "--mhz is 0.5; it must be from 1 to 400"),
        (
            ["--board", "ulx3s", "--mhz", "67.5"],
            "ulx3s.mhz is 67.5; the nearest that its PLL makes is 67.8571",
        ),
        (["--board", "ulx3s", "--config", "tiny:dim=1"], "Config.dim is 1; it must be"),
    ],
)
def test_choices_that_do_not_work_say_what_would(arguments, message):
    done = alhena("fpga", "build", *arguments)
    assert done.returncode == 2 and done.stderr.startswith("error: " + message)


def test_a_configuration_that_cannot_compute_the_network_says_so(report):
    speed = throughput(parse_config("tiny:format=mxfp4"), 25)
    assert speed["peak_gops"] == 0.8 and "mxfp4" in speed["digits"]["reason"]
    assert "mxfp4" in speed["ds_cnn"]["reason"]
    assert throughput(CONFIG, 25)["peak_gops"] == 1.6
    unscaled = throughput(board("icebreaker").configured().replace(mvout_scale=False), 20)
    assert all("mvout_scale" in unscaled[name]["reason"] for name in ("digits", "ds_cnn"))
    text = page(report | {"throughput": speed})
    assert "no digits network: " in text and "no DS-CNN: " in text


def test_what_has_no_delays_is_said(report):
    assert "without the delays of" not in page(report)
    text = page(report | {"untimed": FAMILIES["gowin"].untimed})
    assert "timing met with seed 1, without the delays of multiplier blocks, which" in text


def test_boards_are_listed():
    there = json.loads(alhena("fpga", "boards", "--json").stdout)["boards"]
    names = {"ulx3s", "colorlight_i9", "tang_nano_20k", "icebreaker"}
    assert names <= {each["board"] for each in there} == set(boards())
