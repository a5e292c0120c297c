"""Both loops unrolled: what is sent does what the simulator says that the loops do."""

import numpy as np
import pytest

from hw.formats import Int
from sim.machine.machine import Machine
from sim.programs import loops_conv, loops_ws, moves, tiles
from sim.programs.draw import Drawer
from sim.programs.generate import _drawn
from tests.hw.control.loops.unrolled import coins, random_work, unroll
from tests.support.plain import PLAIN

SMALL = {"loop_conv": True, "sp_bank_rows": 64, "acc_bank_rows": 64, "transposes": True}
EVERY = PLAIN["tiny"].replace(name="conv", pooling=True, first_layer=True, **SMALL)
CONFIGS = (
    EVERY,
    EVERY.replace(name="conv9", dim=9, depthwise=True, bus_width=64, first_layer=False),
    EVERY.replace(
        name="conv6", dim=6, input=Int(4), weight=Int(4), output=Int(4), accumulator=Int(16)
    ),
)
BOTH = EVERY.replace(name="both", loop_ws=True, output_stationary=True, normalisation=True)
OTHERS = (moves.mvin, moves.config_ld, moves.config_st, tiles.config_ex)


def program(config, seed, loops=3):
    """Random loops with ordinary commands between, and the memory that they need."""
    drawer, out = Drawer(config, seed, False), []
    kinds = [loops_conv.loop_conv, *OTHERS]
    weights = [6, 1, 1, 1, 1]
    if config.loop_ws:
        kinds, weights = [*kinds, loops_ws.loop_ws], [*weights, 6]
    while sum(command.spec.name in ("loop_ws", "loop_conv_ws") for command in out) < loops:
        out += _drawn(drawer, kinds, weights)
    return out, drawer.memory_bytes


@pytest.mark.parametrize("config", (*CONFIGS, BOTH), ids=lambda config: config.name)
@pytest.mark.parametrize("seed", range(5))
def test_random_loops_do_what_the_simulator_does(config, seed):
    commands, size = program(config, seed)
    memory = np.random.default_rng(seed).integers(0, 256, size, np.uint8).tobytes()
    whole, parts = Machine(config, size), Machine(config, size)
    for machine in (whole, parts):
        machine.write(0, memory)
    want = whole.run(commands)
    sent = unroll(config, commands, coins(seed, 0.3 if seed % 3 else 0), random_work(seed, 6))
    got = parts.run([command for command, _ in sent.commands])
    errors = list(sent.errors)
    if got.error:
        errors.append((sent.commands[got.error_index][1], int(got.error)))
    assert min(errors, default=(0, 0)) == (want.error_index, int(want.error))
    assert whole.read(0, size) == parts.read(0, size)
    assert (whole.scratchpad == parts.scratchpad).all()
    assert (whole.accumulator == parts.accumulator).all()
    assert sent.accepted == len(commands)
