"""What a build came to, from the tools' own reports."""

import json
import re
import statistics
from collections import Counter
from pathlib import Path

from .board import Board
from .families import Family

DEPTH = 4
"""Names of a hierarchy that make a module of the report: board.system.accelerator.mesh."""


def read(path: Path) -> dict:
    """What a JSON file holds."""
    return json.loads(path.read_text())


def utilisation(family: Family, used: dict) -> dict:
    """LUT, FF, DSP, block RAM: used, available and share, as nextpnr counts cells."""
    found = {}
    for name, cells in family.resources.items():
        amount = sum(used[cell]["used"] * places for cell, places in cells.items() if cell in used)
        room = used[next(iter(cells))]["available"]
        found[name] = {"used": amount, "available": room, "share": round(amount / room, 4)}
    return found


def modules(family: Family, netlist: dict) -> dict[str, dict[str, int]]:
    """Cells of the netlist by the module that they were made for, the largest first.

    Yosys calls a cell after a net that it drives, so what two modules share counts for one.
    """
    kinds = {cell: name for name, cells in family.cells.items() for cell in cells}
    found: dict[str, Counter] = {}
    for name, cell in netlist["modules"]["top"]["cells"].items():
        if cell["type"] in kinds:
            owner = ".".join(name.split(".")[:-1][:DEPTH]) or "top"
            found.setdefault(owner, Counter())[kinds[cell["type"]]] += 1
    largest = sorted(found.items(), key=lambda item: -item[1]["lut"])
    return {name: dict(sorted(counts.items())) for name, counts in largest}


CELL = re.compile(r"_(LUT\d|CCU2C|TRELLIS_FF|PFUMX|L6MUX21|ALU|DFF[A-Z]*|SB_[A-Z0-9]+)_.*$")
"""What yosys appends to the name of a net for the gates behind it."""


def own_name(name: str) -> str:
    """The net of the design that a net or cell of the netlist was called after."""
    return CELL.sub("", name)


def critical_path(paths: list, clock: str) -> dict:
    """Start, end, nanoseconds and the nets between, of a clock's longest path."""
    for path in paths:
        if path["from"] == path["to"] == f"posedge {clock}":
            steps = path["path"]
            wires = [step for step in steps if step["type"] == "routing"]
            return {
                "from": own_name(steps[0]["from"]["cell"]),
                "to": own_name(steps[-1]["to"]["cell"]),
                "ns": round(sum(step["delay"] for step in steps), 2),
                "routing_ns": round(sum(step["delay"] for step in wires), 2),
                "nets": list(dict.fromkeys(own_name(step["net"]) for step in wires)),
            }
    return {}


def clocks(reports: dict[int, dict], best: int) -> dict:
    """By clock: MHz of every seed, their median, the chosen one's, the aim, the longest path."""
    found = {}
    for name, clock in reports[best]["fmax"].items():
        seeds = {seed: round(r["fmax"][name]["achieved"], 1) for seed, r in reports.items()}
        found[name.removeprefix("$glbnet$")] = {
            "fmax_mhz": seeds[best],
            "median_mhz": round(statistics.median(seeds.values()), 1),
            "target_mhz": round(clock["constraint"], 1),
            "seeds": seeds,
            "critical_path": critical_path(reports[best]["critical_paths"], name),
        }
    return found


def crossings(found: dict) -> dict:
    """By pair of clocks: nanoseconds of the longest path from one to the other, and how many there
    may be: a cycle of the faster one, which has an edge at all edges of the other."""
    result = {}
    for path in found["critical_paths"]:
        ends = [path[end].removeprefix("posedge ") for end in ("from", "to")]
        if ends[0] == ends[1] or any(end not in found["fmax"] for end in ends):
            continue
        name = " to ".join(end.removeprefix("$glbnet$") for end in ends)
        fastest = max(found["fmax"][end]["constraint"] for end in ends)
        result[name] = {
            "ns": round(sum(step["delay"] for step in path["path"]), 2),
            "most_ns": round(1000 / fastest, 2),
            "from": own_name(path["path"][0]["from"]["cell"]),
            "to": own_name(path["path"][-1]["to"]["cell"]),
        }
    return result


def timing_met(found: dict) -> bool:
    """Whether every clock is reached, and every path from clock to clock short enough."""
    between = crossings(found).values()
    reached = (clock["achieved"] >= clock["constraint"] for clock in found["fmax"].values())
    return all(reached) and all(path["ns"] <= path["most_ns"] for path in between)


def report(board: Board, family: Family, netlist: Path, placed: dict[int, Path], best: int) -> dict:
    """All of it, for ``report.json``."""
    reports = {seed: read(path / "report.json") for seed, path in placed.items()}
    times = {"synthesis": read(netlist / "synthesis.json")["seconds"]}
    for seed, path in placed.items():
        times[f"place_and_route_{seed}"] = read(path / "placement.json")["seconds"]
    timed = clocks(reports, best)
    return {
        "board": board.name,
        "title": board.title,
        "device": board.device,
        "host": board.host.name,
        "system_mhz": board.mhz,
        "memory_bytes": board.memory_bytes,
        "firmware_bytes": board.firmware_bytes,
        "clocks": timed,
        "untimed": family.untimed,
        "crossings": crossings(reports[best]),
        "timing_met": timing_met(reports[best]),
        "seed": best,
        "area": utilisation(family, reports[best]["utilization"]),
        "modules": modules(family, read(netlist / "top.json")),
        "seconds": times,
    }
