"""From a board and a configuration to bitstream and report.

Steps are kept and not repeated (:mod:`.steps`).
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hw.config import Config
from sim.cache import build_directory

from .apart import attempted
from .board import Board
from .families import FAMILIES, Family
from .fanout import spread_out
from .floorplan import floorplanned
from .platform import Platform
from .ram_registers import registered_rams
from .report import read, report, timing_met
from .rtlil import emit
from .steps import placed, placing, synthesised
from .tools import tool
from .top import Top


@dataclass(frozen=True)
class Build:
    """What came of a board: `report` is what :func:`fpga.report.report` says."""

    directory: Path
    bitstream: Path
    report: dict


def netlist_of(board: Board, config: Config, family: Family) -> Path:
    """Directory of the netlist (:func:`.steps.synthesised`)."""
    platform = Platform(board.device)
    top = Top(config, board)
    design = emit(top, platform, top.ports)
    said = f"Synthesising {config.name} for {board.name}"

    def synthesise(script: str) -> Path:
        return synthesised(board.name, design, script, platform.files, said)

    return attempted(family.synthesis(), config, synthesise)


def _placed(netlist: Path, board: Board, config: Config, seed: int) -> Path:
    """Directory of the bitstream and what :func:`.steps.placed` says."""
    family = FAMILIES[board.family]
    nextpnr, pack = map(tool, family.tools)
    name, text = family.constraints(board)
    arguments = (*family.place(board, seed, config.array_clock), *placing(seed, board.mhz))
    said = f"Placing and routing for {board.name}, seed {seed}"
    netlist = registered_rams(netlist, family)
    netlist = floorplanned(netlist, family, board.device, clocked=config.array_clock > 1)
    return placed(
        f"{board.name}-{seed}",
        spread_out(netlist, family),
        {name: text},
        ((nextpnr, arguments), (pack, family.pack(board, seed))),
        said,
    )


def build(
    board: Board,
    config: Config,
    seeds: Sequence[int] = (1,),
    say: Callable[[str], None] = lambda text: None,
) -> Build:
    """Synthesise, place and pack with every seed, and take the fastest result for the board: one
    that meets the paths between clocks, too, before one that does not.

    The directory is ``build/fpga/BOARD``, where the bitstream is. ToolError if a tool fails or the
    design does not fit the device, BoardError if the board cannot make the clocks.
    """
    family = FAMILIES[board.family]
    family.dividers(board, config.array_clock)
    directory = build_directory("fpga", board.name)
    say(f"{board.title}: {config.name}, {board.host.name}, {board.mhz:g} MHz")
    netlist = netlist_of(board, config, family)
    places, speed = {}, {}
    for seed in seeds:
        places[seed] = _placed(netlist, board, config, seed)
        timed = read(places[seed] / "report.json")
        clocks = timed["fmax"].values()
        share = min(clock["achieved"] / clock["constraint"] for clock in clocks)
        speed[seed] = timing_met(timed), share
        say(f"seed {seed}: " + ", ".join(f"{clock['achieved']:.1f} MHz" for clock in clocks))
    best = max(speed, key=speed.get)
    shutil.copy(places[best] / family.bitstream, directory / family.bitstream)
    found = report(board, family, netlist, places, best)
    found["tools"] = {each: tool(each).version for each in ("yosys", *family.tools)}
    return Build(directory, directory / family.bitstream, found)
