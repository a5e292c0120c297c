"""`alhena fpga verify`: the netlist of a board computes what the design does, cycle for cycle."""

import contextlib

import numpy as np

from fpga.board import Board
from fpga.direct import DirectEngine
from fpga.simulated import design_pins, netlist_pins, with_fastest_line
from hw.config import Config
from sim.soc.pins import Lockstep
from sim.soc.stepped import Silence, SteppedLine
from sw.board.engine import BoardEngine
from sw.network.digits import load_digits
from sw.network.model import load_network
from sw.network.plan import make_plan
from sw.network.reference import run_network

from ..accelerator import Accelerator
from ..networks import scaled

BOOT, REPLY, TRIES = 50_000, 200, 20
"""Cycles, or characters if those take longer, after which the loader is asked again whether it
listens by now, and how often."""

SHAPE, SCALE = (9, 11, 6), 1 / 300
"""Of the product that is computed where the digits network cannot be, or would take too long."""

SLOW = 64
"""Cycles of a bit on the line from which on a network takes too long."""

PATIENCE = 5_000_000
"""Cycles without a byte that end a simulation."""

FOREVER = 1e9
"""Seconds: the line says when nothing comes (:class:`sim.soc.stepped.SteppedLine`)."""


def engine_of(pins: Lockstep, line: SteppedLine, board: Board, config: Config) -> BoardEngine:
    """The board's engine once its loader listens; operands go over the line, or straight into
    SDRAMs."""
    kind = DirectEngine if pins.chips else BoardEngine
    limits = {"patience": FOREVER, "time_limit": FOREVER}
    sizes = board.memory_bytes, board.firmware_bytes
    line.limit = max(BOOT, REPLY * 10 * board.divisor)
    for _ in range(TRIES):
        with contextlib.suppress(Silence):
            engine = kind(config, line, *sizes, host=board.host, **limits)
            line.limit = PATIENCE
            if pins.chips:
                engine.chips = pins.chips
            return engine
    raise Silence(f"the loader of {board.name} has not answered in {line.cycles} cycles")


def digits(pins: Lockstep, board: Board, config: Config, images: int) -> dict:
    """The digits network on a simulated board: whether every layer's outputs are those of numpy's,
    cycles of the accelerator and of all."""
    line = SteppedLine(pins)
    engine, network = engine_of(pins, line, board, config), load_network()
    inputs = network.inputs(load_digits().test_images[:images])
    plan = make_plan(network, config, images, engine.memory_bytes)
    plan.prepare(engine)
    engine.write(*plan.input_bytes(inputs))
    runs = plan.execute(engine)
    pairs = zip(plan.outputs(engine), run_network(network, inputs), strict=True)
    return {
        "images": images,
        "equal": all(np.array_equal(got, want) for got, want in pairs),
        "accelerator_cycles": sum(run.cycles for run in runs),
        "cycles": line.cycles,
    }


def product(pins: Lockstep, board: Board, config: Config) -> dict:
    """A product on a simulated board, likewise; scaled, too, if stores have a scale."""
    line, rng = SteppedLine(pins), np.random.default_rng(1)
    accelerator = Accelerator(config)
    accelerator.engine = engine_of(pins, line, board, config)
    m, k, n = SHAPE
    a, b = rng.integers(-128, 128, (m, k)), rng.integers(-128, 128, (k, n))
    equal = bool((accelerator.matmul(a, b, full_width=True) == a @ b).all())
    if config.mvout_scale:
        equal &= bool((accelerator.matmul(a, b, scale=SCALE) == scaled(a @ b, SCALE)).all())
    return {"shape": SHAPE, "equal": equal, "cycles": line.cycles}


def run(board: Board, config: Config, images: int = 1) -> dict:
    """Loader and digits on design and netlist in lockstep: what was computed, and the cycles in
    which every pin was equal. EngineError at the first in which one is not.

    Where stores have no scale, or the line is `SLOW`, it is a product."""
    board = with_fastest_line(board)
    both = Lockstep(*(make(board, config) for make in (design_pins, netlist_pins)))
    try:
        if config.mvout_scale and board.divisor < SLOW:
            found = digits(both, board, config, images)
        else:
            found = product(both, board, config)
        return {"board": board.name, "config": config.name, **found}
    finally:
        both.close()
