"""`alhena fpga build`: a board's bitstream, its report, and what the system would reach there."""

import json
from collections.abc import Sequence

from fpga.board import Board
from fpga.build import build
from hw.config import Config
from sw.network.model import load_network

from ..report import console
from ..report.fpga_page import page
from .explain import run_work


def throughput(config: Config, mhz: float, **memory) -> dict:
    """GOPS of the array and of the digits network (two operations a multiply-accumulate), bytes
    per second that the memory has room for, at a clock. Cycles are those of the engine `timing`,
    with `memory` its options; `digits` says why if the configuration cannot compute the network."""
    peak = {
        "peak_gops": round(2e-3 * config.dim**2 * mhz, 3),
        "memory_mbytes_per_s": round(memory.get("bytes_per_cycle", config.bus_bytes) * mhz, 1),
    }
    try:
        cycles = sum(run.cycles for _, _, run in run_work("digits", config, "timing", **memory))
    except ValueError as error:
        return peak | {"digits": {"reason": str(error)}}
    digits = {
        "cycles_per_image": cycles,
        "gops": round(2e-3 * load_network().macs / cycles * mhz, 3),
        "images_per_s": round(mhz * 1e6 / cycles),
    }
    return peak | {"digits": digits}


def run(board: Board, config: Config, seeds: Sequence[int]) -> dict:
    """Build, and complete the report; its dictionary, as in ``report.json``."""
    speed = throughput(config, board.mhz, **board.memory_timing)
    made = build(board, config, seeds, console.err.print)
    found = {"config": config.name} | made.report | {"throughput": speed}
    found["files"] = {"bitstream": str(made.bitstream)}
    found["files"] |= {kind: str(made.directory / f"report.{kind}") for kind in ("json", "md")}
    (made.directory / "report.json").write_text(json.dumps(found, indent=2) + "\n")
    (made.directory / "report.md").write_text(page(found))
    return found
