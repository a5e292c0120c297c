"""A board's report as a page, and in short."""

from collections import Counter

from . import console
from .markdown import table

KINDS = ("lut", "carry", "ff", "dsp", "bram", "lut_ram")
"""Columns of the modules' table: cells of the netlist."""

LARGEST = 20
"""Modules with rows of their own."""

NETWORKS = {"digits": "digits network", "ds_cnn": "DS-CNN"}
"""What the throughput is told of."""

AREA = ("resource", "used", "available", "share")
CLOCKS = ("clock", "built for, MHz", "reached, MHz", "median", "seeds")
CROSSINGS = ("between clocks", "longest path, ns", "at most", "from", "to")


def _area(found: dict) -> list[tuple]:
    return [
        (name, f"{area['used']:,}", f"{area['available']:,}", f"{area['share']:.1%}")
        for name, area in found["area"].items()
    ]


def _clocks(found: dict) -> list[tuple]:
    return [
        (
            *(name, clock["target_mhz"], clock["fmax_mhz"], clock["median_mhz"]),
            ", ".join(map(str, clock["seeds"].values())),
        )
        for name, clock in found["clocks"].items()
    ]


def _crossings(found: dict) -> list[tuple]:
    rows = found["crossings"].items()
    return [(name, path["ns"], path["most_ns"], path["from"], path["to"]) for name, path in rows]


def _summary(found: dict) -> str:
    speed = found["throughput"]
    networks = (_network(name, speed[key]) for key, name in NETWORKS.items())
    seconds = (f"{name.replace('_', ' ')} {t:.0f} s" for name, t in found["seconds"].items())
    untimed = found["untimed"]
    but = f", without the delays of {untimed}, which nextpnr does not know" if untimed else ""
    return (
        f"{found['device']}, {found['host']}, {found['system_mhz']:g} MHz: timing "
        f"{'met' if found['timing_met'] else 'NOT met'} with seed {found['seed']}{but}. "
        f"Peak {speed['peak_gops']} GOPS; {'; '.join(networks)}; "
        f"memory up to {speed['memory_mbytes_per_s']} MB/s. "
        f"Made in {', '.join(seconds)} with {', '.join(found['tools'].values())}."
    )


def _network(name: str, speed: dict) -> str:
    if "reason" in speed:
        return f"no {name}: {speed['reason']}"
    return (
        f"{name} {speed['gops']} GOPS ({speed['cycles_per_image']:,} cycles, "
        f"{speed['images_per_s']:,} images/s by the engine `timing`)"
    )


def page(found: dict) -> str:
    """The report as Markdown."""
    lines = [f"# {found['title']}: {found['config']}", "", _summary(found)]
    lines += table(AREA, _area(found)) + table(CLOCKS, _clocks(found))
    if found["crossings"]:
        lines += table(CROSSINGS, _crossings(found))
    cells = list(found["modules"].items())
    rest = Counter()
    for _, small in cells[LARGEST:]:
        rest.update(small)
    modules = (
        (name, *(f"{kinds.get(kind, 0):,}" for kind in KINDS))
        for name, kinds in [*((f"`{n}`", c) for n, c in cells[:LARGEST]), ("others", rest)]
    )
    lines += table(("module", *KINDS), modules)
    for name, clock in found["clocks"].items():
        if path := clock["critical_path"]:
            lines += [
                "",
                f"Longest path of `{name}`: {path['ns']} ns, of which wires {path['routing_ns']}, "
                f"from `{path['from']}` to `{path['to']}`:",
                "",
                *(f"- `{net}`" for net in path["nets"]),
            ]
    return "\n".join(lines) + "\n"


def show(found: dict):
    """The report's tables on the terminal."""
    console.out.print(console.table(f"{found['title']}: {found['config']}", AREA, _area(found)))
    console.out.print(console.table("Clocks", CLOCKS, _clocks(found)))
    if found["crossings"]:
        console.out.print(console.table("Between clocks", CROSSINGS, _crossings(found)))
    console.out.print(_summary(found), highlight=False)
    console.paths(found["files"].values())
