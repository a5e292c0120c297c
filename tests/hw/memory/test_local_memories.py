"""Scratchpad and accumulator memory against numpy arrays, under stalls and contention."""

import random

import numpy as np
import pytest

from hw.memory.accumulator import AccumulatorMemory
from hw.memory.local import write_latency
from hw.memory.scratchpad import Scratchpad
from tests.support.plain import PLAIN
from tests.support.streams import get, never, put, simulate, stalls

TINY = PLAIN["tiny"].replace(sp_bank_rows=8, acc_bank_rows=8)
CONFIGS = {
    "tiny": TINY,
    "three_lanes": TINY.replace(dim=3),
    "many_banks": TINY.replace(sp_banks=8, acc_banks=4),
    "copies": TINY.replace(spad_store=True),
    "unhurried": TINY.replace(in_order=True),
    "clocked": TINY.replace(in_order=True, array_clock=2),
    "one_bank": TINY.replace(acc_banks=1, acc_bank_rows=16),
    "one_bank_unhurried": TINY.replace(in_order=True, acc_banks=1, acc_bank_rows=16),
}


def row(rng, config, rows, fmt, accumulate=False):
    """A random masked write."""
    return {
        "row": rng.randrange(rows),
        "lanes": [rng.randint(fmt.min, fmt.max) for _ in range(config.dim)],
        "mask": rng.getrandbits(config.dim),
        "accumulate": accumulate,
    }


def apply(array, write, config, fmt):
    """What a write does to a numpy copy of the memory."""
    mask = [write["mask"] >> lane & 1 == 1 for lane in range(config.dim)]
    new = np.array(write["lanes"]) + write["accumulate"] * array[write["row"]]
    array[write["row"]][mask] = fmt.wrap(new)[mask]


def values(rows):
    return [[int(lane) for lane in row] for row in rows]


@pytest.mark.parametrize("name", CONFIGS)
def test_scratchpad_keeps_masked_writes_and_answers_in_order(name):
    config = CONFIGS[name]
    rng = random.Random(2)
    dut = Scratchpad(config)
    model = np.zeros((config.sp_rows, config.dim), np.int64)
    names = ["load", "results"] + ["copies"] * config.spad_store
    share = config.sp_rows // len(names)  # nobody writes another one's rows
    writes = [[row(rng, config, share, config.input) for _ in range(150)] for _ in names]
    for n, each in enumerate(writes):
        for write in each:
            write["row"] += n * share
            apply(model, write, config, config.input)
    asked = {name: [rng.randrange(config.sp_rows) for _ in range(120)] for name in "adb"}
    asked["store"] = [rng.randrange(config.sp_rows) for _ in range(120)]
    written = []

    def writer(port, writes, seed):
        async def run(ctx):
            await put(ctx, port, writes, stalls(seed, 0.3))
            written.append(port)

        return run

    def asks(name, seed):
        async def run(ctx):
            while len(written) < len(names):
                await ctx.tick()
            await put(ctx, getattr(dut, name).request, asked[name], stalls(seed, 0.3))

        return run

    def takes(name, seed):
        async def run(ctx):
            got = await get(ctx, getattr(dut, name).data, len(asked[name]), stalls(seed, 0.3))
            assert values(got) == model[asked[name]].tolist()

        return run

    benches = [
        writer(getattr(dut, name), each, 3 + n)
        for n, (name, each) in enumerate(zip(names, writes, strict=True))
    ]
    for seed, name in enumerate(asked):
        benches += [asks(name, 10 + seed), takes(name, 20 + seed)]
    simulate(dut, *benches)


@pytest.mark.parametrize(("name", "first"), [("tiny", 4), ("clocked", 5)])
def test_two_readers_of_consecutive_rows_run_at_full_rate(name, first):
    dut = Scratchpad(CONFIGS[name])
    rows = list(range(24))
    when = {"a": [], "b": []}

    def asks(port):
        async def run(ctx):
            await put(ctx, port.request, rows)

        return run

    def takes(name):
        async def run(ctx):
            await get(ctx, getattr(dut, name).data, len(rows), never, when[name])

        return run

    simulate(dut, asks(dut.a), asks(dut.b), takes("a"), takes("b"))
    assert when["b"] == list(range(first, first + 24))
    assert when["a"] == list(range(first + 1, first + 25))


