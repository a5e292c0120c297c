"""Lists anywhere in memory, with errors in any of their words, one right behind the other."""

import random
import struct

import pytest

from hw.bus.replay import COMMAND_BYTES, Replay
from tests.support.streams import get, put, simulate, stalls

LISTS = 25


def layout(rng):
    """Bytes of memory, and (address, commands) of lists in it; some are not aligned."""
    image, lists = bytearray(), []
    for _ in range(LISTS):
        image += bytes(8 * rng.randrange(6))
        place, count = len(image), rng.choice((0, 1, 1, 2, 3, 4, 5, 9, 17, 18))
        commands = [
            (rng.getrandbits(7), *(rng.getrandbits(64) for _ in "ab")) for _ in range(count)
        ]
        for funct, rs1, rs2 in commands:
            spare = rng.getrandbits(25) << 7, rng.getrandbits(32)
            image += struct.pack("<IIQQ", funct | spare[0], spare[1], rs1, rs2)
        lists.append((place + (rng.randrange(1, 8) if rng.random() < 0.2 else 0), commands))
    return image, lists


def outcome(lists, size, wrong):
    """Commands that are handed on, and addresses of faults."""
    handed, faults = [], []
    for address, commands in lists:
        for n, command in enumerate(commands):
            start = address + COMMAND_BYTES * n
            words = range(start // size, (start + COMMAND_BYTES - 1) // size + 1)
            if address % 8 or wrong.intersection(words):
                faults.append(address)
                break
            handed.append(command)
        if address % 8 and not commands:
            faults.append(address)
    return handed, faults


@pytest.mark.parametrize("errors", [0, 0.05])
@pytest.mark.parametrize("width", [32, 64, 128, 256])
def test_lists_come_whole_up_to_their_first_error(width, errors):
    rng, size, dut = random.Random(width), width // 8, Replay(width)
    image, lists = layout(rng)
    image += bytes(size)
    wrong = {n for n in range(len(image) // size) if rng.random() < errors}
    handed, faults = outcome(lists, size, wrong)
    assert faults and handed
    words, got, seen = [], [], []

    async def ask(ctx):
        coin = stalls(1)
        while True:
            (request,) = await get(ctx, dut.read_request, 1, coin)
            end = request.address + request.bytes
            for n in range(request.address // size, -(-end // size)):
                part = int.from_bytes(image[n * size : (n + 1) * size], "little")
                words.append({"data": part, "error": n in wrong})

    async def answer(ctx):
        coin = stalls(2)
        while True:
            await ctx.tick()
            while words:
                await put(ctx, dut.read_data, [words.pop(0)], coin)

    async def watch(ctx):
        async for _, _, fault, address in ctx.tick().sample(dut.fault, dut.fault_address):
            seen.extend([address] * fault)

    async def run(ctx):
        asked = [{"address": address, "count": len(commands)} for address, commands in lists]
        await put(ctx, dut.run, asked)
        while ctx.get(dut.busy):
            await ctx.tick()
        await ctx.tick().repeat(3)

    async def take(ctx):
        got.extend(await get(ctx, dut.command, len(handed), stalls(3)))

    simulate(dut, run, take, background=[ask, answer, watch])
    assert [(each.funct, each.rs1, each.rs2) for each in got] == handed
    assert seen == faults
