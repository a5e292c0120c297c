"""Crossings between the core's clock and the array's, with both clocks."""

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring

from hw.bus.crossing import IntoArray, LastCycle, OutOfArray, PulsesOutOfArray
from tests.support.streams import get, put, simulate, stalls

TIMES = pytest.mark.parametrize("times", [2, 3, 4])
STALLS = pytest.mark.parametrize("stall_in, stall_out", [(0, 0), (0.5, 0.5), (0.1, 0.8), (0.8, 0)])
VALUES = [(n * 40503) % 65536 for n in range(60)]


class Leaving(wiring.Component):
    """What leaves the array, with what knows its last cycles."""

    def __init__(self, part, times: int):
        self.part, self.times = part, times
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.submodules.part = self.part
        m.submodules.last = last = LastCycle(self.times)
        m.d.comb += self.part.last.eq(last.o)
        return m


@TIMES
@STALLS
def test_everything_gets_into_the_array_in_order(times, stall_in, stall_out):
    dut, taken, given = IntoArray(16), [], []

    async def source(ctx):
        for value in VALUES:
            await put(ctx, dut.i, [value], stalls(value, stall_in))
            given.append(len(taken))  # it has been taken when its giver hears of it

    async def sink(ctx):
        for _ in VALUES:
            stall = stalls(len(taken), stall_out)
            taken.extend(await get(ctx, dut.o, 1, stall, domain="array"))

    simulate(dut, source, sink, times=times)
    assert taken == VALUES
    assert given == [n + 1 for n in range(len(VALUES))]


@TIMES
def test_one_gets_in_every_three_cycles(times):
    dut, when = IntoArray(8), []

    async def source(ctx):
        await put(ctx, dut.i, range(20))

    async def sink(ctx):
        await get(ctx, dut.o, 20, when=when, domain="array")

    simulate(dut, source, sink, times=times)
    assert {b - a for a, b in zip(when, when[1:], strict=False)} == {3 * times}


@TIMES
@STALLS
def test_everything_leaves_the_array_in_order(times, stall_in, stall_out):
    dut, taken = OutOfArray(16), []

    async def source(ctx):
        await put(ctx, dut.i, VALUES, stalls(1, stall_in), domain="array")

    async def sink(ctx):
        taken.extend(await get(ctx, dut.o, len(VALUES), stalls(2, stall_out)))

    simulate(Leaving(dut, times), source, sink, times=times)
    assert taken == VALUES


@TIMES
def test_one_leaves_every_other_cycle(times):
    dut, when = OutOfArray(8), []

    async def source(ctx):
        await put(ctx, dut.i, range(20), domain="array")

    async def sink(ctx):
        await get(ctx, dut.o, 20, when=when)

    simulate(Leaving(dut, times), source, sink, times=times)
    assert {b - a for a, b in zip(when, when[1:], strict=False)} == {2}


@TIMES
def test_as_many_pulses_leave_the_array_as_were_given(times):
    dut, seen, given = PulsesOutOfArray(15), [0], [0]
    coin = stalls(5, 0.7)

    async def source(ctx):
        while given[0] < 100:
            gives = given[0] - seen[0] < 15 and not coin()
            ctx.set(dut.i, gives)
            given[0] += gives
            await ctx.tick("array")
        ctx.set(dut.i, 0)

    async def sink(ctx):
        while seen[0] < 100:
            *_, pulse = await ctx.tick().sample(dut.o)
            seen[0] += pulse
        for _ in range(5):
            *_, pulse = await ctx.tick().sample(dut.o)
            assert not pulse

    simulate(Leaving(dut, times), source, sink, times=times)
    assert seen == given == [100]
