"""Traces that Perfetto can open, and the arithmetic of stretches."""

import json

from sim.trace import busy_cycles, joined, side_by_side, trace_events, units_of, write_trace

ACTIVITY = [("store", 8, 12), ("load", 0, 5), ("execute", 3, 9), ("load", 6, 7)]


def test_one_track_per_unit_in_order():
    events = trace_events(ACTIVITY)["traceEvents"]
    names = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert names == {1: "load", 2: "execute", 3: "store"}
    slices = [(e["name"], e["tid"], e["ts"], e["dur"]) for e in events if e["ph"] == "X"]
    assert slices == [
        ("store", 3, 8, 4), ("load", 1, 0, 5), ("execute", 2, 3, 6), ("load", 1, 6, 1)
    ]  # fmt: skip


def test_marks_and_levels(tmp_path):
    levels = {"queue": [(0, 1), (4, 0)]}
    path = write_trace(tmp_path / "a" / "t.json", ACTIVITY, marks=[("conv1", 0, 9)], levels=levels)
    events = json.loads(path.read_text())["traceEvents"]
    assert {"ph": "X", "name": "conv1", "pid": 1, "tid": 0, "ts": 0, "dur": 9} in events
    assert [(e["ts"], e["args"]["level"]) for e in events if e["ph"] == "C"] == [(0, 1), (4, 0)]


def test_units_cycles_and_joined_runs():
    assert units_of([("dma", 0, 1), *ACTIVITY, ("core", 0, 2)]) == [
        "core", "load", "execute", "store", "dma"
    ]  # fmt: skip
    assert busy_cycles(ACTIVITY) == {"load": 6, "execute": 6, "store": 4}
    assert joined([(ACTIVITY[:1], 20), (ACTIVITY[1:2], 5)]) == [("store", 8, 12), ("load", 20, 25)]


def test_commands_of_a_unit_lie_side_by_side():
    commands = [("load", "one", 0, 10), ("load", "two", 4, 11), ("load", "three", 20, 25)]
    shown = [(piece[1:], taken) for piece, taken in side_by_side(commands)]
    assert shown == [(("one", 0, 10), 0), (("two", 10, 11), 4), (("three", 20, 25), 20)]
    events = trace_events([("load", 0, 25), ("store", 0, 5)], commands=commands)["traceEvents"]
    slices = [event["name"] for event in events if event["ph"] == "X"]
    assert slices == ["store", "one", "two", "three"]
