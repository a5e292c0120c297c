# amaranth: UnusedElaboratable=no
"""Memories behind one port: every answer from the right one, in order, under stalls."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import connect

from hw.memory.ram import Ram
from hw.memory.regions import Regions
from hw.memory.single import SharedRam
from tests.support.streams import get, put, simulate, stalls

BASES = (0, 0x4000_0000, 0x4000_1000)
SIZES = (256, 64, 128)


def system(width, slow=False):
    """The splitter with a memory behind each region; or (None) both in one."""
    if slow is None:
        dut = SharedRam(width, [(*region, ()) for region in zip(BASES, SIZES, strict=True)])
        return dut, dut
    m, dut = Module(), Regions(width, zip(BASES, SIZES, strict=True), depth=4, slow=slow)
    m.submodules.dut = dut
    for number, size in enumerate(SIZES):
        ram = Ram(width, size * 8 // width)
        m.submodules[f"ram{number}"] = ram
        connect(m, dut.memories[number], ram.port)
    return m, dut


@pytest.mark.parametrize(
    "width, seed, slow",
    [(32, 1, False), (32, 2, True), (64, 3, False), (128, 4, True), (32, 5, None), (64, 6, None)],
)
def test_random_accesses(width, seed, slow):
    m, dut = system(width, slow)
    rng, size = random.Random(seed), width // 8
    bytes_at = {}
    writes, acks, reads, words = [], [], [], []
    for _ in range(60):
        region = rng.randrange(len(BASES) + 1)
        base, room = (*BASES, 0x9000_0000)[region], (*SIZES, 64)[region]
        address, word = base + rng.randrange(room // size) * size, rng.randbytes(size)
        mask = rng.getrandbits(size)
        writes.append({"address": address, "data": int.from_bytes(word, "little"), "mask": mask})
        acks.append(region == len(BASES))
        if region < len(BASES):
            bytes_at |= {address + n: word[n] for n in range(size) if mask >> n & 1}
    for _ in range(80):
        region = rng.randrange(len(BASES) + 1)
        base, room = (*BASES, 0x9000_0000)[region], (*SIZES, 64)[region]
        count = rng.randrange(1, room + 1)
        address = base + rng.randrange(room - count + 1)
        reads.append({"address": address, "bytes": count})
        for start in range(address // size * size, address + count, size):
            word = bytes(bytes_at.get(start + n, 0) for n in range(size))
            error = region == len(BASES)
            words.append((error, None if error else int.from_bytes(word, "little")))
    got_acks, got = [], []

    async def bench(ctx):
        await put(ctx, dut.port.write_request, writes, stalls(seed))

    async def confirm(ctx):
        got_acks.extend(await get(ctx, dut.port.write_ack, len(writes), stalls(seed + 1)))

    async def ask(ctx):
        while len(got_acks) < len(writes):
            await ctx.tick()
        await put(ctx, dut.port.read_request, reads, stalls(seed + 2, 0.3))

    async def take(ctx):
        got.extend(await get(ctx, dut.port.read_data, len(words), stalls(seed + 3, 0.3)))

    simulate(m, bench, confirm, ask, take)
    assert [bool(ack) for ack in got_acks] == acks
    assert [(bool(g.error), None if g.error else g.data) for g in got] == words


@pytest.mark.parametrize("slow", [False, True])
def test_a_word_per_cycle_or_every_other_one(slow):
    m, dut = system(64, slow)
    ask = [{"address": BASES[0] + 8 * n, "bytes": 8} for n in range(6)]
    write = [{"address": word["address"], "data": 1, "mask": 255} for word in ask]
    times = {"acks": [], "words": []}

    async def bench(ctx):
        await put(ctx, dut.port.write_request, write)

    async def confirm(ctx):
        await get(ctx, dut.port.write_ack, 6, when=times["acks"])
        await put(ctx, dut.port.read_request, ask)

    async def take(ctx):
        await get(ctx, dut.port.read_data, 6, when=times["words"])

    simulate(m, bench, confirm, take)
    for when in times.values():
        assert when[-1] - when[0] == 5 * (1 + slow)


def test_regions_lie_on_their_size():
    for base, size in ((0, 48), (64, 128)):
        with pytest.raises(ValueError, match="sizes are powers of two"):
            Regions(32, [(base, size)])
        with pytest.raises(ValueError, match="multiples of the largest"):
            SharedRam(32, [(base, size, ())])
