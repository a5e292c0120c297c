"""The tools' whole way for a small system: report, page and bitstream."""

import json

import pytest

from fpga.board import LEAN, board
from fpga.report import critical_path
from tests.alhena.test_cli import alhena

CONFIG = f"tiny:partial=int20,scale_cycles=4,sp_bank_rows=256,{LEAN}"
RESOURCES = {"lut", "ff", "dsp", "bram"}


def build():
    arguments = ("--board", "colorlight_i9", "--config", CONFIG, "--json")
    return alhena("fpga", "build", *arguments, limit=1500)


@pytest.fixture(scope="module")
def done():
    return build()


def test_the_report_is_complete_and_the_clock_is_met(done):
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["timing_met"] and report["system_mhz"] == board("colorlight_i9").mhz
    (clock,) = [c for c in report["clocks"].values() if c["target_mhz"] == report["system_mhz"]]
    assert clock["fmax_mhz"] >= clock["target_mhz"]
    path = clock["critical_path"]
    assert 0 < path["routing_ns"] < path["ns"] <= 1001 / clock["fmax_mhz"]
    assert path["from"].startswith("board.") and len(path["nets"]) > 1
    assert set(report["area"]) == RESOURCES
    assert all(0 < area["used"] < area["available"] for area in report["area"].values())
    assert report["area"]["dsp"]["used"] >= 16
    modules = {name: cells.get("lut", 0) for name, cells in report["modules"].items()}
    assert {"board.system.cpu.core", "board.system.accelerator.store"} < set(modules)
    assert sum(modules.values()) > 5 * modules["board.system.accelerator.store"] > 0
    speed = report["throughput"]
    assert speed["peak_gops"] == 2 * 16 * 25 / 1000
    assert 0 < speed["digits"]["gops"] < speed["peak_gops"]


def test_files_are_what_they_say(done):
    files = json.loads(done.stdout)["files"]
    with open(files["bitstream"], "rb") as file:
        assert b"LFE5U-45F" in file.read(200)
    with open(files["json"]) as file:
        assert json.load(file) == json.loads(done.stdout)
    with open(files["md"]) as file:
        assert "| `board.system.accelerator.store` |" in file.read()


def test_a_second_build_does_nothing_again(done):
    assert json.loads(build().stdout) == json.loads(done.stdout)


def test_a_clock_without_a_path_has_none():
    assert critical_path([], "clk") == {}
