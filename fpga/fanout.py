"""Look-up tables between a net and its sinks, where place-and-route would stand still without."""

from collections import defaultdict
from pathlib import Path

from .families import Family
from .steps import changed

KEPT = ("GND", "VCC", "IBUF", "rPLL", "")
"""Cells whose nets stay as they are: constants, pins, clocks, and none."""


def spread(module: dict, few: range, most: int) -> int:
    """Give every net with as many sinks as `few` says look-up tables that pass it on to at most
    `most` sinks each; how many tables that took. `module` is one of yosys' netlist in JSON."""
    sinks, drivers, cells = defaultdict(list), {}, module["cells"]
    named = (bit for net in module["netnames"].values() for bit in net["bits"])
    highest = max((bit for bit in named if isinstance(bit, int)), default=0)
    for name, cell in cells.items():
        for port, bits in cell["connections"].items():
            for n, bit in enumerate(bits):
                if not isinstance(bit, int):
                    continue
                highest = max(highest, bit)
                if cell["port_directions"][port] == "output":
                    drivers[bit] = cell["type"]
                else:
                    sinks[bit].append((name, port, n))
    made = 0
    for bit, users in sinks.items():
        if len(users) not in few or drivers.get(bit, "") in KEPT:
            continue
        users.sort()
        for first in range(0, len(users), most):
            highest, made = highest + 1, made + 1
            cells[f"fanout_{bit}_{first // most}"] = {
                "hide_name": 0,
                "type": "LUT1",
                "parameters": {"INIT": "10"},
                "attributes": {},
                "port_directions": {"I0": "input", "F": "output"},
                "connections": {"I0": [bit], "F": [highest]},
            }
            for name, port, n in users[first : first + most]:
                cells[name]["connections"][port][n] = highest
    return made


def spread_out(netlist: Path, family: Family) -> Path:
    """Directory with ``top.json`` of `netlist`, where no net has as many sinks as
    `family.slow_nets` says; `netlist` itself if it says nothing."""
    if not family.slow_nets:
        return netlist
    few, most = family.slow_nets
    parts = repr(family.slow_nets), Path(__file__)
    return changed(netlist, "spread", lambda top: spread(top, few, most), *parts)
