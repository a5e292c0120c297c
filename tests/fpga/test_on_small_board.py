"""A board whose accelerator does one thing after the other, from its pins: blocks of multipliers
and memories of the device, the loader, products and programs."""

import os

import numpy as np
import pytest
import serial

import alhena as al
from alhena.networks import scaled
from fpga.alone import Part, netlist_of
from fpga.board import board
from fpga.report import read
from fpga.simulated import SimulatedBoard
from hw.array.mesh import Mesh
from hw.control.execute import ResultTag
from hw.isa import ErrorCode, encode
from hw.sequential.dots import Dots
from sim.rtl.engine import RtlEngine
from sw.network.digits import load_digits
from sw.network.model import load_network
from sw.network.plan import make_plan
from sw.network.reference import run_network

BOARD = board("icebreaker")
CONFIG = BOARD.configured()
PAIRS = CONFIG.replace(sequential=False, mac_stages=3)


@pytest.fixture(scope="module")
def accelerator():
    there = SimulatedBoard(BOARD, CONFIG)
    line = serial.Serial(there.path, timeout=0.05)
    sizes = {"memory_bytes": BOARD.memory_bytes, "firmware_bytes": BOARD.firmware_bytes}
    yield al.Accelerator(CONFIG, "board", line=line, host=BOARD.host, **sizes)
    there.close()


def test_products_equal_numpy(accelerator):
    rng = np.random.default_rng(8)
    a, b = rng.integers(-128, 128, (9, 11)), rng.integers(-128, 128, (11, 6))
    assert (accelerator.matmul(a, b, full_width=True) == a @ b).all()
    scale = 1 / 300
    assert (accelerator.matmul(a, b, scale=scale) == scaled(a @ b, scale)).all()
    a[:], b[:] = -128, -128
    assert (accelerator.matmul(a, b, full_width=True) == a @ b).all()


@pytest.mark.parametrize("name", ["icebreaker", "tang_nano_20k"])
def test_the_digits_network_fits_and_equals_the_reference(name):
    here, network = board(name), load_network()
    config = here.configured()
    engine = RtlEngine(config, here.memory_bytes)
    images = network.inputs(load_digits().test_images[:2])
    plan = make_plan(network, config, 2, here.memory_bytes)
    plan.prepare(engine)
    engine.write(*plan.input_bytes(images))
    plan.execute(engine)
    for got, want in zip(plan.outputs(engine), run_network(network, images), strict=True):
        assert (got == want).all()
    engine.close()


@pytest.mark.skipif(os.environ.get("ALHENA_FULL") != "1", reason="the line is slow: ALHENA_FULL=1")
def test_programs_run_and_leave_memory_alone(accelerator):
    engine = accelerator.engine
    engine.write(BOARD.memory_bytes - 8, b"operands")
    done = engine.run_firmware("hello")
    assert done.exit_code == 0 and CONFIG.name in done.console
    assert engine.read(BOARD.memory_bytes - 8, 8) == b"operands"


@pytest.mark.parametrize(
    "unit", [Dots(CONFIG), Mesh(PAIRS, ResultTag(PAIRS))], ids=["dots", "mesh"]
)
def test_synthesis_leaves_blocks_as_they_are(unit):
    """Yosys' own search for products would take their modes and registers away."""
    cells = read(netlist_of(unit, Part("ice40", "UP5K")) / "top.json")["modules"]["top"]["cells"]
    blocks = [cell for cell in cells.values() if cell["type"] == "SB_MAC16"]
    assert len(blocks) == 8
    for block in blocks:
        chosen = {name: int(value, 2) for name, value in block["parameters"].items()}
        assert chosen["MODE_8x8"] and chosen["A_REG"] and chosen["B_REG"]
        assert block["connections"]["CLK"] != ["0"]


def test_errors_are_told(accelerator):
    beyond = encode("mvin", address=BOARD.memory_bytes, local=0, cols=4, rows=1)
    large = encode("mvin", address=64, local=0, cols=4, rows=9)
    clear = encode("error", clear=1)
    for first, second, error in (
        (beyond, large, ErrorCode.BUS_READ),
        (large, beyond, ErrorCode.BAD_SIZE),
    ):
        assert accelerator.engine.run([clear, first, second]).error == error
