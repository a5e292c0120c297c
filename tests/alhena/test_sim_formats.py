"""`alhena sim --format` on the instruction-set simulator: one record per format."""

import json
import subprocess
import sys

import pytest

from alhena.jobs.sim_formats import ALL, configs_for
from hw.config import PRESETS
from hw.formats import Fixed, Float, Int, Rounded

NAMED = (
    *("images", "accuracy", "accuracy_float", "mismatches", "cycles_per_image", "utilisation"),
    *("simulated_cycles_per_second", "format", "input", "weight", "accumulator", "output"),
)


def test_one_record_per_format(tmp_path):
    options = ["--format", "e4m3fn,e4m3fn*e5m2->bf16", "--images", "2", "--engine", "machine"]
    done = subprocess.run(
        [sys.executable, "-m", "alhena.cli", "sim", *options, "--json", "--output", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary == json.loads((tmp_path / "summary.json").read_text())
    assert (summary["images"], summary["mismatches"], summary["engine"]) == (2, 0, "machine")
    first, second = summary["formats"]
    assert set(NAMED) <= set(first)
    assert (first["format"], first["accumulator"]) == ("e4m3fn", "fixed56e-18")
    assert (second["format"], second["weight"]) == ("e4m3fn*e5m2->bf16", "e5m2")
    for record in (first, second):
        assert record["mismatches"] == 0
        assert record["accuracy"] == record["accuracy_float"] == 1


def test_all_is_at_least_eight_formats():
    configs = configs_for("all")
    assert len(configs) == len(ALL) >= 8
    assert len({config.name for config in configs}) == len(configs)
    assert configs[0].replace(name="small").input == Int(8)
    assert {type(config.accumulator) for config in configs} == {Int, Fixed, Rounded}


def test_sizes_come_from_the_configuration():
    (config,) = configs_for("int8->bf16-rz", PRESETS["tiny"].replace(dim=6, mac_stages=2))
    assert (config.dim, config.mac_stages, config.name) == (6, 2, "tiny-int8-bf16-rz")
    assert config.accumulator == Rounded(Float.parse("bf16"), "zero")
    with pytest.raises(ValueError, match="e4m3fn->int32: Config.accumulator is 'int32'"):
        configs_for("int8,e4m3fn->int32")
