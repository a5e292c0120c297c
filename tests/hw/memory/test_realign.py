# amaranth: UnusedElaboratable=no
"""Realign against slices of bytes: any alignment, any chunk, errors, stalls, rate and latency."""

import random

import pytest

from hw.memory.realign import Realign
from tests.support.streams import get, never, put, simulate, stalls


def words_of(memory: bytes, start: int, length: int, size: int, bad=()):
    """Bus words that cover a byte range, with the error flag of the bad ones."""
    first, final = start // size, (start + length - 1) // size
    return [
        {"data": int.from_bytes(memory[i * size : (i + 1) * size], "little"), "error": i in bad}
        for i in range(first, final + 1)
    ]


def chunks_of(memory: bytes, start: int, length: int, gap: int, chunk: int, size: int, bad=()):
    """(data, bytes, last, error) of every chunk of a byte range that begins `gap` bytes late."""
    for at in range(-gap, length, chunk):
        first, end = max(at, 0), min(at + chunk, length)
        part = memory[start + first : start + end]
        needed = {(start + i) // size for i in range(first, end)}
        data = int.from_bytes(part, "little") << 8 * (first - at)
        yield data, end - at, at + chunk >= length, bool(needed & set(bad))


def run(size, chunk, rows, memory, bad=(), stall=(never, never, never), longest=128, starts=1):
    """Chunks that come out for `rows` of (start, length, gap), and the cycle of each."""
    dut = Realign(size, chunk, longest, starts)
    spans = [{"offset": at % size, "bytes": length, "start": gap} for at, length, gap in rows]
    words = [word for row in rows for word in words_of(memory, *row[:2], size, bad)]
    expected = [part for row in rows for part in chunks_of(memory, *row, chunk, size, bad)]
    taken, when = [], []

    async def collect(ctx):
        taken.extend(await get(ctx, dut.chunk, len(expected), stall[2], when))

    async def send_spans(ctx):
        await put(ctx, dut.span, spans, stall[0])

    async def send_words(ctx):
        await put(ctx, dut.word, words, stall[1])

    simulate(dut, send_spans, send_words, collect)
    for got, (value, count, last, error) in zip(taken, expected, strict=True):
        assert (got.bytes, got.last, got.error) == (count, last, error)
        if not error:
            assert got.data == value
    return when


@pytest.mark.parametrize("size", [4, 8, 16, 32])
@pytest.mark.parametrize("chunk", [1, 3, 4, 5, 12, 16, 40, 64])
def test_any_row_under_stalls(size, chunk):
    rng = random.Random(size * 1000 + chunk)
    memory = rng.randbytes(512)
    bad = {i for i in range(512 // size) if rng.random() < 0.1}
    rows = [
        (rng.randrange(384), rng.choice([1, size, chunk, rng.randint(1, 128)]), 0)
        for _ in range(14)
    ]
    random_stalls = [stalls(rng.random(), rng.choice([0.1, 0.5])) for _ in range(3)]
    run(size, chunk, rows, memory, bad, random_stalls)
    run(size, chunk, rows, memory)
    late = [(at, length, rng.randrange(chunk)) for at, length, _ in rows]
    run(size, chunk, late, memory, bad, random_stalls, starts=chunk)


@pytest.mark.parametrize(
    "size, chunk, start, length, per_row",
    [
        (16, 16, 0, 16, 1),  # a word is a chunk
        (16, 16, 5, 16, 2),  # two words a row
        (16, 16, 0, 64, 4),
        (4, 4, 0, 4, 1),
        (8, 4, 0, 8, 2),  # two chunks a word
        (32, 16, 16, 16, 1),
        (4, 16, 0, 16, 4),  # four words a chunk
        (16, 12, 0, 48, 4),
        (8, 5, 0, 40, 8),
        (4, 5, 0, 5, 2),
    ],
)
def test_rate_and_latency(size, chunk, start, length, per_row):
    memory = random.Random(1).randbytes(64 * 12)
    rows = [(start + 64 * i, length, 0) for i in range(10)]
    when = run(size, chunk, rows, memory)
    per = -(-length // chunk)
    words = -(-(start % size + min(length, chunk)) // size)
    assert when[0] == words + 1  # two cycles after the last word of the chunk
    ends = when[per - 1 :: per]
    assert [b - a for a, b in zip(ends, ends[1:], strict=False)] == [per_row] * 9


@pytest.mark.parametrize("size, chunk, offset", [(16, 16, 8), (8, 8, 1), (16, 12, 0), (4, 6, 3)])
def test_a_long_row_loses_at_most_a_cycle(size, chunk, offset):
    memory = random.Random(2).randbytes(2 * 1024)
    rows = [(offset, 1000, 0), (offset, 1000, 0), (offset, 1000, 0)]
    when = run(size, chunk, rows, memory, longest=1024)
    chunks, words = -(-1000 // chunk), -(-(1000 + offset) // size)
    ends = when[chunks - 1 :: chunks]
    for before, after in zip(ends, ends[1:], strict=False):
        assert after - before - max(words, chunks) in (0, 1)


def test_a_row_may_begin_late():
    memory = bytes(range(256))
    rows = [(16 * i + 3, 10, 5) for i in range(8)]
    when = run(16, 16, rows, memory, starts=16)
    assert when == list(range(2, 10))


@pytest.mark.parametrize(
    "sizes, message",
    [
        ((12, 4), "Realign.bus_bytes is 12; it must be a power of two above 1"),
        ((16, 0), "Realign.chunk_bytes is 0; it must be from 1 to 128"),
        ((16, 129), "Realign.chunk_bytes is 129; it must be from 1 to 128"),
    ],
)
def test_sizes_are_checked(sizes, message):
    with pytest.raises(ValueError, match=message):
        Realign(*sizes)
