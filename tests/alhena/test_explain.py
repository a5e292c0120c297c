"""`alhena explain`, names of commands, and who hears of runs."""

import json

import numpy as np
import pytest

from alhena.accelerator import Accelerator
from alhena.jobs import explain as job
from alhena.jobs.names import names, pieces, place
from alhena.observe import note, observed
from hw.config import PRESETS
from hw.config_text import parse_config
from hw.isa import GARBAGE, Local, encode
from sim.engine import CommandTime, EngineError

TINY = PRESETS["tiny"]


def test_commands_have_names():
    c = int(Local(16, acc=True, accumulate=True))
    program = [
        encode("mvin2", address=64, local=8, rows=4, cols=16),
        encode("preload", b_addr=8, b_rows=4, b_cols=4, c_addr=c, c_rows=3, c_cols=4),
        encode("compute_preloaded", a_addr=32, a_rows=3, a_cols=4, d_addr=GARBAGE),
        encode("compute_accumulated", a_addr=36, a_rows=3, a_cols=4, d_addr=GARBAGE),
        encode("mvout", address=128, local=c, rows=3, cols=4),
        encode("flush"),
    ]
    assert names(program) == [
        "mvin B 4x16 to sp 0x8",
        "preload",
        "compute acc 0x10 += A sp 0x20 3x4, B sp 0x8",
        "compute acc 0x10 += A sp 0x24 3x4, same B",
        "mvout 3x4 from acc 0x10",
        "flush",
    ]
    times = [CommandTime(0, "load", 3, 9), CommandTime(4, "store", 12, 20)]
    assert [piece[1] for piece in pieces(program, times)] == [names(program)[0], names(program)[4]]
    assert place(GARBAGE) == "nothing"


def test_who_watches_inside_another_leaves_alone():
    with observed() as outer:
        with observed():
            note("both")
        note("one")
    assert outer == ["both", "one"]


def test_observers_hear_of_every_run():
    accelerator = Accelerator(TINY, "timing")
    with observed() as runs:
        accelerator.matmul(np.ones((2, 3), int), np.ones((3, 4), int))
    accelerator.matmul(np.ones((2, 3), int), np.ones((3, 4), int))
    assert len(runs) == 1 and runs[0].timing.cycles == runs[0].cycles


@pytest.mark.parametrize("work", ["8x12x4", "6x4-8k3s2"])
def test_a_layer_is_explained(work, capsys, tmp_path):
    result = job.explain(work, TINY, "timing", tmp_path)
    total = result["total"]
    assert sum(total["bounds"].values()) == total["cycles"]
    assert all(sum(unit.values()) == total["cycles"] for unit in total["units"].values())
    job.show(result)
    assert "bound by" in capsys.readouterr().out
    events = json.loads((tmp_path / f"explain-{work}-tiny-timeline.json").read_text())
    labels = {event["name"] for event in events["traceEvents"] if event["ph"] == "X"}
    assert any(label.startswith("compute acc") for label in labels)
    assert (tmp_path / f"explain-{work}-tiny-timeline.png").exists()


def test_the_digits_network_is_explained_by_layer():
    result = job.explain("digits", TINY, "timing", None)
    layers = result["layers"].values()
    assert len(layers) == 4
    assert sum(layer["cycles"] for layer in layers) == result["total"]["cycles"]


def test_weights_that_have_no_zero_are_explained():
    for work in ("4x8x4", "4x4-4k3s1"):
        config = parse_config("tiny:format=int8*table-int8-81.e0.20.7f")
        assert job.explain(work, config, "timing", None)["total"]["cycles"]


def test_rtl_says_the_same():
    one, two = (job.explain("8x12x4", TINY, engine, None) for engine in ("timing", "rtl"))
    assert one["total"]["bound"] == two["total"]["bound"]
    assert abs(one["total"]["cycles"] - two["total"]["cycles"]) <= 4


def test_unknown_work_is_refused():
    with pytest.raises(EngineError, match="cannot read '8x8'; write MxKxN"):
        job.explain("8x8", TINY, "timing", None)
