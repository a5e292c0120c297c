"""`alhena sim` on a few images: every engine agrees, and the summary says so."""

import json
import subprocess
import sys

import pytest

NAMED = (
    "images",
    "accuracy",
    "accuracy_float",
    "mismatches",
    "cycles_per_image",
    "utilisation",
    "speedup_over_software",
    "simulated_cycles_per_second",
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sim")
    options = ["--images", "10", "--soc-images", "1", "--config", "tiny", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "alhena.cli", "sim", *options, "--output", str(folder)],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_summary_has_the_named_figures(ran):
    folder, summary = ran
    assert list(summary)[: len(NAMED)] == list(NAMED)
    assert summary == json.loads((folder / "summary.json").read_text())
    assert summary["images"] == 10
    assert summary["mismatches"] == 0
    assert summary["accuracy"] >= 0.9 and summary["accuracy_float"] >= 0.9


def test_engines_were_measured(ran):
    engines = ran[1]["engines"]
    assert list(engines) == ["rtl", "soc", "software"]
    assert engines["rtl"]["images"] == 10 and engines["soc"]["images"] == 1
    macs = 64 * 9 * 16 + 16 * 144 * 32 + 4 * 288 * 32 + 128 * 10
    for engine in engines.values():
        assert engine["simulated_cycles_per_second"] > 10_000
        assert engine["cycles_per_image"] * engine["images"] == sum(engine["layers"].values())
    for name in ("rtl", "soc"):
        ideal = macs / 16 / engines[name]["cycles_per_image"]
        assert engines[name]["utilisation"] == pytest.approx(ideal)
    assert engines["software"]["utilisation"] is None
    assert engines["rtl"]["utilisation"] > 0.6
    assert ran[1]["speedup_over_software"] > 3


def test_timelines_are_drawn(ran):
    folder, _ = ran
    for stem in ("rtl-tiny", "soc-tiny"):
        events = json.loads((folder / f"{stem}-timeline.json").read_text())["traceEvents"]
        tracks = {e["args"]["name"] for e in events if e["name"] == "thread_name"}
        assert {"load", "execute", "store"} <= tracks
        assert {e["name"] for e in events if e.get("tid") == 0 and e["ph"] == "X"} == {
            "conv1",
            "conv2",
            "conv3",
            "fc",
        }
        png = (folder / f"{stem}-timeline.png").read_bytes()
        assert png.startswith(b"\x89PNG")
