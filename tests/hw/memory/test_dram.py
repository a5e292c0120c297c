# amaranth: UnusedElaboratable=no
"""The memory port over a DRAM controller's, against a bytearray and a model of that controller."""

import itertools
import random
from collections import deque

import pytest

from hw.memory.dram import BEATS_IN_FLIGHT, TURN, Dram
from tests.support.streams import get, never, put, simulate, stalls

SIZE = 2048


class Controller:
    """What LiteDRAM's native port promises: commands in order; it neither waits for a write's data
    nor with a read's. `latency` cycles from a command to its data at least."""

    def __init__(self, native, beats, stall=never, slow=never, latency=3):
        self.native, self.stall, self.slow, self.latency = native, stall, slow, latency
        self.beat_bytes = len(native.rdata.p) // 8
        self.memory = bytearray(beats * self.beat_bytes)
        self.kinds = []

    async def run(self, ctx):
        native, waiting, cycle, standing = self.native, deque(), 0, None
        while True:
            ready = not self.stall() and len(waiting) < 9
            ctx.set(native.cmd.ready, ready)
            ctx.set(native.wdata.ready, 0)
            ctx.set(native.rdata.valid, 0)
            due = None
            if waiting and waiting[0][0] + self.latency <= cycle and not self.slow():
                due = waiting.popleft()
                start = due[2] * self.beat_bytes
                if due[1]:
                    ctx.set(native.wdata.ready, 1)
                else:
                    here = self.memory[start : start + self.beat_bytes]
                    ctx.set(native.rdata.p, int.from_bytes(here, "little"))
                    ctx.set(native.rdata.valid, 1)
            _, _, valid, p, data_valid, data = await ctx.tick().sample(
                native.cmd.valid, native.cmd.p, native.wdata.valid, native.wdata.p
            )
            assert standing is None or (valid and (p.we, p.addr) == standing)
            standing = (p.we, p.addr) if valid and not ready else None
            if valid and ready:
                waiting.append((cycle, p.we, p.addr))
                self.kinds.append(p.we)
            if due and due[1]:
                assert data_valid, "the data of a write must be there"
                for n in range(self.beat_bytes):
                    if data.we >> n & 1:
                        self.memory[start + n] = data.data >> 8 * n & 255
            cycle += 1


