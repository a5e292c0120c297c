"""`alhena fpga build`: a board's bitstream, its report, and what the system would reach there."""

import json
from collections.abc import Sequence

from fpga.board import Board
from fpga.build import build
from hw.config import Config

from ..report import console
from ..report.fpga_page import page
from .throughput import throughput


def run(board: Board, config: Config, seeds: Sequence[int]) -> dict:
    """Build, and complete the report; its dictionary, as in ``report.json``. Errors as of
    :func:`fpga.build.build`."""
    made = build(board, config, seeds, console.err.print)
    speed = throughput(config, board.mhz, **board.memory_timing)
    found = {"config": config.name} | made.report | {"throughput": speed}
    found["files"] = {"bitstream": str(made.bitstream)}
    found["files"] |= {kind: str(made.directory / f"report.{kind}") for kind in ("json", "md")}
    (made.directory / "report.json").write_text(json.dumps(found, indent=2) + "\n")
    (made.directory / "report.md").write_text(page(found))
    return found
