"""Synthesis and placement, kept under ``build/fpga`` by the content of what goes in.

A step whose inputs are the same is not done again: netlists are kept by design, script and version
of yosys, placements by netlist, arguments, files and versions of the programs.
"""

import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sim.cache import build_directory, content_key, made_once
from sim.tools import Tool, ToolError

from . import comparisons, products
from .tools import tool

TIME_LIMIT = 3600
"""Seconds of one tool."""

LOG_LINES = 15
"""What an error shows of a tool's log."""

USED = re.compile(r"(\w+):\s+(\d+)/\s*(\d+)\s+\d+%$", re.MULTILINE)
"""A line of nextpnr's table of utilisation."""

ASSERTION = "ERROR: Assert `"
"""What yosys says of a bug of its own, which is there again with the same input."""

FAILURE = "failure.txt"
"""What it said then, in place of a netlist."""


class DoesNotFit(ToolError):
    """The design needs more than the device has; says of what, and how many."""


def run_tool(program: Tool, *arguments: str, cwd: Path, log: str = "") -> float:
    """Run in `cwd`, by relative paths: the wheels see nothing outside. Seconds; ToolError with the
    last lines of its `log` if it fails."""
    program.prepare()
    start = time.perf_counter()
    try:
        program.run(*arguments, cwd=cwd, timeout=TIME_LIMIT)
    except ToolError as error:
        lines = (cwd / log).read_text().splitlines() if log and (cwd / log).exists() else []
        raise ToolError("\n".join([str(error), *lines[-LOG_LINES:]])) from error
    return round(time.perf_counter() - start, 1)


def run_yosys(design: str, script: str, cwd: Path, files: Mapping[str, str] | None = None) -> float:
    """Yosys' `script` on the RTLIL `design` and on Verilog `files`; ``yosys.log`` is what it said
    (its standard output ends with abc). Seconds."""
    files = files or {}
    for name, text in files.items():
        (cwd / name).write_text(text)
    (cwd / "top.il").write_text(design)
    reads = [f"read_verilog -sv {name}" for name in sorted(files)]
    (cwd / "run.ys").write_text("\n".join([*reads, "read_rtlil top.il", script]) + "\n")
    arguments = ("-q", "-l", "yosys.log", "-s", "run.ys")
    return run_tool(tool("yosys"), *arguments, cwd=cwd, log="yosys.log")


def synthesised(
    name: str, design: str, script: str, files: Mapping[str, str], text: str | None = None
) -> Path:
    """Directory with ``top.json``, which `script` writes, ``yosys.log`` and ``synthesis.json``;
    `text` is shown meanwhile."""
    maps = {each.FILE: each.MAP for each in (comparisons, products)}
    script = "\n".join(["chformal -remove", comparisons.COMMAND, products.COMMAND, script])
    key = content_key(
        design, script, *maps.values(), tool("yosys").version, *sorted(files.values())
    )

    def make(directory: Path):
        for file, text_of_map in maps.items():
            (directory / file).write_text(text_of_map)
        try:
            seconds = run_yosys(design, script, directory, files)
        except ToolError as error:
            if ASSERTION not in str(error):
                raise
            (directory / FAILURE).write_text(str(error))
        else:
            (directory / "synthesis.json").write_text(json.dumps({"seconds": seconds}))

    found = made_once(build_directory("fpga", "netlists") / f"{name}-{key}", make, text)
    if (found / FAILURE).exists():
        raise ToolError((found / FAILURE).read_text())
    return found


def changed(netlist: Path, kind: str, change: Callable[[dict], object], *parts) -> Path:
    """Directory with ``top.json`` of the directory `netlist` after a `change` of its module
    ``top``; kept, as a `kind`, by what was there and the `parts` that the change depends on."""

    def make(directory: Path):
        design = json.loads((netlist / "top.json").read_text())
        change(design["modules"]["top"])
        (directory / "top.json").write_text(json.dumps(design))

    name = netlist.name.rpartition("-")[0]
    key = content_key(netlist.name, *parts)
    return made_once(build_directory("fpga", kind) / f"{name}-{key}", make)


def placing(seed: int, mhz: float) -> tuple[str, ...]:
    """What nextpnr is always told: the clock to aim at, and what to write."""
    return (
        *("--seed", str(seed), "--report", "report.json", "--log", "nextpnr.log", "-q"),
        *("--timing-allow-fail", "--freq", str(mhz)),
    )


def placed(
    name: str,
    netlist: Path,
    files: Mapping[str, str],
    commands: Sequence[tuple[Tool, tuple[str, ...]]],
    text: str | None = None,
) -> Path:
    """Directory with what `commands`, nextpnr and perhaps a packer, make of a netlist and `files`:
    nextpnr's ``report.json`` and log, and ``placement.json``; `text` is shown meanwhile.

    DoesNotFit if the device is too small.
    """
    arguments, versions = commands[0][1], [program.version for program, _ in commands]
    key = content_key(netlist.name, *files.values(), repr(arguments), *versions)

    def make(directory: Path):
        os.link(netlist / "top.json", directory / "top.json")
        for file, content in files.items():
            (directory / file).write_text(content)
        seconds = 0.0
        for (program, words), log in zip(commands, ("nextpnr.log", ""), strict=False):
            try:
                seconds += run_tool(program, *words, cwd=directory, log=log)
            except ToolError as error:
                raise (_too_large(directory / "nextpnr.log") or error) from error
        (directory / "placement.json").write_text(json.dumps({"seconds": round(seconds, 1)}))

    return made_once(build_directory("fpga", "placed") / f"{name}-{key}", make, text)


def _too_large(log: Path) -> DoesNotFit | None:
    """What nextpnr's log says of resources that are not enough."""
    lines = USED.findall(log.read_text()) if log.exists() else []
    over = [f"{used} {cell} of {room}" for cell, used, room in lines if int(used) > int(room)]
    return DoesNotFit(f"does not fit: needs {', '.join(over)}") if over else None
