"""A sweep's table as a page, and on the terminal."""

from rich.markup import escape

from . import console
from .markdown import table

COLUMNS = (
    *("format", "array", "stages", "LUT4", "carry", "FF", "DSP", "BRAM", "of device", "MHz"),
    *("peak GOPS", "digits cycles", "digits GOPS", "front or reason"),
)

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
    used = {name: each["used"] for name, each in row["resources"].items()}
    digits = row["digits"]
    known = "gops" in digits
    return (
        *(*point, f"{row['lut']:,}", f"{row['carry']:,}", f"{used['ff']:,}"),
        *(
            f"{used['dsp']:,}",
            f"{used['bram']:,}",
            f"{row['share']:.1%} {row['scarcest']}",
            _mhz(row),
        ),
        f"{row['peak_gops']:.2f}",
        *((f"{digits['cycles_per_image']:,}", f"{digits['gops']:.2f}") if known else ("–", "–")),
        _note(row),
    )


def _mhz(row: dict) -> str:
    """The median, and all if there are several."""
    each = " ".join(f"{mhz:.0f}" for mhz in row["seeds"].values())
    return f"{row['mhz']}" + (f" ({each})" if len(row["seeds"]) > 1 else "")


def _note(row: dict) -> str:
    """The fronts that a point is on, or why the network does not run."""
    on = [name.replace("gops", "GOPS") for name, is_on in sorted(row["pareto"].items()) if is_on]
    notes = [", ".join(on)] if on else []
    return "; ".join(notes + [row["digits"][key] for key in ("reason",) if key in row["digits"]])


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
    """The table on the terminal."""
    rows = ([escape(str(cell)) for cell in _cells(row)] for row in found["points"])
    console.out.print(console.table(title(found), COLUMNS, rows), soft_wrap=True)
    console.paths(found["files"].values())


def told(row: dict) -> str:
    """A row in short, as it comes."""
    if "reason" in row:
        return f"{row['title']}: {row['reason']}"
    return f"{row['title']}: {row['lut']:,} LUT4, {row['mhz']} MHz ({row['seconds']:.0f} s)"