def random_work(width, rng):
    """Writes with their acknowledgements and reads with their words, in two halves of memory."""
    size = width // 8
    memory = bytearray(rng.randbytes(SIZE)) + bytes(2048)
    writes, acks, reads, words = [], [], [], []
    for _ in range(60):
        number, mask, data = rng.randrange(SIZE // 2 // size), rng.getrandbits(size), rng.randbytes
        number += rng.randrange(8) == 0 and SIZE // size  # outside
        word = data(size)
        writes.append(
            {"address": number * size, "data": int.from_bytes(word, "little"), "mask": mask}
        )
        acks.append(number * size >= SIZE)
    for _ in range(40):
        address = rng.randrange(SIZE // 2, SIZE + 16)
        count = rng.choice([1, 4, size, rng.randint(1, 300)])
        reads.append({"address": address, "bytes": count})
        for number in range(address // size, (address + count - 1) // size + 1):
            error = number * size >= SIZE
            data = memory[number * size : (number + 1) * size]
            words.append((error, None if error else int.from_bytes(data, "little")))
    return memory, writes, acks, reads, words


@pytest.mark.parametrize(
    "width, seed, rare", [(32, 1, 0.9), (32, 2, 0.1), (64, 3, 0.9), (128, 4, 0.4), (256, 5, 0.1)]
)
def test_reads_and_writes_at_once(width, seed, rare):
    """Writes come one by one, or while others wait (`rare`: how often there is none)."""
    rng, size = random.Random(seed), width // 8
    dut = Dram(width, SIZE)
    memory, writes, acks, reads, words = random_work(width, rng)
    pause = [stalls(rng.random(), rng.choice([0.1, 0.4])) for _ in range(6)]
    pause[2] = stalls(seed, rare)
    model = Controller(dut.native, SIZE // 2, pause[0], pause[1], rng.randint(3, 9))
    model.memory[:] = memory[:SIZE]
    got, got_acks = [], []

    async def send(ctx):
        await put(ctx, dut.port.write_request, writes, pause[2])

    async def confirm(ctx):
        got_acks.extend(await get(ctx, dut.port.write_ack, len(acks), pause[3]))
        await ctx.tick().repeat(200)  # the controller fetches the last data

    async def ask(ctx):
        await put(ctx, dut.port.read_request, reads, pause[4])

    async def take(ctx):
        taken = await get(ctx, dut.port.read_data, len(words), pause[5])
        got.extend((bool(w.error), None if w.error else w.data) for w in taken)
        await ctx.tick().repeat(200)

    simulate(dut, send, confirm, ask, take, background=[model.run])
    assert [bool(ack) for ack in got_acks] == acks and got == words
    for write, outside in zip(writes, acks, strict=True):
        for n in range(0 if outside else size):
            if write["mask"] >> n & 1:
                memory[write["address"] + n] = write["data"] >> 8 * n & 255
    assert model.memory == memory[:SIZE]


@pytest.mark.parametrize("seed", range(3))
def test_a_read_after_the_acknowledgement_sees_the_write(seed):
    rng, dut = random.Random(seed), Dram(32, SIZE)
    pause = stalls(seed, 0.3)
    model = Controller(dut.native, SIZE // 2, pause, stalls(seed + 9, 0.3), 5)

    async def bench(ctx):
        for _ in range(60):
            data, address = rng.getrandbits(32), rng.randrange(0, 16, 4)
            write = {"address": address, "data": data, "mask": 15}
            await put(ctx, dut.port.write_request, [write], pause)
            await get(ctx, dut.port.write_ack, 1)
            await put(ctx, dut.port.read_request, [{"address": address, "bytes": 4}])
            (word,) = await get(ctx, dut.port.read_data, 1)
            assert word.data == data

    simulate(dut, bench, background=[model.run])


@pytest.mark.parametrize("width", [32, 128])
def test_a_beat_per_cycle_whatever_the_latency(width):
    """Two cycles from a request to its first command, one from the last beat to the word."""
    dut, when, latency = Dram(width, SIZE), [], 8
    model = Controller(dut.native, SIZE // 2, latency=latency)
    beats = width // 16
    reads = [{"address": 128 * n, "bytes": 128} for n in range(8)]
    count = 1024 * 8 // width

    async def ask(ctx):
        await put(ctx, dut.port.read_request, reads)

    async def take(ctx):
        await get(ctx, dut.port.read_data, count, when=when)

    simulate(dut, ask, take, background=[model.run])
    first = 2 + latency + beats
    assert when == [first + beats * n for n in range(count)]


@pytest.mark.parametrize("width", [32, 256])
def test_no_more_is_asked_for_than_there_is_room_for(width):
    dut = Dram(width, SIZE)
    model = Controller(dut.native, SIZE // 2)
    model.memory[:] = random.Random(1).randbytes(SIZE)
    got = []

    async def ask(ctx):
        await put(ctx, dut.port.read_request, [{"address": 0, "bytes": 512}])

    async def take(ctx):
        await ctx.tick().repeat(300)
        assert len(model.kinds) == BEATS_IN_FLIGHT
        got.extend(await get(ctx, dut.port.read_data, 512 * 8 // width))

    simulate(dut, ask, take, background=[model.run])
    assert b"".join(word.data.to_bytes(width // 8, "little") for word in got) == model.memory[:512]


@pytest.mark.parametrize("also_reads", [False, True])
def test_writes_stream_and_both_kinds_have_their_turn(also_reads):
    dut, words, when = Dram(32, SIZE), 64, []
    model = Controller(dut.native, SIZE // 2, latency=6)
    writes = [{"address": 4 * n, "data": n, "mask": 15} for n in range(words)]
    reads = [{"address": 1024 + 64 * n, "bytes": 64} for n in range(words // 16)]

    async def send(ctx):
        await put(ctx, dut.port.write_request, writes)

    async def confirm(ctx):
        await get(ctx, dut.port.write_ack, words, when=when)

    async def ask(ctx):
        await put(ctx, dut.port.read_request, reads)

    async def take(ctx):
        await get(ctx, dut.port.read_data, words)

    benches = (send, confirm, ask, take) if also_reads else (send, confirm)
    simulate(dut, *benches, background=[model.run])
    turns = [len(list(run)) for _, run in itertools.groupby(model.kinds)]
    if also_reads:
        assert max(turns) <= 2 * (TURN + 1) and len(turns) >= 2 * words // TURN - 1
    else:
        assert when[-1] - when[0] == 2 * (words - 1)


@pytest.mark.parametrize("width, size", [(16, 64), (40, 64), (64, 60)])
def test_words_that_are_no_beats_are_refused(width, size):
    with pytest.raises(ValueError, match=f"words of {width} bits, beats of 16 and {size} bytes"):
        Dram(width, size)
