"""From a board and a configuration to bitstream and report.

Every step is kept under ``build/fpga`` by what it was made from, and not repeated: netlists by
design and script, placements by netlist and seed.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hw.config import Config
from sim.cache import build_directory, content_key, made_once
from sim.tools import Tool, ToolError

from . import comparisons
from .board import Board
from .families import FAMILIES, Family
from .platform import Platform
from .report import read, report
from .rtlil import emit
from .tools import tool
from .top import Top

TIME_LIMIT = 3600
"""Seconds of one tool."""

LOG_LINES = 15
"""What an error shows of a tool's log."""


@dataclass(frozen=True)
class Build:
    """What came of a board: `report` is what :func:`fpga.report.report` says."""

    directory: Path
    bitstream: Path
    report: dict


def run_tool(program: Tool, *arguments: str, cwd: Path, log: str = "") -> float:
    """Run in `cwd`, by relative paths: the wheels see nothing outside. Seconds; ToolError with the
    last lines of its `log` if it fails."""
    start = time.perf_counter()
    try:
        program.run(*arguments, cwd=cwd, timeout=TIME_LIMIT)
    except ToolError as error:
        lines = (cwd / log).read_text().splitlines() if log and (cwd / log).exists() else []
        raise ToolError("\n".join([str(error), *lines[-LOG_LINES:]])) from error
    return round(time.perf_counter() - start, 1)


def _synthesised(board: Board, config: Config, family: Family) -> Path:
    """Directory with ``top.json``, ``yosys.log`` and ``synthesis.json``."""
    platform = Platform(board)
    design = emit(Top(config, board), platform)
    yosys = tool("yosys")
    script = f"chformal -remove\n{comparisons.COMMAND}\n{family.synthesis(board)}\n"
    sources = (comparisons.MAP, *sorted(platform.files.values()))
    key = content_key(design, script, yosys.version, *sources)

    def make(directory: Path):
        for name, text in platform.files.items():
            (directory / name).write_text(text)
        (directory / "top.il").write_text(design)
        reads = [f"read_verilog -sv {name}" for name in sorted(platform.files)]
        (directory / comparisons.FILE).write_text(comparisons.MAP)
        (directory / "run.ys").write_text("\n".join([*reads, "read_rtlil top.il", script]))
        seconds = run_tool(
            yosys, "-q", "-l", "yosys.log", "-s", "run.ys", cwd=directory, log="yosys.log"
        )
        (directory / "synthesis.json").write_text(json.dumps({"seconds": seconds}))

    final = build_directory("fpga", "netlists") / f"{board.name}-{key}"
    return made_once(final, make, f"Synthesising {config.name} for {board.name}")


def _placed(netlist: Path, board: Board, family: Family, seed: int) -> Path:
    """Directory with the bitstream, nextpnr's ``report.json`` and log, and ``placement.json``."""
    nextpnr, pack = map(tool, family.tools)
    name, text = family.constraints(board)
    arguments = (
        *family.place(board, seed),
        *("--seed", str(seed), "--report", "report.json", "--log", "nextpnr.log", "-q"),
        *("--timing-allow-fail", "--freq", str(board.mhz)),
    )
    key = content_key(netlist.name, text, repr(arguments), nextpnr.version, pack.version)

    def make(directory: Path):
        os.link(netlist / "top.json", directory / "top.json")
        (directory / name).write_text(text)
        seconds = run_tool(nextpnr, *arguments, cwd=directory, log="nextpnr.log")
        seconds += run_tool(pack, *family.pack(board, seed), cwd=directory)
        (directory / "placement.json").write_text(json.dumps({"seconds": seconds}))

    final = build_directory("fpga", "placed") / f"{board.name}-{seed}-{key}"
    return made_once(final, make, f"Placing and routing for {board.name}, seed {seed}")


def build(
    board: Board,
    config: Config,
    seeds: Sequence[int] = (1,),
    say: Callable[[str], None] = lambda text: None,
) -> Build:
    """Synthesise, place and pack with every seed, and take the fastest result for the board.

    The directory is ``build/fpga/BOARD``, where the bitstream is. ToolError if a tool fails or the
    design does not fit the device.
    """
    family = FAMILIES[board.family]
    directory = build_directory("fpga", board.name)
    say(f"{board.title}: {config.name}, {board.host.name}, {board.mhz:g} MHz")
    netlist = _synthesised(board, config, family)
    placed, speed = {}, {}
    for seed in seeds:
        placed[seed] = _placed(netlist, board, family, seed)
        clocks = read(placed[seed] / "report.json")["fmax"].values()
        speed[seed] = min(clock["achieved"] / clock["constraint"] for clock in clocks)
        say(f"seed {seed}: " + ", ".join(f"{clock['achieved']:.1f} MHz" for clock in clocks))
    best = max(speed, key=speed.get)
    shutil.copy(placed[best] / family.bitstream, directory / family.bitstream)
    found = report(board, family, netlist, placed, best)
    found["tools"] = {each: tool(each).version for each in ("yosys", *family.tools)}
    return Build(directory, directory / family.bitstream, found)
