"""Several masters on one memory: every answer to whom it belongs, in order, at full rate."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import connect

from hw.memory.arbiter import Arbiter
from hw.memory.ram import Ram
from hw.memory.turns import Turns
from tests.support.streams import get, never, put, simulate, stalls

WORD = 4
WORDS = 256


def build(masters, depth=64):
    """With a depth of 0 the one that queues nothing."""
    m = Module()
    arbiter = Arbiter(8 * WORD, masters, depth) if depth else Turns(8 * WORD, masters)
    m.submodules.arbiter = arbiter
    m.submodules.ram = ram = Ram(8 * WORD, WORDS)
    connect(m, arbiter.memory, ram.port)
    return m, arbiter.ports


def reads(rng, master, count):
    """Requests inside the master's own quarter of the memory."""
    base = master * WORD * WORDS // 4
    for _ in range(count):
        offset = rng.randrange(WORD * WORDS // 4 - 40)
        yield {"address": base + offset, "bytes": rng.randrange(1, 40)}


def words_of(request):
    first = request["address"] // WORD
    return range(first, (request["address"] + request["bytes"] - 1) // WORD + 1)


@pytest.mark.parametrize(
    "masters, depth, seed", [(1, 4, 0), (2, 2, 1), (3, 64, 2), (4, 3, 3), (4, 0, 4)]
)
def test_masters_share_a_memory(masters, depth, seed):
    dut, ports = build(masters, depth)
    rng = random.Random(seed)
    benches = []
    for master, port in enumerate(ports):
        base = master * WORDS // 4
        values = {base + n: rng.randrange(1 << 32) for n in range(WORDS // 4)}
        asked = list(reads(rng, master, 25))

        async def bench(ctx, port=port, values=values, asked=asked, master=master):
            coin = stalls(10 * seed + master, 0.3)
            for word, value in values.items():
                request = {"address": WORD * word, "data": value, "mask": 15}
                await put(ctx, port.write_request, [request], coin)
                assert await get(ctx, port.write_ack, 1, coin) == [0]
            for request in asked:
                await put(ctx, port.read_request, [request], coin)
                wanted = [values[word] for word in words_of(request)]
                got = await get(ctx, port.read_data, len(wanted), coin)
                assert [(beat.data, beat.error) for beat in got] == [(w, 0) for w in wanted]

        benches.append(bench)
    simulate(dut, *benches)


def test_requests_overlap_at_one_word_per_cycle():
    dut, ports = build(2)
    count, when = 20, [[], []]
    benches = []
    for master, port in enumerate(ports):

        async def send(ctx, port=port):
            await put(ctx, port.read_request, [{"address": 0, "bytes": 2 * WORD}] * count)

        async def take(ctx, port=port, when=when[master]):
            await get(ctx, port.read_data, 2 * count, never, when)

        benches += [send, take]
    simulate(dut, *benches)
    beats = sorted(when[0] + when[1])
    assert beats == list(range(beats[0], beats[0] + 4 * count))
    assert abs(when[0][-1] - when[1][-1]) <= 4, "neither master waits for the other's last word"


def test_errors_reach_the_master_that_asked():
    dut, ports = build(2)
    beyond = WORD * WORDS

    async def wrong(ctx):
        await put(ctx, ports[0].read_request, [{"address": beyond, "bytes": WORD}])
        assert (await get(ctx, ports[0].read_data, 1))[0].error == 1
        await put(ctx, ports[0].write_request, [{"address": beyond, "data": 0, "mask": 15}])
        assert await get(ctx, ports[0].write_ack, 1) == [1]

    async def right(ctx):
        for _ in range(10):
            await put(ctx, ports[1].read_request, [{"address": 0, "bytes": WORD}])
            assert (await get(ctx, ports[1].read_data, 1))[0].error == 0

    simulate(dut, wrong, right)


def test_no_master_is_an_error():
    with pytest.raises(ValueError, match="Arbiter.masters is 0; it must be at least 1"):
        Arbiter(32, 0)
