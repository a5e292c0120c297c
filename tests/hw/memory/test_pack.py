"""Packed words against a memory written byte by byte."""

import random

import pytest

from hw.memory.pack import Pack
from tests.support.streams import get, never, put, simulate, stalls


def row_chunks(payload: bytes, address: int, size: int, tag: int, cut=None):
    """A memory row as chunks of at most `size` bytes."""
    step = cut or size
    pieces = [payload[n : n + step] for n in range(0, len(payload), step)]
    return [
        {
            "data": int.from_bytes(piece, "little"),
            "bytes": len(piece),
            "first": n == 0,
            "last": n == len(pieces) - 1,
            "address": address if n == 0 else random.getrandbits(32),
            "tag": tag,
        }
        for n, piece in enumerate(pieces)
    ]


def expected_words(payload: bytes, address: int, word: int, tag: int):
    """Aligned words that cover the row: (address, {lane: byte}, last, tag on the last)."""
    first, end = address // word, (address + len(payload) - 1) // word
    for number in range(first, end + 1):
        lanes = {
            lane: payload[number * word + lane - address]
            for lane in range(word)
            if 0 <= number * word + lane - address < len(payload)
        }
        last = number == end
        yield (number * word & 0xFFFFFFFF, lanes, last, tag if last else None)


def seen(beat, word):
    request = beat["request"]
    content = request["data"].to_bytes(word, "little")
    lanes = {lane: content[lane] for lane in range(word) if request["mask"] >> lane & 1}
    return request["address"], lanes, bool(beat["last"]), beat["tag"] if beat["last"] else None


def run(dut, chunks, words, in_stall=never, out_stall=never):
    beats, when = [], []

    async def feed(ctx):
        await put(ctx, dut.i, chunks, in_stall)

    async def take(ctx):
        beats.extend(await get(ctx, dut.o, words, out_stall, when))

    simulate(dut, feed, take)
    return [seen(beat, dut.bus_bytes) for beat in beats], when


SIZES = [(16, 16), (5, 4), (1, 4), (12, 16), (3, 32), (128, 4), (40, 8), (8, 32), (7, 16), (64, 32)]


@pytest.mark.parametrize("chunk, bus", SIZES)
def test_rows_of_every_length_and_offset(chunk, bus):
    rng = random.Random(chunk * 64 + bus)
    chunks, want = [], []
    for tag in range(60):
        length = rng.randint(1, min(4 * max(chunk, bus), 200))
        address = rng.choice([0x1000, 0xFFFFFF00, 0x20]) + rng.randrange(64)
        if rng.random() < 0.3:
            address &= ~(bus - 1)
        payload = rng.randbytes(length)
        cut = rng.randint(1, chunk) if rng.random() < 0.2 else None
        chunks += row_chunks(payload, address, chunk, tag, cut)
        want += expected_words(payload, address, bus, tag)
    got, _ = run(Pack(chunk, bus, 6), chunks, len(want), stalls(1, 0.3), stalls(2, 0.3))
    assert got == want


@pytest.mark.parametrize(
    "chunk, bus, length, offset, cycles_per_row",
    [
        (16, 16, 16, 0, 1),  # one row of 16 int8 per cycle
        (16, 16, 64, 0, 4),
        (16, 16, 16, 5, 2),  # two words a row
        (16, 4, 16, 0, 4),  # bound by the bus
        (16, 4, 16, 1, 5),
        (4, 16, 64, 0, 16),  # bound by the chunks
        (12, 16, 12, 0, 1),
        (12, 16, 24, 0, 2),
        (128, 32, 128, 0, 4),
    ],
)
def test_rate_and_latency(chunk, bus, length, offset, cycles_per_row):
    rows, chunks, want = 12, [], []
    for n in range(rows):
        payload = bytes((n * 31 + k) & 255 for k in range(length))
        address = 0x4000 + 256 * n + offset
        chunks += row_chunks(payload, address, chunk, 0)
        want += expected_words(payload, address, bus, 0)
    got, when = run(Pack(chunk, bus), chunks, len(want))
    assert got == want
    lasts = [cycle for cycle, word in zip(when, got, strict=True) if word[2]]
    assert lasts[-1] - lasts[0] == (rows - 1) * cycles_per_row
    if chunk >= bus:
        assert when[0] == 1
