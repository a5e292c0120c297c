"""Constants and closes on their own, at the edges that rows seldom reach."""

import random

import pytest
from amaranth.hdl import ResetInserter, Signal

from hw.control.norm.close import Close, CloseSeries
from hw.control.norm.constants import Constants
from hw.control.norm.normalise import Normalise
from hw.control.norm.shapes import Widths
from hw.formats import Int
from tests.support.normalisation import Page
from tests.support.plain import PLAIN
from tests.support.streams import get, never, put, simulate, stalls

TINY = PLAIN["tiny"].replace(normalisation=True)
CONFIGS = [TINY, TINY.replace(accumulator=Int(16)), TINY.replace(accumulator=Int(20), dim=6)]
STEPS = {Close.MEAN: 2, Close.DEVIATION: 4, Close.SUM: 7}


def page(config):
    return Page(config.accumulator.width, config.output.max, config.dim)


def closes(config, rng, count):
    """Totals of every size; those of a root or of an inverse also near powers of two."""
    width = config.accumulator.width
    for _ in range(count):
        what, n = rng.choice(list(Close)), rng.choice((1, 2, 3, 65535, rng.randint(1, 65535)))
        if what == Close.MEAN:
            total = rng.randint(-n << width - 1, n * ((1 << width - 1) - 1))
            total = rng.choice((total, total >> rng.randrange(width), -(n << width - 1), n // 2))
        elif what == Close.DEVIATION:
            most = n << 2 * width + 6
            root = rng.choice((63, 64, 127, 128, 129, 1 << rng.randrange(width + 11)))
            near = -(-root * root * n >> 16)
            total = rng.choice((rng.randint(0, most) >> rng.randrange(2 * width), near, near - 1))
            total = min(max(total, 0), most)
        else:
            total = (1 << rng.randrange(51)) + rng.choice((0, -1, 1, rng.getrandbits(14)))
        yield what, total, n


@pytest.mark.parametrize("config", CONFIGS, ids=["32 bits", "16 bits", "20 bits"])
def test_closes_follow_the_page(config):
    rng, width = random.Random(config.accumulator.name), config.accumulator.width
    dut, judge = CloseSeries(Widths(config), 16), page(config)
    cases = list(closes(config, rng, 120))
    above = lambda what, total, n: total + (n << width - 1) * (what == Close.MEAN)  # noqa: E731
    sent = [{"what": w, "total": above(w, t, n), "count": n} for w, t, n in cases]

    async def feed(ctx):
        await put(ctx, dut.i, sent, stalls(1, 0.3))

    async def check(ctx):
        for (what, total, n), got in zip(
            cases, await get(ctx, dut.o, len(cases), stalls(2, 0.3)), strict=True
        ):
            judge.sets[0].update(total=total, count=n)
            judge.close(judge.sets[0], STEPS[what])
            names = ("centre",) if what == Close.MEAN else ("m", "k")
            assert [got[x] for x in names] == [judge.sets[0][x] for x in names], (what, total, n)

    simulate(dut, feed, check)


@pytest.mark.parametrize("config", CONFIGS[:2], ids=["32 bits", "16 bits"])
def test_constants_follow_the_page(config):
    rng, dut, judge = random.Random(3), Constants(Widths(config)), page(config)
    edges = (0, 1, -1, 65535, 65536, 131071, -131072, 2**31 - 1, -(2**31))
    some = lambda: rng.choice((*edges, rng.getrandbits(32) - 2**31 >> rng.randrange(32)))  # noqa: E731

    async def bench(ctx):
        for n in range(150):
            qb = some()
            judge.qb, judge.qc = qb, some()
            if n % 3 == 0:  # c as near to 36 bits as it gets
                judge.qc = (1 << 35 >> 2 * judge.h) * rng.choice((1, -1)) + rng.randint(-1, 1)
                judge.qc = max(min(judge.qc, 2**31 - 1), -(2**31))
            keep = rng.randrange(2)
            judge.qln2 = judge.qln2 if keep else n
            fields = {"qln2": n, "qb": qb, "qc": judge.qc, "keep": keep}
            await put(ctx, dut.i, [fields], never)
            cycles = 0
            while not ctx.get(dut.ready):
                await ctx.tick()
                cycles += 1
            assert cycles <= 19
            assert (ctx.get(dut.shift), ctx.get(dut.limit)) == (judge.h, judge.c)
            assert (ctx.get(dut.gelu_shift), ctx.get(dut.gelu_power)) == (judge.j, judge.power(3))
            assert (ctx.get(dut.qln2), ctx.get(dut.qb)) == (judge.qln2, qb)

    simulate(dut, bench)


@pytest.mark.parametrize("activation", [2, 3, 4])
def test_scales_at_the_ends_of_float32(activation):
    """iGELU raises the exponent if qb is large, the others lower it."""
    dut, judge = Normalise(TINY, 1), page(TINY)
    judge.qb = 1 << 20
    edges = [*range(40), *range(200, 255)]
    scales = [n << 23 | 0x8000_0000 * (n & 1) | 5 for n in edges]
    row = {"values": [1] * 4, "keep": 15, "step": 0, "stat": 0, "end": 1, "tag": 0}

    async def feed(ctx):
        await put(ctx, dut.constants, [{"qln2": 1, "qb": 1 << 20, "qc": 0, "keep": 0}], never)
        rows = [row | {"activation": activation, "scale": scale} for scale in scales]
        await put(ctx, dut.i, rows, never)

    async def check(ctx):
        rows = await get(ctx, dut.o, len(scales), never)
        assert [r["scale"] for r in rows] == [judge.scale(activation, s) for s in scales]

    simulate(dut, feed, check)


def test_reset_empties_the_statistics():
    reset = Signal()
    inner = Normalise(TINY, 1)
    dut = ResetInserter(reset)(inner)
    row = {"values": [100, 50, 0, 7], "keep": 15, "stat": 2, "end": 1, "scale": 1 << 30, "tag": 0}
    count = [row | {"step": step, "activation": 0} for step in (2, 4)]
    store = row | {"step": 0, "activation": 2}
    seen = []

    async def bench(ctx):
        for restart in (0, 1):
            if restart:
                ctx.set(reset, 1)
                await ctx.tick()
                ctx.set(reset, 0)
            await put(ctx, inner.i, [*count, store] if not restart else [store], never)
            seen.extend(await get(ctx, inner.o, 1, never))

    simulate(dut, bench)
    assert any(seen[0]["values"]) and not any(seen[1]["values"])
