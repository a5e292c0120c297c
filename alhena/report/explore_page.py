"""A sweep's table as a page, and on the terminal."""

from rich.markup import escape

from . import console
from .markdown import table

COLUMNS = (
    *("format", "array", "stages", "LUT4", "carry", "FF", "DSP", "BRAM", "of device", "MHz"),
    *("peak GOPS", "digits cycles", "digits GOPS", "front or reason"),
)

SPEED = COLUMNS.index("MHz")
WIDE = 138
"""Characters of a terminal that the whole table fits."""

ABOUT = """\
LUT4 before packing, those of carry chains among them (carry); share of the resource that is
scarcest; MHz: median over seeds. Registers stand at every port, and there are no pins. Cycles of
the digits network are the cycle model's for a whole accelerator, GOPS at this clock, with two
operations a multiply-accumulate. Front: no other point of the size has as few LUTs and is as fast
(clock); no point has as small a share and as many peak GOPS (GOPS)."""


def _cells(row: dict) -> tuple:
    point = row["format"], f"{row['dim']}×{row['dim']}", row["mac_stages"]
    if "reason" in row:
        return (*point, *("–",) * (len(COLUMNS) - 4), row["reason"])
    used = {name: f"{each['used']:,}" for name, each in row["resources"].items()}
    digits = row["digits"]
    known = "gops" in digits
    return (
        *(*point, f"{row['lut']:,}", f"{row['carry']:,}", used.get("ff", "–")),
        *(used["dsp"], used["bram"], f"{row['share']:.1%} {row['scarcest']}", _mhz(row)),
        f"{row['peak_gops']:.2f}",
        *((f"{digits['cycles_per_image']:,}", f"{digits['gops']:.2f}") if known else ("–", "–")),
        _note(row),
    )


def _mhz(row: dict) -> str:
    """The median, and all if there are several."""
    each = " ".join(f"{mhz:.0f}" for mhz in row["seeds"].values())
    return f"{row['mhz']}" + (f" ({each})" if len(row["seeds"]) > 1 else "")


def _front(row: dict) -> str:
    """The fronts that a point is on."""
    on = sorted(name for name, is_on in row.get("pareto", {}).items() if is_on)
    return ", ".join(on).replace("gops", "GOPS")


def _note(row: dict) -> str:
    """The fronts, and why the network does not run."""
    return "; ".join(filter(None, (_front(row), row["digits"].get("reason"))))


def title(found: dict) -> str:
    """What was placed on what."""
    return f"{found['what']} on {found['device']}: area and clock"


def sweep_table(found: dict) -> list[str]:
    """Lines of the table in Markdown, and what its columns are."""
    return [*table(COLUMNS, map(_cells, found["points"])), "", ABOUT]


def page(found: dict) -> str:
    """The sweep as Markdown, beside its picture."""
    lines = [f"# {title(found)}", "", "![area and clock](explore.png)"]
    lines += [*sweep_table(found), ""]
    tools = ", ".join(found["tools"].values())
    lines.append(f"Base: `{found['config']}`. Made with {tools}, seeds: {found['seeds']}.")
    return "\n".join(lines) + "\n"


def show(found: dict):
    """The table on the terminal, in two parts on a narrow one; reasons below it."""
    rows = [[escape(str(cell)) for cell in _cells(row)] for row in found["points"]]
    for row, point in zip(rows, found["points"], strict=True):
        row[-1] = _front(point)
    parts = [range(len(COLUMNS))]
    if console.out.width < WIDE:
        parts = [[*range(3), *part] for part in (range(3, SPEED), range(SPEED, len(COLUMNS)))]
    for part in parts:
        columns = [("front" if n == len(COLUMNS) - 1 else COLUMNS[n]) for n in part]
        cells = [[row[n] for n in part] for row in rows]
        console.out.print(console.table(title(found), columns, cells))
    for row in found["points"]:
        if reason := row.get("reason") or row["digits"].get("reason"):
            console.out.print(f"{row['title']}: {reason}", markup=False, highlight=False)
    console.paths(found["files"].values())


def told(row: dict) -> str:
    """A row in short, as it comes."""
    if "reason" in row:
        return f"{row['title']}: {row['reason']}"
    return f"{row['title']}: {row['lut']:,} LUT4, {row['mhz']} MHz ({row['seconds']:.0f} s)"
