"""docs/results.md: only from complete runs."""

import json

from alhena.jobs.explore import Sweep
from alhena.report.results_page import SUITES, _area, _is_default, results_page
from sim.cache import ROOT
from sw.network.digits import TEST_IMAGES


def engine(config):
    return {
        "config": config,
        "images": TEST_IMAGES,
        "cycles_per_image": 1000,
        "utilisation": 0.5,
        "simulated_cycles_per_second": 100_000,
    }


def test_a_partial_run_leaves_the_page_alone(tmp_path):
    summary = {
        "images": TEST_IMAGES,
        "accuracy": 0.97,
        "accuracy_float": 0.98,
        "mismatches": 0,
        "engines": {"rtl": engine("default"), "software": engine("tiny")},
    }
    row = {
        "suite": "gemmini",
        "name": "gemm 16x16x16",
        "config": "default",
        "ours": 123,
        "reference": 187,
        "reference_source": "somebody",
        "unit": "cycles",
        "command": "alhena bench",
    }
    (tmp_path / "sim").mkdir()
    rows = [row | {"suite": suite} for suite in sorted(SUITES)]
    (tmp_path / "bench.json").write_text(json.dumps(rows))
    assert results_page(tmp_path) is None
    for change, written in (({}, True), ({"images": 1}, False), ({"engines": {}}, False)):
        (tmp_path / "sim" / "summary.json").write_text(json.dumps(summary | change))
        page = results_page(tmp_path)
        assert bool(page) == written
        assert not written or "| gemm 16x16x16 | default | 123 | 187 |" in page
    (tmp_path / "sim" / "summary.json").write_text(json.dumps(summary))
    (tmp_path / "bench.json").write_text(json.dumps(rows[1:]))
    assert results_page(tmp_path) is None
    (tmp_path / "bench.json").write_text(json.dumps(rows))
    record = engine("small-e4m3fn") | {"format": "e4m3fn", "accumulator": "fixed56e-18"}
    formats = {"images": TEST_IMAGES, "engine": "rtl", "mismatches": 0}
    formats["formats"] = [record | {"accuracy": 0.98}]
    (tmp_path / "sim-formats").mkdir()
    row = "| e4m3fn | fixed56e-18 | small-e4m3fn | 98.00% | 1,000 | 50.0% |"
    for change, written in (({}, True), ({"images": 1}, False), ({"engine": "machine"}, False)):
        (tmp_path / "sim-formats" / "summary.json").write_text(json.dumps(formats | change))
        assert (row in results_page(tmp_path)) == written


def unit(lut, mhz, *peers, dsp=0):
    known = [{"lut": lut, "mhz": mhz, "name": name} for lut, mhz, name in peers]
    counts = {"lut": lut, "packed": lut, "ff": 1, "dsp": dsp, "mhz": mhz, "gates": 2, "depth": 3}
    return counts | {"peers": known}


def test_units_are_smaller_faster_both_or_neither():
    units = {
        "first": unit(100, 50.5, (101, 50, "a"), (100, 51, "b"), (99, 50, "c"), dsp=2),
        "second": unit(1000, 50.0, (1001, 50, "d")),
        "alone": unit(1, 1.0),
    }
    text = _area(units)
    assert "| first | 100 LUT, 50.5 MHz, 2 DSP | 101 LUT, 50 MHz | a | both |" in text
    assert "| b | neither |" in text and "| c | faster |" in text
    assert "| second | 1,000 LUT, 50.0 MHz | 1,001 LUT, 50 MHz | d | smaller |" in text
    assert "both 1, smaller 1, faster 1, neither 1 of 4." in text
    assert text.count("| alone |") == 1


def test_nobodys_unit_is_both_smaller_and_faster():
    text = (ROOT / "docs" / "results.md").read_text().split("### Beside others'")[1]
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")][1:]
    verdicts = {verdict.strip(" |") for *_, verdict in rows}
    assert len(rows) > 40 and verdicts <= {"both", "smaller", "faster"}


def test_only_the_sweep_without_options_is_told():
    ours = Sweep()
    points = [{"title": point.title} for point in ours.points]
    sweep = {"device": ours.part.device, "what": ours.what, "config": ours.config}
    assert _is_default(sweep | {"points": points})
    assert not _is_default(sweep | {"points": points[1:]})
    assert not _is_default(sweep | {"points": points, "what": "array"})
