"""A picture of a sweep: area against clock, share of the device against throughput."""

from pathlib import Path

from .explore_page import title

COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#e45756", "#b279a2", "#9d755d", "#72b7b2", "#ff9da6")
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")
INK = "#333333"
LEGEND = 10  # entries of a line


def draw(path: Path, found: dict):
    """Draw the points that were placed as a PNG: a colour for each format, a marker for each size,
    the stages beside each point, lines along the fronts."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = [row for row in found["points"] if "reason" not in row]
    figure, (clock, gops) = plt.subplots(1, 2, figsize=(12, 5))
    _points(clock, rows, lambda row: (row["lut"], row["mhz"]))
    for dim in {row["dim"] for row in rows}:
        alike = [row for row in rows if row["dim"] == dim and row["pareto"]["clock"]]
        _front(clock, [(row["lut"], row["mhz"]) for row in alike])
    _points(gops, rows, lambda row: (100 * row["share"], row["peak_gops"]))
    best = [row for row in rows if row["pareto"]["gops"]]
    _front(gops, [(100 * row["share"], row["peak_gops"]) for row in best])
    _axes(clock, "LUT4", "MHz", "Area and clock; fronts of each size")
    _axes(gops, "% of the scarcest resource", "peak GOPS", "Share of the device and throughput")
    gops.set_yscale("log")
    _plain(gops.yaxis)
    if not rows:
        clock.text(0.5, 0.5, "no point was placed", ha="center", transform=clock.transAxes)
    lines = _legend(figure, rows)
    figure.suptitle(title(found), x=0.012, ha="left", fontsize=11, color=INK)
    figure.tight_layout(rect=(0, 0.03 + 0.04 * lines, 1, 1))
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _styles(rows: list[dict]) -> tuple[dict, dict]:
    """Colours by format, markers by size."""
    formats = dict.fromkeys(row["format"] for row in rows)
    dims = sorted({row["dim"] for row in rows})
    return (
        {name: COLOURS[n % len(COLOURS)] for n, name in enumerate(formats)},
        {dim: MARKERS[n % len(MARKERS)] for n, dim in enumerate(dims)},
    )


def _points(axes, rows: list[dict], place):
    colours, markers = _styles(rows)
    for row in rows:
        x, y = place(row)
        style = {"color": colours[row["format"]], "marker": markers[row["dim"]]}
        axes.scatter([x], [y], s=48, zorder=3, edgecolors="white", linewidths=0.6, **style)
        axes.annotate(
            str(row["mac_stages"]),
            (x, y),
            xytext=(5, 4),
            textcoords="offset points",
            fontsize=7,
            color=INK,
        )


def _front(axes, points: list[tuple[float, float]]):
    """A line along a front, behind its points."""
    if len(points) > 1:
        axes.plot(*zip(*sorted(points), strict=True), color="#999999", linewidth=1, zorder=2)
    for x, y in points:
        axes.scatter([x], [y], s=130, facecolors="none", edgecolors="#999999", zorder=2)


def _plain(axis):
    """Numbers as numbers on a logarithmic axis."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(lambda value, _: f"{value:,g}")
    axis.set_minor_formatter(NullFormatter())


def _axes(axes, x: str, y: str, name: str):
    axes.set_xscale("log")
    _plain(axes.xaxis)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(name, fontsize=9, loc="left", color=INK)
    axes.grid(color="#e8e8e8", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.margins(0.12)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _legend(figure, rows: list[dict]) -> int:
    """Says below what colours and markers mean; lines of it."""
    from matplotlib.lines import Line2D

    colours, markers = _styles(rows)
    plain = {"linestyle": "none", "markersize": 7}
    handles = [
        *(Line2D([], [], color=c, marker="o", label=name, **plain) for name, c in colours.items()),
        *(
            Line2D([], [], color="#777777", marker=marker, label=f"{dim}×{dim}", **plain)
            for dim, marker in markers.items()
        ),
        Line2D([], [], color="#999999", marker="o", markerfacecolor="none", label="front"),
        Line2D([], [], linestyle="none", marker="$3$", color=INK, label="MAC stages"),
    ]
    style = {"loc": "lower center", "frameon": False, "fontsize": 8}
    figure.legend(handles=handles, ncols=LEGEND, **style)
    return -(-len(handles) // LEGEND)
