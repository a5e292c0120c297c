"""Wishbone onto a memory port: words, bursts, errors, cycles that end early."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import connect

from hw.bus.wishbone import CTI_END, CTI_INCREMENT, Bridge
from hw.memory.ram import Ram
from tests.support.streams import simulate

BYTES = 1024


def build(width):
    m = Module()
    m.submodules.bridge = bridge = Bridge(width)
    m.submodules.ram = ram = Ram(width, 8 * BYTES // width)
    connect(m, bridge.memory, ram.port)
    return m, bridge.bus


async def cycle(ctx, bus, adr, cti=0, data=None, sel=15):
    """One bus cycle; returns (word, err, clock cycles)."""
    ctx.set(bus.cyc, 1)
    ctx.set(bus.stb, 1)
    ctx.set(bus.adr, adr)
    ctx.set(bus.cti, cti)
    ctx.set(bus.sel, sel)
    ctx.set(bus.we, data is not None)
    ctx.set(bus.dat_w, data or 0)
    for clocks in range(1, 50):
        _, _, ack, word, err = await ctx.tick().sample(bus.ack, bus.dat_r, bus.err)
        if ack:
            ctx.set(bus.cyc, 0)
            ctx.set(bus.stb, 0)
            return word, err, clocks
    raise AssertionError(f"no acknowledgement at {adr:#x}")


async def burst(ctx, bus, adr, count=8):
    """Words of a linear burst, and the clock cycles of each."""
    out = []
    for n in range(count):
        out.append(await cycle(ctx, bus, adr + n, CTI_END if n == count - 1 else CTI_INCREMENT))
    return [word for word, _, _ in out], [clocks for _, _, clocks in out]


@pytest.mark.parametrize("width", [32, 64, 128, 256])
def test_random_cycles_equal_a_byte_array(width):
    dut, bus = build(width)
    rng = random.Random(width)
    golden = bytearray(BYTES)

    def word(adr):
        return int.from_bytes(golden[4 * adr : 4 * adr + 4], "little")

    async def bench(ctx):
        for _ in range(300):
            kind = rng.randrange(4)
            adr = rng.randrange(BYTES // 4)
            if kind < 2:
                data, sel = rng.randrange(1 << 32), rng.randrange(16)
                _, err, _ = await cycle(ctx, bus, adr, 0, data, sel)
                assert not err
                for byte in range(4):
                    if sel >> byte & 1:
                        golden[4 * adr + byte] = data >> 8 * byte & 255
            elif kind == 2:
                assert (await cycle(ctx, bus, adr))[:2] == (word(adr), 0)
            else:
                adr &= ~7
                words, clocks = await burst(ctx, bus, adr)
                assert words == [word(adr + n) for n in range(8)]
                assert clocks[0] <= 4 and max(clocks[1:]) == 1, "one word per cycle after the first"
            for _ in range(rng.randrange(3)):
                await ctx.tick()

    simulate(dut, bench)


@pytest.mark.parametrize("width", [32, 128])
def test_errors_come_with_an_acknowledgement(width):
    dut, bus = build(width)

    async def bench(ctx):
        assert (await cycle(ctx, bus, BYTES // 4))[1] == 1
        assert (await cycle(ctx, bus, BYTES // 4, 0, 1))[1] == 1
        for n in range(8):
            cti = CTI_END if n == 7 else CTI_INCREMENT
            assert (await cycle(ctx, bus, BYTES // 4 + n, cti))[1] == 1
        assert (await cycle(ctx, bus, 0))[1] == 0

    simulate(dut, bench)


@pytest.mark.parametrize("taken", range(1, 8))
@pytest.mark.parametrize("width", [32, 64, 256])
def test_a_burst_that_ends_early_leaves_nothing_behind(width, taken):
    dut, bus = build(width)

    async def bench(ctx):
        for n in range(16):
            await cycle(ctx, bus, n, 0, 100 + n)
        for n in range(taken):
            assert (await cycle(ctx, bus, n, CTI_INCREMENT))[0] == 100 + n
        await ctx.tick()
        assert (await cycle(ctx, bus, 9))[0] == 109
        assert (await burst(ctx, bus, 8))[0] == [108 + n for n in range(8)]

    simulate(dut, bench)


def test_a_cycle_given_up_before_its_first_word_leaves_nothing_behind():
    dut, bus = build(32)

    async def bench(ctx):
        for adr in range(4):
            await cycle(ctx, bus, adr, data=0x1000 + adr)
        for cti in (0, CTI_INCREMENT):
            ctx.set(bus.cyc, 1)
            ctx.set(bus.stb, 1)
            ctx.set(bus.adr, 1)
            ctx.set(bus.cti, cti)
            ctx.set(bus.we, 0)
            await ctx.tick()
            ctx.set(bus.cyc, 0)
            await ctx.tick()
            assert (await cycle(ctx, bus, 3))[:2] == (0x1003, 0)

    simulate(dut, bench)
