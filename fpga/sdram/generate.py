"""An SDRAM's controller by LiteDRAM's generator: Verilog, and C that starts the chip.

The generator runs as a program of its own; what it makes is kept by content under ``build/fpga``.
"""

import json
import re
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from sim.cache import build_directory, content_key, made_once
from sim.tools import Tool, ToolError

from ..board import Board

NAME = "sdram_controller"
"""The Verilog module."""

PORT = "memory"
"""LiteDRAM's name for the port: ``user_port_memory_cmd_valid`` and so on."""

PROGRAM = """
import sys
from litedram import gen, modules
chip, cycle = getattr(modules, sys.argv[1]), float(sys.argv[2])
chip.technology_timings.tREFI -= cycle
times = chip.speedgrade_timings["default"]
times.tRP, times.tRCD = max(times.tRP, float(sys.argv[3])), max(times.tRCD, float(sys.argv[4]))
del sys.argv[1:5]
gen.main()
"""
"""The generator, told to refresh a cycle sooner: it rounds the interval up, and all rows would take
more than the 64 ms that they may. And that a row may take longer to open and close."""

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
HEADERS = ("csr.h", "sdram_phy.h", "soc.h")


@dataclass(frozen=True)
class Generated:
    """`verilog` is the file with module `NAME`; `include` the folder whose ``generated/`` has the
    headers for firmware, with LiteDRAM's ``init_sequence()``."""

    verilog: Path
    include: Path


def _generator() -> Tool:
    try:
        version = metadata.version("litedram")
    except metadata.PackageNotFoundError:
        raise ToolError("litedram is missing; run: .venv/bin/pip install -e '.[fpga]'") from None
    return Tool("litedram", (sys.executable, "-c", PROGRAM), version)


def settings(board: Board) -> dict:
    """What the generator is told: a controller without a processor, with one port of the chip's
    width, that starts when software says so."""
    hertz = board.mhz * 1e6
    return {
        **{"cpu": "None", "device": f"{board.device}-6BG381C", "memtype": "SDR"},
        **{"sdram_module": board.sdram.module, "sdram_phy": "GENSDRPHY"},
        **{"sdram_module_nb": board.sdram.beat // 8, "sdram_rank_nb": 1},
        **{"input_clk_freq": hertz, "sys_clk_freq": hertz, "cmd_buffer_depth": 8},
        "user_ports": {PORT: {"type": "native"}},
    }


def _plain(text: str) -> str:
    """Without comments: they have dates, and name parts in the order of their addresses."""
    return COMMENT.sub("", text)


def generate(board: Board) -> Generated:
    """The controller of a board's SDRAM. ToolError if the generator is missing or fails."""
    generator, text = _generator(), json.dumps(settings(board), indent=1)
    chip = board.sdram.module, 1e3 / board.mhz, board.sdram.closes, board.sdram.opens
    key = content_key(generator.version, text, repr(chip), Path(__file__))

    def make(directory: Path):
        (directory / "settings.yml").write_text(text)
        generator.run(*chip, "settings.yml", "--output-dir", "made", "--name", NAME, cwd=directory)
        verilog = _plain((directory / "made" / "gateware" / f"{NAME}.v").read_text())
        verilog = re.sub(r"input  wire( +\[\d+:0\] sdram_dq)", r"inout  wire\1", verilog)
        (directory / f"{NAME}.v").write_text(verilog)
        headers = directory / "include" / "generated"
        headers.mkdir(parents=True)
        for name in HEADERS:
            made = directory / "made" / "software" / "include" / "generated" / name
            (headers / name).write_text(_plain(made.read_text()))

    final = build_directory("fpga", "sdram") / f"{board.sdram.module}-{key}"
    made_once(final, make, f"Generating the controller of {board.name}'s SDRAM")
    return Generated(final / f"{NAME}.v", final / "include")
