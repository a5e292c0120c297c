"""Chains of fully connected layers on the instruction-set simulator against numpy."""

import numpy as np
import pytest

from hw.config import PRESETS
from sim.machine import Machine
from sw.compiler.layout import Allocator, Matrix
from sw.compiler.loop_dense import Dense, loop_dense
from tests.support.plain import PLAIN

OPTIONS = {"loop_ws": True, "spad_store": True}
TINY = PRESETS["tiny"].replace(name="d-tiny", **OPTIONS)
CRAMPED = TINY.replace(name="d-cramped", sp_bank_rows=64, acc_bank_rows=8)


@pytest.mark.parametrize("config", (TINY, CRAMPED), ids=lambda c: c.name)
@pytest.mark.parametrize("m", (1, 3))
@pytest.mark.parametrize("biased", (False, True))
def test_chains_equal_numpy(config, m, biased):
    rng = np.random.default_rng(m)
    machine, place = Machine(config, 1 << 16), Allocator()

    def put(name, values):
        address = place.take(name, values.nbytes)
        machine.write(address, values.tobytes())
        return address

    x = rng.integers(-128, 128, (m, 21))
    at_x, want, layers = Matrix(put("x", x.astype(np.int8)), 21), x, []
    for number, (k, n) in enumerate(((21, 30), (30, 5), (5, 26))):
        w, bias = rng.integers(-128, 128, (k, n)), rng.integers(-999, 999, n) * biased
        at_w = Matrix(put("w", w.astype(np.int8)), n)
        at_bias = put("bias", bias.astype(np.int32)) if biased else None
        relu = number < 2
        layers.append(Dense(k, n, at_w, at_bias, 1 / 256, relu))
        sums = want @ w + bias
        sums = np.maximum(sums, 0) if relu else sums
        want = np.rint(sums / 256).clip(-128, 127).astype(np.int64)
    out = Matrix(place.take("out", m * 26), 26)
    program = loop_dense(config, m, layers, at_x, out)
    machine.run(program.commands).check()
    got = np.frombuffer(machine.read(out.address, m * 26), np.int8).reshape(m, 26)
    np.testing.assert_array_equal(got, want)
    names = [command.spec.name for command in program.commands]
    assert names.count("mvout") == names.count("compute_preloaded") == 0
    assert program.macs == m * sum(layer.k * layer.n for layer in layers)


def test_says_what_does_not_go():
    one = Matrix(64, 8)
    with pytest.raises(ValueError, match="tiny has no loop_ws"):
        loop_dense(PLAIN["tiny"], 1, [Dense(4, 4, one)], one, one)
    with pytest.raises(ValueError, match="m is 5; it must be from 1 to 4"):
        loop_dense(TINY, 5, [Dense(4, 4, one)], one, one)
    with pytest.raises(ValueError, match="a layer of 4 outputs before one of 5 inputs"):
        loop_dense(TINY, 1, [Dense(4, 4, one), Dense(5, 4, one)], one, one)
