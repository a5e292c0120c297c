"""Softmax, layernorm and GELU on the RTL: the library's programs, and random ones."""

import numpy as np
import pytest

from hw.isa import ErrorCode
from sim.machine import Machine
from sim.programs import compare, random_program
from sim.rtl.engine import RtlEngine
from tests.support.normalisation import Page
from tests.support.plain import PLAIN
from tests.support.vectors import gelu_constants, gelu_scale, normalise, softmax_constants

CONFIG = PLAIN["tiny"].replace(
    name="normalising",
    normalisation=True,
    pooling=True,
    spad_store=True,
    sp_bank_rows=32,
    acc_bank_rows=64,
)
TARGET = 1 << 15
CASES = {
    2: (20.0, ()),
    3: (gelu_scale(0.001, 1 / 32), gelu_constants(0.001)),
    4: (1.0, softmax_constants(0.001)),
}


def judged(config, values, activation, scale, constants):
    """What the page says, with numpy's float32 behind it."""
    page = Page(config.accumulator.width, config.output.max, config.dim)
    signed = {name: value - (value >> 31 << 32) for name, value in dict(constants).items()}
    page.qln2 = signed.get("q_const", 0)
    page.qb, page.qc = signed.get("igelu_qb", 0), signed.get("igelu_qc", 0)
    factor = np.uint32(page.scale(activation, int(np.float32(scale).view(np.uint32))))
    out = []
    for row in values.tolist():
        parts = [row[start : start + config.dim] for start in range(0, len(row), config.dim)]
        for step in {2: (2, 4), 3: (), 4: (5, 7)}[activation]:
            page.gather(0, step, parts)
        out.append([page.value(0, activation, x) for x in row])
        page.sets[0]["series"] = "none"
    product = np.array(out).astype(np.float32) * factor.view(np.float32)
    return np.clip(np.rint(product), config.output.min, config.output.max).astype(int)


@pytest.fixture(scope="module")
def engine():
    return RtlEngine(CONFIG, 1 << 16)


@pytest.mark.parametrize("activation", CASES)
@pytest.mark.parametrize("cols", [4, 30, 100])
def test_rows_as_the_library_normalises_them(engine, activation, cols):
    scale, constants = CASES[activation]
    values = np.rint(np.random.default_rng(cols).normal(0, 1500, (4, cols))).astype(int)
    engine.reset()
    engine.write(64, values.astype("<i4").tobytes())
    program = normalise(CONFIG, 64, TARGET, 4, cols, activation, scale, constants)
    run = engine.run(program)
    assert run.error is ErrorCode.NONE
    got = np.frombuffer(engine.read(TARGET, values.size), np.int8).reshape(values.shape)
    assert (got == judged(CONFIG, values, activation, scale, constants)).all()


@pytest.mark.parametrize("seed", range(24))
def test_random_programs(seed):
    program = random_program(CONFIG, seed)
    machine = Machine(CONFIG, program.memory_bytes)
    stall = 0.3 if seed % 2 else 0.0
    options = {"stall": stall, "seed": seed, "latency": 1 + seed % 3 * 15}
    rtl = RtlEngine(CONFIG, program.memory_bytes, **options)
    assert compare(machine, rtl, program) is None
