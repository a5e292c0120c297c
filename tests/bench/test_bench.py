"""The performance tables: complete rows, checked results, a file that merges."""

import json

import pytest

from bench import gemmini, run
from hw.config import PRESETS
from sw.compiler.pooled import Pool

KEYS = {"suite", "name", "config", "ours", "reference", "reference_source", "unit", "command"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "build_directory", lambda *_: tmp_path)
    return tmp_path


def test_every_row_is_named_once():
    rows = run.chosen("all", None, False)
    names = [(row.suite, row.name, row.config) for row in rows]
    assert len(names) == len(set(names))


def test_every_row_is_measured():
    assert all(row.measure for row in run.chosen("all", None, False))


def test_table_has_gemminis_figures():
    rows = {(row.name, row.config): row.reference for row in gemmini.rows()}
    assert rows["gemm 256x256x256", "default"] == 69058
    assert rows["gemm 64x64x64, latency 40", "default"] == 2162
    assert rows["gemm 128x128x128, OS", "default"] == 11819
    assert rows["depthwise 3x3 14x14x96", "default"] == 115214
    assert rows["gemm 64x64x64", "default-dim4"] == 20287


def test_products_and_convolutions_are_measured_and_checked():
    tiny = PRESETS["tiny"]
    assert 16**3 / 16 < gemmini.gemm_cycles(tiny, 16, 16, 16) < 16**3 / 2
    assert 6 * 6 * 9 * 8 * 8 / 16 < gemmini.conv_cycles(tiny, 6, 8, 8, 3, 1) < 36 * 9 * 64 / 4


def test_features_are_measured_and_checked():
    tiny = PRESETS["tiny"]
    for how in ({"output_stationary": True}, {"loops": True}):
        assert 8**3 / 16 < gemmini.gemm_cycles(tiny, 8, 8, 8, how) < 8**3
    assert 64 * 9 * 4 * 4 / 16 < gemmini.conv_cycles(tiny, 8, 4, 4, 3, 1, Pool(2, 2)) < 64 * 40
    assert 64 * 2 * 3 < gemmini.depthwise_cycles(tiny, 8, 8, 1) < 64 * 2 * 12


def test_a_wrong_result_is_no_result(monkeypatch):
    monkeypatch.setattr(gemmini.np, "rint", lambda x: x + 1)
    with pytest.raises(AssertionError, match="4x4x4 on tiny: the result differs"):
        gemmini.gemm_cycles(PRESETS["tiny"], 4, 4, 4)


def test_file_keeps_rows_of_earlier_runs(folder, monkeypatch):
    monkeypatch.setattr(gemmini, "gemm_cycles", lambda *_, **__: 150)
    run.run("gemmini", "gemm 16x16x16, OS")
    run.run("gemmini", "gemm 32x32x32, OS")
    run.run("gemmini", "gemm 32x32x32, OS")
    rows = json.loads((folder / "bench.json").read_text())
    assert [row["name"] for row in rows] == ["gemm 16x16x16, OS", "gemm 32x32x32, OS"]
    assert set(rows[0]) >= KEYS
    assert rows[0]["ours"] == 150 and rows[0]["reference"] == 198
    assert rows[0]["command"] == (
        '.venv/bin/alhena bench --suite gemmini --only "gemm 16x16x16, OS"'
    )


def test_quick_leaves_large_rows_out():
    names = {row.name for row in run.chosen("gemmini", None, True)}
    assert "gemm 64x64x64" in names and "gemm 512x512x512" not in names


def test_only_prefers_the_whole_name():
    assert [row.name for row in run.chosen("all", "gemm 256x256x256", False)] == [
        "gemm 256x256x256"
    ]
