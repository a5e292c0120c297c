# amaranth: UnusedElaboratable=no
"""The AXI4 adapter against a list of expected bursts, with every channel stalling."""

import random

import pytest

from hw.bus.axi4 import Axi4Master
from tests.support.streams import get, never, put, simulate, stalls


def bursts_of(address: int, count: int, size: int):
    """(address, beats) of each burst that covers a byte range, cut at pages of 4 KiB or 1 KiB."""
    page = 1024 if size == 4 else 4096
    first, last = address // size, (address + count - 1) // size
    while first <= last:
        end = min(last, (first * size // page + 1) * page // size - 1)
        yield first * size, end - first + 1
        first = end + 1


class Beats:
    """An AXI channel as a stream of named fields, for the stream helpers."""

    def __init__(self, axi, prefix):
        self.valid = getattr(axi, f"{prefix}valid")
        self.ready = getattr(axi, f"{prefix}ready")
        self.axi, self.prefix = axi, prefix

    async def take(self, ctx, fields, count, stall, when=None):
        signals = [getattr(self.axi, self.prefix + field) for field in fields]
        taken, waiting, cycle = [], None, 0
        while len(taken) < count:
            ready = not stall()
            ctx.set(self.ready, ready)
            _, _, valid, *payload = await ctx.tick().sample(self.valid, *signals)
            assert waiting is None or (valid and payload == waiting), "an offer was taken back"
            waiting = payload if valid and not ready else None
            if valid and ready:
                taken.append(tuple(payload))
                if when is not None:
                    when.append(cycle)
            cycle += 1
        ctx.set(self.ready, 0)
        return taken

    async def give(self, ctx, fields, beats, stall):
        for beat in beats:
            while stall():
                await ctx.tick()
            for field, value in zip(fields, beat, strict=True):
                ctx.set(getattr(self.axi, self.prefix + field), value)
            ctx.set(self.valid, 1)
            await ctx.tick().until(self.ready)
            ctx.set(self.valid, 0)


def read(width, requests, stall=never, seed=0):
    """Bursts asked for and words answered, with the cycles of the bursts."""
    dut = Axi4Master(width)
    size = width // 8
    rng = random.Random(seed)
    expected = [burst for request in requests for burst in bursts_of(*request, size)]
    beats = [
        (rng.getrandbits(width), rng.choice([0, 0, 2, 3])) for _, n in expected for _ in range(n)
    ]
    bursts, words, when = [], [], []

    async def ask(ctx):
        payloads = [{"address": address, "bytes": count} for address, count in requests]
        await put(ctx, dut.memory.read_request, payloads, stall)

    async def take_bursts(ctx):
        fields = ("addr", "len", "size", "burst", "id")
        bursts.extend(await Beats(dut.axi, "ar").take(ctx, fields, len(expected), stall, when))

    async def answer(ctx):
        await Beats(dut.axi, "r").give(ctx, ("data", "resp"), beats, stall)

    async def collect(ctx):
        words.extend(await get(ctx, dut.memory.read_data, len(beats), stall))

    simulate(dut, ask, take_bursts, answer, collect)
    code = size.bit_length() - 1
    assert bursts == [(address, n - 1, code, 1, 0) for address, n in expected]
    assert [(w.data, w.error) for w in words] == [(d, int(r >= 2)) for d, r in beats]
    return when


@pytest.mark.parametrize("width", [32, 64, 128, 256])
def test_reads_are_bursts_within_pages(width):
    rng = random.Random(width)
    near = [4096 * rng.randrange(1 << 19) - rng.randrange(257) for _ in range(12)]
    anywhere = [rng.randrange((1 << 32) - 256) for _ in range(12)]
    requests = [(a % (1 << 32), rng.randint(1, 256)) for a in near + anywhere]
    read(width, requests, stalls(width, 0.4))
    longest = [(4096 - n, 1024) for n in (0, 1, 512, 1023, 1024)]
    assert all(1 <= n <= 256 for r in longest for _, n in bursts_of(*r, width // 8))
    read(width, requests + longest)


def test_one_burst_per_cycle_one_cycle_after_the_request():
    when = read(64, [(64 * i, 64) for i in range(8)])
    assert when == list(range(1, 9))


@pytest.mark.parametrize("stall, slow", [(never, False), (stalls(3, 0.5), True)])
def test_writes_are_single_beats(stall, slow):
    rng = random.Random(7)
    dut = Axi4Master(64)
    writes = [
        (8 * rng.randrange(1 << 20), rng.getrandbits(64), rng.getrandbits(8)) for _ in range(24)
    ]
    replies = [(rng.choice([0, 2, 3]),) for _ in writes]
    addresses, beats, acks, when = [], [], [], []

    async def ask(ctx):
        payloads = [dict(zip(("address", "data", "mask"), w, strict=True)) for w in writes]
        await put(ctx, dut.memory.write_request, payloads, stall)

    async def take_addresses(ctx):
        fields = ("addr", "len", "size")
        addresses.extend(await Beats(dut.axi, "aw").take(ctx, fields, len(writes), stall))

    async def take_beats(ctx):
        fields = ("data", "strb", "last")
        beats.extend(await Beats(dut.axi, "w").take(ctx, fields, len(writes), stall, when))

    async def answer(ctx):
        await Beats(dut.axi, "b").give(ctx, ("resp",), replies, stall)

    async def collect(ctx):
        acks.extend(await get(ctx, dut.memory.write_ack, len(writes), stall))

    simulate(dut, ask, take_addresses, take_beats, answer, collect)
    assert addresses == [(address, 0, 3) for address, _, _ in writes]
    assert beats == [(data, mask, 1) for _, data, mask in writes]
    assert acks == [int(reply >= 2) for (reply,) in replies]
    if not slow:
        assert when == list(range(1, 25))


def test_width_is_checked():
    with pytest.raises(ValueError, match="Axi4Master.width is 48; AXI4 words have 32, 64"):
        Axi4Master(48)
