# amaranth: UnusedElaboratable=no
"""The on-chip memory against a bytearray: reads, writes, errors, stalls, rate, latency."""

import random

import pytest

from hw.memory.ram import Ram
from tests.support.streams import get, never, put, simulate, stalls


def write_all(port, requests, stall=(never, never), acks=None):
    """Two testbenches that write and collect the acknowledgements."""

    async def send(ctx):
        await put(ctx, port.write_request, requests, stall[0])

    async def collect(ctx):
        taken = await get(ctx, port.write_ack, len(requests), stall[1])
        if acks is not None:
            acks.extend(taken)

    return send, collect


def read_all(port, requests, count, words, stall=(never, never), when=None, start=lambda: True):
    """Two testbenches that read, from when `start()`, and collect `count` words."""

    async def send(ctx):
        while not start():
            await ctx.tick()
        await put(ctx, port.read_request, requests, stall[0])

    async def collect(ctx):
        words.extend(await get(ctx, port.read_data, count, stall[1], when))

    return send, collect


@pytest.mark.parametrize("width, words", [(32, 60), (64, 100), (128, 33), (256, 32)])
def test_reads_what_was_written(width, words):
    rng = random.Random(width)
    size = width // 8
    dut = Ram(width, words)
    memory = bytearray(size * (words + 8))
    writes, expected_acks = [], []
    for _ in range(80):
        number, mask = rng.randrange(words + 2), rng.getrandbits(size)
        data = rng.randbytes(size)
        writes.append(
            {
                "address": number * size,
                "data": int.from_bytes(data, "little"),
                "mask": mask,
            }
        )
        expected_acks.append(number >= words)
        for i in range(size):
            if mask >> i & 1 and number < words:
                memory[number * size + i] = data[i]
    reads, expected = [], []
    for _ in range(30):
        address = rng.randrange(size * (words + 1))
        count = rng.randint(1, min(256, size * (words + 8) - address))
        reads.append({"address": address, "bytes": count})
        for number in range(address // size, (address + count - 1) // size + 1):
            data = int.from_bytes(memory[number * size : (number + 1) * size], "little")
            expected.append((data, 0) if number < words else (0, 1))
    acks, taken = [], []
    stall = [stalls(rng.random(), 0.3) for _ in range(4)]
    written = write_all(dut.port, writes, stall[:2], acks)
    benches = read_all(
        dut.port, reads, len(expected), taken, stall[2:], start=lambda: len(acks) == len(writes)
    )
    simulate(dut, *written, *benches)
    assert acks == expected_acks
    assert [(0 if w.error else w.data, w.error) for w in taken] == expected


def test_one_word_per_cycle_two_cycles_after_the_request():
    dut = Ram(64, 64)
    taken, when = [], []
    reads = [{"address": 64 * i, "bytes": 1 if i < 4 else 64} for i in range(8)]
    simulate(dut, *read_all(dut.port, reads, 4 + 4 * 8, taken, when=when))
    assert when == list(range(2, 2 + 4 + 4 * 8))


def test_a_read_with_the_acknowledgement_sees_the_write():
    dut = Ram(32, 8)
    seen = []

    async def bench(ctx):
        ctx.set(dut.port.write_request.p, {"address": 4, "data": 0xCAFE, "mask": 15})
        ctx.set(dut.port.write_request.valid, 1)
        ctx.set(dut.port.write_ack.ready, 1)
        ctx.set(dut.port.read_data.ready, 1)
        await ctx.tick()
        ctx.set(dut.port.write_request.valid, 0)
        assert ctx.get(dut.port.write_ack.valid)
        ctx.set(dut.port.read_request.p, {"address": 6, "bytes": 1})
        ctx.set(dut.port.read_request.valid, 1)
        await ctx.tick()
        ctx.set(dut.port.read_request.valid, 0)
        word = await ctx.tick().sample(dut.port.read_data.p).until(dut.port.read_data.valid)
        seen.append(word[0].data)

    simulate(dut, bench)
    assert seen == [0xCAFE]


def test_size_is_checked():
    with pytest.raises(ValueError, match="Ram.words is 0; it must be at least 1"):
        Ram(32, 0)
