"""Timelines of a run: one Perfetto file and one picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.trace import Stretch, joined, write_trace

from ..report.timeline import draw_timeline


@dataclass(frozen=True)
class Strip:
    """One layer's run: its cycles, and when each unit had work from its start."""

    name: str
    cycles: int
    activity: Sequence[Stretch]


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
    marks, at = [], 0
    for strip in strips:
        marks.append((strip.name, at, at + strip.cycles))
        at += strip.cycles
    stem = directory / f"{name}-timeline"
    write_trace(stem.with_suffix(".json"), activity, marks=marks, name=title)
    options = {"utilisation": utilisation, "marks": marks, "window": window}
    draw_timeline(stem.with_suffix(".png"), activity, title=title, **options)
