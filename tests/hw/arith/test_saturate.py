"""Saturation against plain integers, and against the float path with scale 1."""

import numpy as np
import pytest

from hw.arith.saturate import SaturateRow
from hw.formats import Int
from tests.hw.arith.test_scale import corners
from tests.hw.arith.test_scale import expected as through_float32
from tests.support.streams import get, never, put, simulate, stalls

CASES = [
    (Int(32), Int(8)),
    (Int(32), Int(8, signed=False)),
    (Int(20), Int(4)),
    (Int(24), Int(16)),
    (Int(32), Int(16, signed=False)),
    (Int(16), Int(16)),
]
LANES = 5


@pytest.mark.parametrize("source, target", CASES)
def test_values_under_stalls(source, target):
    dut = SaturateRow(LANES, source, target, 6)
    rng = np.random.default_rng(source.width + target.width)
    near = [v + d for v in (target.min, target.max) for d in (-2, -1, 0, 1, 2)]
    pool = corners(source) + [v for v in near if source.min <= v <= source.max]
    pool += [int(v) for v in rng.integers(source.min, source.max + 1, 100)]
    rng.shuffle(pool)
    sent, want = [], []
    for n, start in enumerate(range(0, len(pool) - LANES, LANES)):
        values, relu = pool[start : start + LANES], bool(rng.random() < 0.3)
        sent.append({"values": values, "relu": relu, "tag": n & 63})
        kept = [max(v, 0) if relu else v for v in values]
        want.append(([min(max(v, target.min), target.max) for v in kept], n & 63))
        assert want[-1][0] == list(through_float32(values, 1.0, relu, target))

    async def feed(ctx):
        await put(ctx, dut.i, sent, stalls(1, 0.3))

    async def check(ctx):
        got = await get(ctx, dut.o, len(want), stalls(2, 0.3))
        assert [(list(row["values"]), row["tag"]) for row in got] == want

    simulate(dut, feed, check)


def test_full_rate_and_latency():
    dut = SaturateRow(2, Int(32), Int(8), 0)
    when = []

    async def feed(ctx):
        await put(ctx, dut.i, [{"values": [n, 300], "relu": 0, "tag": 0} for n in range(20)])

    async def check(ctx):
        got = await get(ctx, dut.o, 20, never, when)
        assert [list(row["values"]) for row in got] == [[n, 127] for n in range(20)]
        assert when == list(range(dut.latency, dut.latency + 20))

    simulate(dut, feed, check)
