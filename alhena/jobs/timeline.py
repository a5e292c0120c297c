"""Timelines of a run: one Perfetto file and one picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.trace import Piece, Stretch, joined, write_trace

from ..report.timeline import draw_timeline


@dataclass(frozen=True)
class Strip:
    """One layer's run: its cycles, and when each unit and command was at work from its start."""

    name: str
    cycles: int
    activity: Sequence[Stretch]
    commands: Sequence[Piece] = ()


def write_timeline(
    directory: Path,
    name: str,
    title: str,
    strips: Sequence[Strip],
    utilisation: float | None,
    window: tuple[int, int] | None = None,
):
    """Write ``<name>-timeline.json`` (Perfetto) and ``<name>-timeline.png`` (`window` of it)."""
    activity = joined((strip.activity, strip.cycles) for strip in strips)
    marks, commands, at = [], [], 0
    for strip in strips:
        commands += [(unit, label, s + at, e + at) for unit, label, s, e in strip.commands]
        marks.append((strip.name, at, at + strip.cycles))
        at += strip.cycles
    stem = directory / f"{name}-timeline"
    write_trace(stem.with_suffix(".json"), activity, commands=commands, marks=marks, name=title)
    options = {"utilisation": utilisation, "marks": marks, "commands": commands}
    options["window"] = window
    draw_timeline(stem.with_suffix(".png"), activity, title=title, **options)
