"""Rows through fewer lanes than they have: the same values, at the promised rate."""

import pytest

from hw.arith.scale_shared import SharedScaleRow
from hw.formats import Int
from tests.hw.arith.test_scale import bits, expected, rows
from tests.support.streams import get, never, put, simulate, stalls

CASES = [  # lanes, cycles, lanes built, beats
    (4, 2, 2, 2),
    (5, 2, 3, 2),
    (6, 4, 2, 3),
    (7, 4, 2, 4),
    (8, 4, 2, 4),
    (3, 16, 1, 3),
]
SOURCE, TARGET = Int(32), Int(8)


@pytest.mark.parametrize("lanes, cycles, width, beats", CASES)
def test_values_under_stalls(lanes, cycles, width, beats):
    dut = SharedScaleRow(lanes, cycles, SOURCE, TARGET, 9)
    assert (dut.width, dut.beats) == (width, beats)
    sent, want = [], []
    for n, (values, scale) in enumerate(rows(SOURCE, TARGET, lanes, lanes + cycles, 40)):
        relu = n % 3 == 0
        sent.append({"values": values, "scale": bits(scale), "relu": relu, "tag": n & 511})
        want.append((list(expected(values, scale, relu, TARGET)), n & 511))

    async def feed(ctx):
        await put(ctx, dut.i, sent, stalls(lanes, 0.3))

    async def check(ctx):
        got = await get(ctx, dut.o, len(want), stalls(cycles, 0.3))
        assert [(list(row["values"]), row["tag"]) for row in got] == want

    simulate(dut, feed, check)


@pytest.mark.parametrize("lanes, cycles, width, beats", CASES)
def test_rate_and_latency(lanes, cycles, width, beats):
    dut = SharedScaleRow(lanes, cycles, SOURCE, TARGET, 0)
    assert dut.latency == 7 + beats - 1
    sent = [{"values": [n] * lanes, "scale": bits(1.0), "relu": 0, "tag": 0} for n in range(12)]
    when = []

    async def feed(ctx):
        await put(ctx, dut.i, sent, never)

    async def check(ctx):
        got = await get(ctx, dut.o, 12, never, when)
        assert [list(row["values"]) for row in got] == [[n] * lanes for n in range(12)]
        assert when == [dut.latency + beats * n for n in range(12)]

    simulate(dut, feed, check)
