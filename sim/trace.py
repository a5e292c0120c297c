"""Timelines for Perfetto (ui.perfetto.dev) and chrome://tracing: Chrome's trace event format."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

Stretch = tuple[str, int, int]
"""(unit, first cycle, cycle after the last)."""

Piece = tuple[str, str, int, int]
"""(unit, name, first cycle, cycle after the last) of one command."""

ORDER = ("core", "load", "execute", "store")
"""Tracks from top to bottom; units that are not here follow."""


def units_of(activity: Iterable[Stretch]) -> list[str]:
    """The units that occur, in display order."""
    seen = dict.fromkeys(unit for unit, _, _ in activity)
    return [u for u in ORDER if u in seen] + [u for u in seen if u not in ORDER]


def side_by_side(commands: Iterable[Piece]) -> list[tuple[Piece, int]]:
    """Commands of a unit overlap: each from where the one before it is complete, and its start."""
    free: dict[str, int] = {}
    out = []
    for unit, label, start, end in sorted(commands, key=lambda piece: piece[3]):
        shown = min(max(start, free.get(unit, 0)), end - 1)
        out.append(((unit, label, shown, end), start))
        free[unit] = end
    return out


def trace_events(
    activity: Sequence[Stretch],
    *,
    commands: Sequence[Piece] = (),
    marks: Sequence[Stretch] = (),
    levels: Mapping[str, Sequence[tuple[int, int]]] | None = None,
    name: str = "alhena",
) -> dict:
    """The trace as a JSON-able object; one cycle is shown as one microsecond.

    `activity` gives one track per unit, on which `commands`, if there are any, stand by name
    instead; `marks` (such as layers) a track above them, named by their first item; `levels` one
    counter per name from (cycle, value) pairs. Commands of one unit overlap; each is shown from
    where the one before it is complete.
    """
    units = units_of([*activity, *((unit, start, end) for unit, _, start, end in commands)])
    named = {unit for unit, *_ in commands}
    events: list[dict] = [
        {"ph": "M", "name": "process_name", "pid": 1, "tid": 0, "args": {"name": name}}
    ]
    for track, unit in enumerate(["layers", *units]):
        if track or marks:
            events.append(_meta("thread_name", track, {"name": unit}))
            events.append(_meta("thread_sort_index", track, {"sort_index": track}))
    for label, start, end in marks:
        events.append(_slice(label, 0, start, end))
    for unit, start, end in activity:
        if unit not in named:
            events.append(_slice(unit, 1 + units.index(unit), start, end))
    for (unit, label, start, end), issued in side_by_side(commands):
        events.append(
            _slice(label, 1 + units.index(unit), start, end) | {"args": {"taken": issued}}
        )
    for counter, samples in (levels or {}).items():
        for cycle, value in samples:
            events.append(
                {"ph": "C", "name": counter, "pid": 1, "ts": cycle, "args": {"level": value}}
            )
    return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": {"unit": "1 us = 1 cycle"}}


def _meta(name: str, track: int, args: dict) -> dict:
    return {"ph": "M", "name": name, "pid": 1, "tid": track, "args": args}


def _slice(name: str, track: int, start: int, end: int) -> dict:
    return {"ph": "X", "name": name, "pid": 1, "tid": track, "ts": start, "dur": end - start}


def write_trace(path: Path | str, activity: Sequence[Stretch], **options) -> Path:
    """Write :func:`trace_events` as a file that Perfetto opens."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(trace_events(activity, **options), separators=(",", ":")))
    return path


def busy_cycles(activity: Iterable[Stretch]) -> dict[str, int]:
    """Cycles in which each unit had work."""
    cycles: dict[str, int] = {}
    for unit, start, end in activity:
        cycles[unit] = cycles.get(unit, 0) + end - start
    return cycles


def joined(runs: Iterable[tuple[Sequence[Stretch], int]]) -> list[Stretch]:
    """One timeline from (activity, cycles) of consecutive runs."""
    out: list[Stretch] = []
    offset = 0
    for activity, cycles in runs:
        out += [(unit, start + offset, end + offset) for unit, start, end in activity]
        offset += cycles
    return out
