"""A netlist as Verilog, for simulation."""

import os
from pathlib import Path

from sim.cache import build_directory, content_key, made_once

from .board import BoardError
from .families import Family
from .steps import run_tool
from .tools import tool

SCRIPT = """\
read_json top.json
delete =A:blackbox
{gates}
hierarchy -top top
proc
flatten
delete t:$scopeinfo
simplemap t:$mux
opt_expr -mux_bool
opt_clean -purge
rename -hide
write_verilog -noattr netlist.v
"""


def as_verilog(netlist: Path, family: Family) -> str:
    """Verilog of module ``top`` in a directory of :func:`.steps.synthesised`: LUTs, carry chains
    and flip-flops are what yosys' models say, blocks and clock generators are instances.

    BoardError if there are no models of the family's cells.
    """
    if not family.gates:
        can = "those for ecp5 and ice40 can"
        raise BoardError(f"netlists for {family.name} cannot be simulated; {can}")
    script = SCRIPT.format(gates=family.gates)
    key = content_key(netlist.name, script, tool("yosys").version)

    def make(directory: Path):
        os.link(netlist / "top.json", directory / "top.json")
        (directory / "run.ys").write_text(script)
        arguments = ("-q", "-l", "yosys.log", "-s", "run.ys")
        run_tool(tool("yosys"), *arguments, cwd=directory, log="yosys.log")
        (directory / "top.json").unlink()

    name = netlist.name.rpartition("-")[0]
    final = build_directory("fpga", "verilog") / f"{name}-{key}"
    return (made_once(final, make, f"Writing {name} as Verilog") / "netlist.v").read_text()
