# amaranth: UnusedElaboratable=no
"""The serial line: loops back, keeps its timing, drops what is broken."""

import random

import pytest
from amaranth.hdl import Module

from hw.soc.serial import Serial
from tests.support.streams import get, put, simulate, stalls


@pytest.mark.parametrize("divisor", [4, 5, 16])
def test_bytes_come_back(divisor):
    dut, m = Serial(divisor), Module()
    m.submodules.dut = dut
    m.d.comb += dut.rx.eq(dut.tx)
    rng = random.Random(divisor)
    sent = [0, 255, 0x55, *(rng.randrange(256) for _ in range(20))]
    got = []

    async def send(ctx):
        await put(ctx, dut.i, sent, stalls(1))

    async def take(ctx):
        got.extend(await get(ctx, dut.o, len(sent)))

    simulate(m, send, take)
    assert got == sent


def test_a_byte_is_ten_bits():
    dut, levels = Serial(6), []

    async def send(ctx):
        await put(ctx, dut.i, [0xA7])
        for _ in range(80):
            (*_, level) = await ctx.tick().sample(dut.tx)
            levels.append(level)

    simulate(dut, send)
    start = levels.index(0)
    assert levels[start : start + 60] == [
        b for b in [0, 1, 1, 1, 0, 0, 1, 0, 1, 1] for _ in range(6)
    ]
    assert all(levels[start + 60 :])


async def wave(ctx, rx, bits, divisor):
    for bit in bits:
        ctx.set(rx, bit)
        await ctx.tick().repeat(divisor)


@pytest.mark.parametrize("skew", [-0.03, 0.03])
def test_broken_frames_and_spikes_are_dropped(skew):
    """The sender's clock is 3 % off, too."""
    dut, got = Serial(100), []
    step = round(100 * (1 + skew))
    good = [0, 1, 0, 0, 0, 0, 1, 1, 0, 1]

    async def send(ctx):
        await wave(ctx, dut.rx, [1, *good, 1], step)
        await wave(ctx, dut.rx, [0], 20)  # a spike
        await wave(ctx, dut.rx, [1], 200)
        await wave(ctx, dut.rx, [*good[:-1], 0], step)  # no stop bit
        await wave(ctx, dut.rx, [1] * 12, step)
        await wave(ctx, dut.rx, [*good, 1, 1], step)

    async def take(ctx):
        ctx.set(dut.o.ready, 1)
        while True:
            _, _, valid, payload = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            if valid:
                got.append(payload)

    simulate(dut, send, background=[take])
    assert got == [0x61, 0x61]


def test_what_nobody_takes_gives_way_to_the_next():
    dut, got = Serial(4), []

    async def send(ctx):
        for byte in (1, 2):
            await wave(ctx, dut.rx, [0, *(byte >> n & 1 for n in range(8)), 1, 1], 4)
        got.extend(await get(ctx, dut.o, 1))

    simulate(dut, send)
    assert got == [2]


def test_divisors_have_a_middle():
    with pytest.raises(ValueError, match="Serial.divisor is 3; it must be at least 4"):
        Serial(3)
