"""The mesh against numpy, tile after tile, under stalls and at full rate."""

import numpy as np
import pytest

from hw.array.mesh import Mesh
from hw.formats import Int
from tests.support.plain import PLAIN
from tests.support.streams import never, put, simulate, stalls

TINY = PLAIN["tiny"]
CONFIGS = {
    "int8_4x4": TINY,
    "int8_2x2": TINY.replace(dim=2),
    "int8_5x5": TINY.replace(dim=5),
    "uint8_int8": TINY.replace(input=Int(8, signed=False)),
    "int4_20_6x6": TINY.replace(
        dim=6, input=Int(4), weight=Int(4), output=Int(4), accumulator=Int(20)
    ),
    "int8_16_wraps": TINY.replace(accumulator=Int(16)),
}


def tiles(config, rng, count, rows):
    """Random tiles: weights (fewer rows than dim now and then), A and D, and what comes out."""
    dim, out = config.dim, []
    for _ in range(count):
        k = int(rng.integers(1, dim + 1)) if rng.random() < 0.5 else dim
        m = rows or int(rng.integers(1, 2 * dim))

        def draw(fmt, *shape):
            corner = rng.choice([fmt.min, fmt.max, 0], shape)
            return np.where(
                rng.random(shape) < 0.3, corner, rng.integers(fmt.min, fmt.max + 1, shape)
            )

        w, a, d = (
            draw(config.weight, k, dim),
            draw(config.input, m, dim),
            draw(config.input, m, dim),
        )
        a[:, k:] = 0
        out.append((w, a, d, config.accumulator.wrap(a[:, :k] @ w + d)))
    return out


def run(config, jobs, stall, keep=0):
    """Results of the mesh and the cycle of each; every tile is streamed 1 + keep times."""
    dut = Mesh(config, tag_shape=16)
    weights = [
        {"lanes": row.tolist(), "last": n == len(w) - 1}
        for w, *_ in jobs
        for n, row in enumerate(w[::-1])
    ]
    inputs = []
    for _, a, d, _ in jobs:
        for again in range(1 + keep):
            for n, (row, top) in enumerate(zip(a, d, strict=True)):
                swap = n == 0 and again == 0
                tag = len(inputs) & 0xFFFF
                inputs.append({"a": row.tolist(), "d": top.tolist(), "swap": swap, "tag": tag})
    got, accepted, left = [], [], []

    async def send_weights(ctx):
        await put(ctx, dut.weights, weights, stall())

    async def send_inputs(ctx):
        await put(ctx, dut.inputs, inputs, stall())

    async def watch(ctx):
        cycle = 0
        while len(got) < len(inputs):
            _, _, taken, ready, valid, row = await ctx.tick().sample(
                dut.inputs.valid, dut.inputs.ready, dut.results.valid, dut.results.payload
            )
            if taken and ready:
                accepted.append(cycle)
            if valid:
                left.append(cycle)
                got.append(([int(x) for x in row.lanes], int(row.tag)))
            cycle += 1

    simulate(dut, watch, send_weights, send_inputs)
    assert {b - a for a, b in zip(accepted, left, strict=True)} == {dut.latency}
    assert [tag for _, tag in got] == [n & 0xFFFF for n in range(len(inputs))]
    return np.array([lanes for lanes, _ in got]), left


@pytest.mark.parametrize("name", CONFIGS)
def test_results_equal_numpy_under_stalls(name):
    config = CONFIGS[name]
    jobs = tiles(config, np.random.default_rng(1), 12, rows=None)
    seeds = iter((11, 12, 13))
    got, _ = run(config, jobs, lambda: stalls(next(seeds), 0.3), keep=1)
    want = np.concatenate([np.concatenate([c, c]) for *_, c in jobs])
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", ["int8_2x2", "int8_4x4", "int8_5x5"])
@pytest.mark.parametrize("rows", [1, "dim"])
def test_a_new_tile_every_dim_cycles(name, rows):
    config = CONFIGS[name]
    dim = config.dim
    rows = dim if rows == "dim" else rows
    jobs = [
        (np.full((dim, dim), n), np.full((rows, dim), 1), np.zeros((rows, dim), int), None)
        for n in range(10)
    ]
    got, left = run(config, jobs, lambda: never)
    np.testing.assert_array_equal(got[:, 0], np.repeat(np.arange(10) * dim, rows))
    assert left[-1] - left[0] == 9 * dim + rows - 1
