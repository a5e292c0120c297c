"""What goes into a board, from its pins: the loader answers, products and programs run."""

import itertools
import os
from dataclasses import replace

import numpy as np
import pytest
import serial

import alhena as al
from alhena.jobs import memory, run
from fpga.board import BARE, board
from fpga.direct import DirectEngine
from fpga.simulated import SimulatedBoard
from hw.config_text import parse_config
from sim.engine import EngineError
from sw.network.model import Layer, Network
from sw.network.plan import make_plan
from sw.network.reference import run_network

TEXT = f"tiny:partial=int20,{BARE}"
CONFIG = parse_config(TEXT)
ON_CHIP = 128 << 10
"""Bytes of the operands' memory that this device would have in block RAM."""

FULL = os.environ.get("ALHENA_FULL") == "1"
BOARDS = ("ulx3s", "colorlight_i9", "tang_nano_20k")[: 1 + 2 * FULL]


@pytest.fixture(scope="module", params=BOARDS)
def simulated(request):
    there = SimulatedBoard(replace(board(request.param), firmware_bytes=1 << 15), CONFIG)
    yield there
    there.close()


@pytest.mark.skipif(not FULL, reason="built for it alone: ALHENA_FULL=1")
def test_an_array_with_a_clock_of_its_own_computes_the_same():
    config = CONFIG.replace(name="clocked", array_clock=3)
    there = SimulatedBoard(replace(board("ulx3s"), firmware_bytes=1 << 15), config)
    line = serial.Serial(there.path, timeout=0.05)
    sizes = {"memory_bytes": there.board.memory_bytes, "firmware_bytes": 1 << 15}
    ours = al.Accelerator(config, "board", line=line, host=there.board.host, **sizes)
    rng = np.random.default_rng(9)
    for _ in range(2):  # again, after the accelerator has started anew
        a, b = rng.integers(-128, 128, (9, 11)), rng.integers(-128, 128, (11, 6))
        assert (ours.matmul(a, b, full_width=True) == a @ b).all()
        assert ours.engine.run_firmware("hello").exit_code == 0
    there.close()


@pytest.fixture(scope="module")
def accelerator(simulated):
    here, line = simulated.board, serial.Serial(simulated.path, timeout=0.05)
    sizes = {"memory_bytes": here.memory_bytes, "firmware_bytes": here.firmware_bytes}
    return al.Accelerator(CONFIG, "board", line=line, host=here.host, **sizes)


def test_products_equal_numpy(accelerator):
    rng = np.random.default_rng(8)
    a, b = rng.integers(-128, 128, (9, 11)), rng.integers(-128, 128, (11, 6))
    assert (accelerator.matmul(a, b, full_width=True) == a @ b).all()


def test_programs_run_and_leave_memory_alone(accelerator):
    engine = accelerator.engine
    engine.write(4096, b"operands")
    done = engine.run_firmware("hello")
    assert done.exit_code == 0 and CONFIG.name in done.console
    assert engine.read(4096, 8) == b"operands"


def test_the_command_line_runs_programs(simulated, accelerator, monkeypatch, capsys):
    monkeypatch.setattr(run, "board", lambda name: simulated.board)
    port = accelerator.engine.link.line.port
    assert run.on_board("hello", "ulx3s", TEXT, port) == {"exit_code": 0}
    assert capsys.readouterr().out == f"Hello from {CONFIG.name}: 4x4 array, 32-bit bus.\n"
    with pytest.raises(EngineError, match=f"the board has {CONFIG.name}, not small; load its"):
        run.on_board("hello", "ulx3s", "small", port)


def test_memory_ends_where_the_board_says(simulated, accelerator):
    engine, end = accelerator.engine, simulated.board.memory_bytes
    engine.write(end - 4, b"last")
    assert engine.read(end - 4, 4) == b"last"


def test_the_sdram_gives_nearly_what_its_pins_can(simulated):
    here = simulated.board
    if not here.sdram:
        pytest.skip("no SDRAM")
    found = {what: row["mbytes_per_s"] for what, row in memory.measured(simulated, CONFIG).items()}
    peak = here.sdram.beat // 8 * here.mhz
    assert 0.9 * peak < found["loads"] < peak and 0.9 * peak < found["stores"] < peak
    lines = here.host.core == "vexriscv"  # others read word by word
    assert (0.2 if lines else 0.05) * peak < found["reads of the core"]


@pytest.fixture
def with_chip(simulated, accelerator):
    """An accelerator whose operands do not pass the line."""
    if simulated.pins.sdram is None:
        pytest.skip("no SDRAM")
    here, there = accelerator.engine, al.Accelerator(CONFIG)
    there.engine = DirectEngine(CONFIG, here.link.line, here.memory_bytes, here.firmware_bytes)
    there.engine.chips = [simulated.pins.sdram]
    return there


def autoencoder(rng) -> Network:
    """Of the shape of MLPerf Tiny's, with weights drawn: 264 KiB."""
    widths = (640, *[128] * 4, 8, *[128] * 4, 640)
    layers = [
        Layer(f"fc{n}", rng.integers(-127, 128, (k, w)), rng.integers(-999, 999, w), 0.02 / k**0.5)
        for n, (k, w) in enumerate(itertools.pairwise(widths))
    ]
    return Network(tuple(layers), (1, 1, 640))


def test_a_network_larger_than_the_memory_on_chip_runs_from_sdram(with_chip):
    rng, engine = np.random.default_rng(5), with_chip.engine
    network, images = autoencoder(rng), rng.integers(-128, 128, (4, 1, 1, 640))
    plan = make_plan(network, CONFIG, 4, engine.memory_bytes)
    assert sum(len(data) for _, data in plan.constants) > 2 * ON_CHIP
    plan.prepare(engine)
    engine.write(*plan.input_bytes(images))
    plan.execute(engine)
    for got, want in zip(plan.outputs(engine), run_network(network, images), strict=True):
        assert want.std() > 10 and (got == want).all()


def test_a_layer_larger_than_the_memory_on_chip_runs_from_sdram(with_chip):
    """A convolution, against products of slices that share no code with it."""
    rng = np.random.default_rng(6)
    x, w = rng.integers(-8, 8, (1, 96, 96, 16)), rng.integers(-8, 8, (3, 3, 16, 4))
    assert x.size > ON_CHIP
    found = with_chip.conv2d(x, w, stride=3, scale=1 / 64)
    want = sum(x[:, i::3, j::3] @ w[i, j] for i in range(3) for j in range(3))
    assert (found == np.clip(np.rint(want / 64), -128, 127)).all()
