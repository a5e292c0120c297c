import pytest
from amaranth.hdl import signed
from amaranth.lib import data

from hw.bus.stream import Buffer, HalfBuffer, Queue, QuickQueue, Skid
from tests.support.streams import get, put, simulate, stalls

PAIR = data.StructLayout({"a": 5, "b": signed(4)})


def kinds(shape):
    queues = [Queue(shape, 2), Queue(shape, 3), Queue(shape, 8)]
    return [*queues, QuickQueue(shape, 4), Buffer(shape), Skid(shape), HalfBuffer(shape)]


KINDS = ["queue2", "queue3", "queue8", "quick_queue4", "buffer", "skid", "half_buffer"]


@pytest.mark.parametrize("dut", kinds(16), ids=KINDS)
@pytest.mark.parametrize("stall_in, stall_out", [(0, 0), (0.5, 0.5), (0.1, 0.7), (0.7, 0.1)])
def test_everything_arrives_in_order(dut, stall_in, stall_out):
    values = [(n * 40503) % 65536 for n in range(200)]
    taken = []

    async def source(ctx):
        await put(ctx, dut.i, values, stalls(1, stall_in))

    async def sink(ctx):
        taken.extend(await get(ctx, dut.o, len(values), stalls(2, stall_out)))

    simulate(dut, source, sink)
    assert taken == values


@pytest.mark.parametrize("dut", kinds(16), ids=KINDS)
def test_one_per_cycle_or_every_other_and_one_cycle_through_or_none(dut):
    when = []

    async def source(ctx):
        await put(ctx, dut.i, range(50))

    async def sink(ctx):
        assert await get(ctx, dut.o, 50, when=when) == list(range(50))

    simulate(dut, source, sink)
    latency, step = not isinstance(dut, Skid), 1 + isinstance(dut, HalfBuffer)
    assert when == list(range(latency, latency + 50 * step, step))


@pytest.mark.parametrize(
    "dut, places",
    [
        (Queue(4, 3), 3),
        (Queue(4, 5), 5),
        (QuickQueue(4, 8), 8),
        (Buffer(4), 2),
        (Skid(4), 1),
        (HalfBuffer(4), 1),
    ],
)
def test_places(dut, places):
    async def bench(ctx):
        ctx.set(dut.i.valid, 1)
        for n in range(places):
            ctx.set(dut.i.payload, n)
            if isinstance(dut, Queue):
                assert ctx.get(dut.level) == n
            assert ctx.get(dut.i.ready)
            await ctx.tick()
        assert not ctx.get(dut.i.ready)
        assert ctx.get(dut.o.valid) and ctx.get(dut.o.payload) == 0
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.i.valid, 0)
        for n in range(places):
            assert ctx.get(dut.o.valid) and ctx.get(dut.o.payload) == n
            await ctx.tick()
        assert not ctx.get(dut.o.valid)

    simulate(dut, bench)


def test_a_quick_queue_counts_in_powers_of_two():
    with pytest.raises(ValueError, match="depth is 6; it must be a power of two"):
        QuickQueue(4, 6)


@pytest.mark.parametrize("dut", kinds(PAIR), ids=KINDS)
def test_structures_keep_their_fields(dut):
    values = [{"a": n % 32, "b": n % 16 - 8} for n in range(40)]
    taken = []

    async def source(ctx):
        await put(ctx, dut.i, values, stalls(3, 0.3))

    async def sink(ctx):
        taken.extend(await get(ctx, dut.o, len(values), stalls(4, 0.3)))

    simulate(dut, source, sink)
    assert [{"a": value.a, "b": value.b} for value in taken] == values