def test_copies_come_last():
    """One bank for all: results take every cycle of the load, the load every one of the copies."""
    dut = Scratchpad(TINY.replace(spad_store=True))
    writes = [{"row": 4 * n, "lanes": [n] * 4, "mask": 15} for n in range(8)]
    ends = {}

    def writer(name):
        async def run(ctx):
            await put(ctx, getattr(dut, name), writes)
            ends[name] = cycles[0]

        return run

    cycles = [0]

    async def clock(ctx):
        while True:
            await ctx.tick()
            cycles[0] += 1

    names = ("results", "load", "copies")
    simulate(dut, *(writer(name) for name in names), background=(clock,))
    assert [ends[name] - ends["results"] for name in names] == [0, 8, 16]


def test_results_never_wait():
    dut = Scratchpad(TINY)
    rng = random.Random(5)
    writes = [row(rng, TINY, TINY.sp_rows, TINY.input) for _ in range(50)]

    async def results(ctx):
        for write in writes:
            ctx.set(dut.results.payload, write)
            ctx.set(dut.results.valid, 1)
            _, _, ready = await ctx.tick().sample(dut.results.ready)
            assert ready

    async def load(ctx):
        await put(ctx, dut.load, writes[:20])

    simulate(dut, results, load)


def accumulator_case(config, rng, count):
    """Results with the spacing that execute keeps, and loads to other rows."""
    fmt, half = config.accumulator, config.acc_rows // 2
    results, recent = [], []
    for _ in range(count):
        write = row(rng, config, half, fmt, accumulate=rng.random() < 0.6)
        gap = 0
        while write["row"] in recent[-(write_latency(config) - 1) :]:
            recent.append(None)
            gap += 1
        recent.append(write["row"])
        results.append((gap, write))
    loads = [row(rng, config, 4, fmt, accumulate=rng.random() < 0.6) for _ in range(count)]
    for write in loads:
        write["row"] += half
    return results, loads


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("seed", [1, 2])
def test_accumulator_adds_and_overwrites(name, seed):
    config = CONFIGS[name]
    rng = random.Random(seed)
    dut = AccumulatorMemory(config)
    model = np.zeros((config.acc_rows, config.dim), np.int64)
    results, loads = accumulator_case(config, rng, 200)
    for write in [write for _, write in results] + loads:
        apply(model, write, config, config.accumulator)
    done = []

    def nothing(ctx):
        ctx.set(dut.results.valid, 0)
        ctx.set(dut.results.p.mask, 0)

    async def send_results(ctx):
        for gap, write in results:
            for _ in range(gap + (rng.random() < 0.2)):
                nothing(ctx)
                await ctx.tick()
            ctx.set(dut.results.payload, write)
            ctx.set(dut.results.valid, 1)
            _, _, ready = await ctx.tick().sample(dut.results.ready)
            assert ready
        nothing(ctx)
        done.append("results")

    async def send_loads(ctx):
        await put(ctx, dut.load, loads, stalls(seed + 7, 0.2))
        done.append("loads")

    async def ask(ctx):
        while len(done) < 2:
            await ctx.tick()
        await ctx.tick().repeat(write_latency(config))
        await put(ctx, dut.store.request, range(config.acc_rows))

    async def take(ctx):
        got = await get(ctx, dut.store.data, config.acc_rows, stalls(seed + 9))
        assert values(got) == model.tolist()

    simulate(dut, send_results, send_loads, ask, take)


@pytest.mark.parametrize("name", ["tiny", "clocked"])
@pytest.mark.parametrize("accumulate", [0, 1])
def test_a_write_is_seen_after_write_latency(name, accumulate):
    dut = AccumulatorMemory(CONFIGS[name])
    write = {"row": 3, "lanes": [1, 2, 3, 4], "mask": 15, "accumulate": accumulate}

    async def bench(ctx):
        ctx.set(dut.results.payload, write)
        ctx.set(dut.results.valid, 1)
        await ctx.tick()
        ctx.set(dut.results.valid, 0)
        await ctx.tick().repeat(write_latency(CONFIGS[name]) - 1)
        await put(ctx, dut.store.request, [3])
        assert values(await get(ctx, dut.store.data, 1)) == [[1, 2, 3, 4]]

    simulate(dut, bench)
