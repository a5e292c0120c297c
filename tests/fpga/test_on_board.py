"""What goes into a board, from its pins: the loader answers, products and programs run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import serial

import alhena as al
from alhena.jobs import run
from fpga.board import BARE, board
from fpga.top import Top
from hw.config_text import parse_config
from hw.soc.cores import verilog_files
from hw.verilog import emit
from sim.engine import EngineError
from sim.soc.line import SimulatedLine
from sim.soc.pins import Pins

TEXT = f"tiny:partial=int20,{BARE}"
CONFIG = parse_config(TEXT)
DIVISOR = 8
BOARD = replace(
    board("ulx3s"),
    **{"baud": 25_000_000 // DIVISOR, "memory_bytes": 1 << 13, "firmware_bytes": 1 << 15},
)
pytestmark = pytest.mark.xdist_group("on board")  # what they share is made once


@pytest.fixture(scope="module")
def accelerator():
    pll = Path(__file__).parent / "ehxplll.v"
    files = (*verilog_files(BOARD.host), pll)
    pins = Pins(emit(Top(CONFIG, BOARD)), "on-board", DIVISOR, files)
    line = SimulatedLine(pins, cycles_per_byte=10 * DIVISOR)
    yield al.Accelerator(
        CONFIG,
        "board",
        line=serial.Serial(line.path, timeout=0.05),
        memory_bytes=BOARD.memory_bytes,
        firmware_bytes=BOARD.firmware_bytes,
    )
    line.close()


def test_products_equal_numpy(accelerator):
    rng = np.random.default_rng(8)
    a, b = rng.integers(-128, 128, (9, 11)), rng.integers(-128, 128, (11, 6))
    assert (accelerator.matmul(a, b, full_width=True) == a @ b).all()


def test_programs_run(accelerator):
    done = accelerator.engine.run_firmware("hello")
    assert done.exit_code == 0 and CONFIG.name in done.console


def test_the_command_line_runs_programs(accelerator, monkeypatch, capsys):
    monkeypatch.setattr(run, "board", lambda name: BOARD)
    port = accelerator.engine.link.line.port
    assert run.on_board("hello", "ulx3s", TEXT, port) == {"exit_code": 0}
    assert capsys.readouterr().out == f"Hello from {CONFIG.name}: 4x4 array, 32-bit bus.\n"
    with pytest.raises(EngineError, match=f"the board has {CONFIG.name}, not small; load its"):
        run.on_board("hello", "ulx3s", "small", port)


def test_memory_ends_where_the_board_says(accelerator):
    engine = accelerator.engine
    engine.write(BOARD.memory_bytes - 4, b"last")
    assert engine.read(BOARD.memory_bytes - 4, 4) == b"last"
