"""A small sweep with the tools: table, picture and page, rows against counts of the netlist."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from alhena.jobs import explore
from alhena.jobs.explore import Point, Sweep
from alhena.jobs.pareto import front, fronts
from alhena.options import UsageError
from alhena.report import console
from alhena.report.explore_page import page, show, told
from alhena.report.explore_plot import draw
from fpga.alone import Part
from fpga.pieces import PIECES
from fpga.tools import tool
from sim.tools import ToolError
from tests.alhena.test_cli import alhena

SWEEP = Sweep(Part("ecp5", "LFE5U-25F"), (2, 6), ("int8",), (1,), config="tiny", seeds=(1, 2))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    try:
        tool("yosys"), tool("nextpnr-ecp5")
    except ToolError as error:
        pytest.skip(str(error))
    said = []
    result = explore.run(replace(SWEEP, output=tmp_path_factory.mktemp("explore")), said.append)
    assert len(said) == 2
    return result


def test_a_row_is_what_the_tools_counted(found):
    small, _ = found["points"]
    netlist = json.loads((Path(small["netlist"]) / "top.json").read_text())
    cells = Counter(cell["type"] for cell in netlist["modules"]["top"]["cells"].values())
    assert small["resources"]["ff"]["used"] == cells["TRELLIS_FF"]
    assert small["carry"] == 2 * cells["CCU2C"] > 0
    assert small["lut"] == cells["LUT4"] + small["carry"] + 6 * cells["TRELLIS_DPR16X4"]
    assert small["resources"]["dsp"] == {"used": 4, "available": 28, "share": round(4 / 28, 4)}
    assert (small["scarcest"], small["share"]) == ("dsp", round(4 / 28, 4))
    for seed, mhz in small["seeds"].items():
        log = (Path(small["placements"][seed]) / "nextpnr.log").read_text()
        zeros = 1  # a table for the tile that has all four blocks
        assert f"Total LUT4s: {small['lut'] + zeros:9}/24288" in log
        found = re.findall(r"Max frequency for clock .*: ([0-9.]+) MHz", log)
        assert float(found[-1]) == mhz  # after routing
    assert min(small["seeds"].values()) <= small["mhz"] <= max(small["seeds"].values())
    assert small["peak_gops"] == pytest.approx(2 * 4 * small["mhz"] / 1000, abs=1e-3)
    digits = small["digits"]
    assert digits["images_per_s"] == round(small["mhz"] * 1e6 / digits["cycles_per_image"])


def test_what_does_not_fit_is_a_row_with_its_reason(found):
    large = found["points"][1]
    assert large["reason"] == "does not fit: needs 36 MULT18X18D of 28"
    assert "mhz" not in large


def test_page_table_and_picture_are_there(found):
    for kind, start in (("json", b"{"), ("md", b"# mesh on LFE5U-25F"), ("png", b"\x89PNG")):
        assert Path(found["files"][kind]).read_bytes().startswith(start)
    assert json.loads(Path(found["files"]["json"]).read_text()) == json.loads(json.dumps(found))
    text = Path(found["files"]["md"]).read_text()
    assert "| int8 | 6×6 | 1 | – |" in text and "36 MULT18X18D of 28 |" in text
    assert f"| int8 | 2×2 | 1 | {found['points'][0]['lut']:,} |" in text


def test_a_sweep_again_does_nothing_again(found, monkeypatch, tmp_path):
    monkeypatch.setattr("fpga.steps.run_yosys", None)
    sweep = replace(SWEEP, dims=(2,), output=tmp_path / "again")
    assert explore.run(sweep)["points"] == fronts(found["points"][:1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--family", "nexus"], "family is 'nexus'; it must be one of ecp5"),
        (["--device", "LFE5"], "device is 'LFE5'; it must be one of LFE5U-25F, LFE5U-45F"),
        (["--what", "core"], "what is 'core'; it must be one of mesh, array"),
        (["--dims", "4,x"], "--dims is '4,x'; 'x' is no number, write 4,8"),
        (["--dims", "1"], "--dims is 1; it must be from 2 to 32"),
        (["--mac-stages", "9"], "--mac-stages is 9; it must be from 1 to 8"),
        (["--seeds", "0"], "--seeds is 0; it must be from 1 to 16"),
        (["--jobs", "0"], "--jobs is 0; it must be from 1 to 64"),
    ],
)
def test_options_that_cannot_be_say_what_can(options, message):
    done = alhena("fpga", "explore", *options)
    assert done.returncode == 2 and done.stderr.startswith("error: " + message)
    assert "Traceback" not in done.stderr and not done.stdout


def test_a_sweep_of_nothing_tells_the_reasons_and_ends_with_1(found, tmp_path):
    options = ("--dims", "3", "--formats", "int4", "--mac-stages", "1", "--output", str(tmp_path))
    done = alhena("fpga", "explore", *options, "--json")
    (row,) = json.loads(done.stdout)["points"]
    assert done.returncode == 1 and "as it is with dim=2" in row["reason"]
    assert done.stderr.strip() == f"{row['title']}: {row['reason']}"
    assert {path.name for path in tmp_path.iterdir()} == {
        f"explore.{k}" for k in ("json", "md", "png")
    }


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"formats": ("int8", "zz")}, "--formats zz: no format 'zz'; there are integers"),
        ({"formats": ("",)}, "--formats : no format ''"),
        ({"config": "huge"}, "--config: no preset 'huge'; the presets are tiny"),
        ({"config": "tiny:dim=4"}, "--config gives dim; leave it to --dims"),
        ({"config": "tiny:counters=2,format=int4"}, "--config gives format; leave it to --formats"),
    ],
)
def test_sweeps_that_cannot_be_say_what_can(choice, message):
    with pytest.raises(UsageError, match="^" + re.escape(message)):
        Sweep(**choice)


def test_the_help_names_every_piece():
    words = alhena("fpga", "explore", "--help").stdout
    assert f"What is placed: {', '.join(PIECES)}." in re.sub(r"[\s│]+", " ", words)


def test_points_are_in_order_and_each_once():
    sweep = Sweep(dims=(4, 8, 4), formats=("int8", "int4"), mac_stages=(1,))
    assert sweep.points == [Point(d, f, 1) for f in ("int8", "int4") for d in (4, 8)]


def test_formats_that_do_not_go_with_a_size_are_a_row():
    row = explore._row(Sweep(config="tiny"), Point(3, "int4", 1))
    assert row["reason"].startswith("Config.input is 'int4'; it must be of a width w")
    assert row["title"] == "int4 3×3, 1 stages" and told(row).endswith(row["reason"])


def test_what_a_tool_says_of_its_failure_is_the_reason():
    error = ToolError("nextpnr failed (1): words\nInfo: placed\nERROR: no way\nmore")
    assert explore._reason(error) == "ERROR: no way"
    assert explore._reason(ToolError("one line\nanother")) == "one line"


def test_fronts():
    assert front([(1, 5), (2, 5), (2, 6), (1, 4), (2, 6)]) == [True, False, True, False, True]
    assert front([]) == []


ROW = {
    **{"title": "int8 4×4, 1 stages", "format": "int8", "dim": 4, "mac_stages": 1, "lut": 100},
    **{"carry": 10, "scarcest": "dsp", "share": 0.5, "mhz": 50.0, "seeds": {1: 40.0, 2: 60.0}},
    **{"peak_gops": 1.6, "digits": {"reason": "no such layers"}, "seconds": 3.0},
    "resources": {"ff": {"used": 20}, "dsp": {"used": 16}, "bram": {"used": 0}},
}
FAILED = {"title": "x", "format": "int4", "dim": 8, "mac_stages": 1, "reason": "no room"}


def record(*rows):
    return {
        **{"what": "mesh", "device": "D", "config": "tiny", "seeds": 2, "tools": {}},
        "points": fronts(rows),
    }


def test_the_page_says_why_there_are_no_figures():
    text = page(record(ROW, FAILED))
    assert "| 50.0 (40 60) | 1.60 | – | – | clock, GOPS; no such layers |" in text
    assert "| int4 | 8×8 | 1 | – |" in text and "| no room |" in text


@pytest.mark.parametrize("rows", [(ROW, FAILED), (FAILED,)])
def test_pictures_of_few_points(tmp_path, rows):
    draw(tmp_path / "x.png", record(*rows))
    assert (tmp_path / "x.png").stat().st_size > 5000


@pytest.mark.parametrize(("width", "tables"), [(140, 1), (100, 2)])
def test_narrow_terminals_get_two_tables_and_reasons_below(monkeypatch, capsys, width, tables):
    monkeypatch.setattr(console, "out", Console(width=width))
    show(record(ROW, FAILED) | {"files": {"json": "explore.json"}})
    text = capsys.readouterr().out
    assert text.count("mesh on D: area and clock") == tables
    assert text.splitlines()[-3:] == [
        *("int8 4×4, 1 stages: no such layers", "x: no room", "explore.json")
    ]
