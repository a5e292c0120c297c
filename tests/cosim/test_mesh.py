"""The mesh as Verilog: streamed tiles against numpy, with stalls and at full rate."""

import cocotb
import numpy as np

from hw.array.mesh import Mesh
from tests.hw.array.test_mesh import tiles
from tests.support.bench import Sink, Source, coins, pack, run, seed
from tests.support.plain import PLAIN

CONFIG = PLAIN["tiny"]
DIM, WIDTH = CONFIG.dim, CONFIG.accumulator.width


def test_mesh():
    from sim.cosim.runner import run_cocotb

    run_cocotb(Mesh(CONFIG, tag_shape=8), __name__, name="mesh")


async def stream(dut, count, rows, stall):
    jobs = tiles(CONFIG, np.random.default_rng(seed()), count, rows)
    weights = [
        {"lanes": pack(row, 8), "last": n == len(w) - 1}
        for w, *_ in jobs
        for n, row in enumerate(w[::-1])
    ]
    inputs = []
    for _, a, d, _ in jobs:
        for n, (row, top) in enumerate(zip(a, d, strict=True)):
            tag = len(inputs) & 0xFF
            inputs.append({"a": pack(row, 8), "d": pack(top, 8), "swap": n == 0, "tag": tag})
    coin = coins(seed(), stall)
    feed = Source(dut, "weights", weights, coin(1)), Source(dut, "inputs", inputs, coin(2))
    results = Sink(dut, "results", "lanes tag")
    await run(dut, (*feed, results), lambda: len(results.taken) == len(inputs))
    want = np.concatenate([c for *_, c in jobs])
    assert [row["lanes"] for _, row in results.taken] == [pack(row, WIDTH) for row in want]
    assert [row["tag"] for _, row in results.taken] == [n & 0xFF for n in range(len(inputs))]
    left = [cycle for cycle, _ in results.taken]
    latency = Mesh(CONFIG, tag_shape=8).latency
    assert {b - a for a, b in zip(feed[1].sent, left, strict=True)} == {latency}
    return left


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.2, 0.6])
async def results_equal_numpy(dut, stall):
    await stream(dut, 40, None, stall)


@cocotb.test()
async def full_tiles_follow_without_a_gap(dut):
    left = await stream(dut, 20, DIM, 0.0)
    assert left[-1] - left[0] == 20 * DIM - 1
