"""Registers behind block RAMs, moved into them: yosys leaves the RAMs' own unused.

A RAM's output takes several ns without its register; where a word goes on from a register anyway,
that may be this one. The design says which ones (:data:`hw.memory.collisions.RAM_REGISTER`).
"""

from collections import defaultdict
from pathlib import Path

from .families import Family
from .steps import changed

MARK = "ram_register"


def marked(module: dict) -> set[int]:
    """Bits of the nets with the attribute."""
    nets = module["netnames"].values()
    return {bit for net in nets if MARK in net["attributes"] for bit in net["bits"]}


def _plain(register: dict, clock: list) -> bool:
    """Whether it takes what comes in every cycle of `clock`."""
    wires, parameters = register["connections"], register["parameters"]
    return (
        register["type"] == "TRELLIS_FF"
        and wires["CLK"] == clock
        and parameters["CLKMUX"] == "CLK"
        and parameters["CEMUX"].strip() == "1"
        and parameters["REGSET"] == "RESET"
        and wires.get("LSR", ["0"]) == ["0"]
    )


def move(module: dict) -> int:
    """Move registers into DP16KD cells of one clock, all or none of a cell's; how many cells have
    them now. `module` is one of yosys' netlist in JSON."""
    cells, users, wanted, moved = module["cells"], defaultdict(list), marked(module), 0
    for name, cell in cells.items():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "input":
                for bit in bits:
                    users[bit].append((name, port))
    for ram in [cell for cell in cells.values() if cell["type"] == "DP16KD"]:
        wires, found = ram["connections"], {}
        outputs = [port for port, way in ram["port_directions"].items() if way == "output"]
        for port in outputs:
            for bit in wires[port]:
                if users[bit]:
                    found[port] = users[bit]
        registers = {port: cells[sinks[0][0]] for port, sinks in found.items()}
        fits = all(
            len(found[port]) == 1
            and found[port][0][1] == "DI"
            and _plain(register, wires["CLKB"])
            and register["connections"]["Q"][0] in wanted
            for port, register in registers.items()
        )
        if not registers or not fits or wires["CLKA"] != wires["CLKB"]:
            continue
        for port, register in registers.items():
            wires[port] = register["connections"]["Q"]
        for name in [sinks[0][0] for sinks in found.values()]:
            del cells[name]
        for side in "AB":
            ram["parameters"][f"REGMODE_{side}"] = "OUTREG"
            wires[f"OCE{side}"] = ["1"]
        moved += 1
    return moved


def registered_rams(netlist: Path, family: Family) -> Path:
    """Directory with ``top.json`` of `netlist` with the registers in the RAMs; `netlist` itself if
    no register may go there, or none of the family's RAMs are known."""
    if "DP16KD" not in family.cells.get("bram", ()):
        return netlist
    if f'"{MARK}"' not in (netlist / "top.json").read_text():
        return netlist
    return changed(netlist, "ram_registers", move, Path(__file__))
