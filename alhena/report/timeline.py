"""A picture of what load, execute, store and the core did when."""

from collections.abc import Sequence
from pathlib import Path

from sim.trace import Piece, Stretch, busy_cycles, side_by_side, units_of

COLOURS = {"core": "#7f7f7f", "load": "#4c78a8", "execute": "#54a24b", "store": "#f58518"}
INK = "#333333"
MAX_BARS = 4000
"""Bars per unit; beyond, gaps that would not be seen are closed."""


def _bars(activity: Sequence[Stretch], unit: str, first: int, last: int) -> list[tuple[int, int]]:
    """(start, length) of a unit's bars between two cycles, gaps below a pixel closed."""
    least_gap = (last - first) // MAX_BARS
    bars: list[tuple[int, int]] = []
    for name, start, end in sorted(activity, key=lambda stretch: stretch[1]):
        start, end = max(start, first), min(end, last)
        if name != unit or end <= start:
            continue
        if bars and start - (bars[-1][0] + bars[-1][1]) <= least_gap:
            begin = bars[-1][0]
            bars[-1] = (begin, max(end - begin, bars[-1][1]))
        else:
            bars.append((start, end - start))
    return bars


def draw_timeline(
    path: Path | str,
    activity: Sequence[Stretch],
    *,
    title: str = "Timeline",
    utilisation: float | None = None,
    marks: Sequence[Stretch] = (),
    commands: Sequence[Piece] = (),
    window: tuple[int, int] | None = None,
) -> Path:
    """Draw a Gantt chart as a PNG and return its path.

    `activity` are (unit, start, end) stretches in cycles; `utilisation` (0 to 1, the array's)
    goes into the title; `marks` are named stretches (layers) drawn as bands; `commands` divide the
    bars of their units if there is room; `window` limits the cycles shown.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    units = units_of(activity)
    ends = [end for _, _, end in (*activity, *marks)]
    first, last = window or (0, max(ends, default=1))
    inside = [(u, max(s, first), min(e, last)) for u, s, e in activity if s < last and e > first]
    busy = busy_cycles(inside)
    figure, axes = plt.subplots(figsize=(11, 1.3 + 0.55 * max(1, len(units))))
    for row, unit in enumerate(units):
        bars = _bars(activity, unit, first, last)
        axes.broken_barh(bars, (row - 0.36, 0.72), color=COLOURS.get(unit, "#b279a2"), linewidth=0)
    _draw_commands(axes, commands, units, first, last)
    labels = [f"{unit}  {100 * busy.get(unit, 0) / max(1, last - first):.0f} %" for unit in units]
    axes.set_yticks(range(len(units)), labels)
    axes.set_ylim(len(units) - 0.5, -0.5 - 0.45 * bool(marks))
    _draw_marks(axes, marks, first, last)
    axes.set_xlim(first, last)
    axes.set_xlabel("cycles")
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    shown = "" if utilisation is None else f" — array utilisation {100 * utilisation:.1f} %"
    axes.set_title(f"{title}: {last - first:,} cycles{shown}", fontsize=11, loc="left", color=INK)
    axes.grid(axis="x", color="#e0e0e0", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path


def _draw_commands(axes, commands: Sequence[Piece], units: Sequence[str], first: int, last: int):
    """Ends of commands as thin lines, their names where they fit; nothing if there are many."""
    inside = [piece for piece, _ in side_by_side(commands) if piece[2] < last and piece[3] > first]
    if not inside or len(inside) > 60 * len(units):
        return
    for unit, label, start, end in inside:
        row, start, end = units.index(unit), max(start, first), min(end, last)
        axes.vlines((start, end), row - 0.36, row + 0.36, color="white", linewidth=0.6)
        if (end - start) / (last - first) > 0.0065 * len(label):
            axes.text(
                (start + end) / 2, row, label, ha="center", va="center", fontsize=6, color="white"
            )


def _draw_marks(axes, marks: Sequence[Stretch], first: int, last: int):
    """Alternating bands, labelled where there is room."""
    for number, (label, start, end) in enumerate(marks):
        start, end = max(start, first), min(end, last)
        if end <= start:
            continue
        if number % 2 == 0:
            axes.axvspan(start, end, color="#f3f3f3", zorder=0, linewidth=0)
        if (end - start) / (last - first) > 0.009 * len(label):
            axes.text((start + end) / 2, -0.72, label, ha="center", va="center", fontsize=8)
