"""The transposer against numpy: tiles in, columns out, under stalls and at full rate."""

import numpy as np
import pytest
from amaranth.hdl import signed

from hw.array.transposer import Transposer, Turner
from tests.support.streams import get, never, put, simulate, stalls


def draw(rng, lanes, count, turn):
    """Tiles as rows to send, and the rows that should come out."""
    sent, wanted = [], []
    for _ in range(count):
        turned = rng.random() < turn
        rows = lanes if turned else int(rng.integers(1, lanes + 1))
        tile = rng.integers(-128, 128, (rows, lanes))
        columns = int(rng.integers(1, lanes + 1))
        for n, row in enumerate(tile.tolist()):
            last = n == rows - 1
            count_now = columns if last else int(rng.integers(0, lanes + 1))
            sent.append({"lanes": row, "turn": turned, "last": last, "count": count_now})
        out = tile.T[:columns] if turned else tile
        wanted.append((turned, out))
    return sent, wanted


def expected(wanted, descending):
    rows = []
    for turned, out in wanted:
        out = out[::-1] if turned and descending else out
        rows += [(row, n == len(out) - 1) for n, row in enumerate(out.tolist())]
    return rows


@pytest.mark.parametrize("lanes", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("turn", [1.0, 0.6])
def test_tiles_equal_numpy_under_stalls(lanes, descending, turn):
    sent, wanted = draw(np.random.default_rng(lanes), lanes, 30, turn)
    rows = expected(wanted, descending)
    for chance in (0.0, 0.4):
        got = []
        dut = Turner(signed(8), lanes, descending=descending)

        async def send(ctx, dut=dut, chance=chance):
            await put(ctx, dut.i, sent, stalls(1, chance))

        async def take(ctx, dut=dut, chance=chance, got=got):
            got += await get(ctx, dut.o, len(rows), stalls(2, chance))

        simulate(dut, send, take)
        assert [([int(x) for x in row.lanes], int(row.last)) for row in got] == rows


@pytest.mark.parametrize("lanes", [3, 4])
def test_a_tile_every_lanes_cycles_three_cycles_late(lanes):
    dut = Transposer(signed(8), lanes)
    when, sent = [], []
    row = {"lanes": [1] * lanes, "turn": 1, "count": lanes}

    async def send(ctx):
        await put(ctx, dut.i, [row] * 6 * lanes, never)

    async def take(ctx):
        await get(ctx, dut.o, 6 * lanes, never, when)

    async def watch(ctx):
        for cycle in range(6 * lanes):
            _, _, valid, ready = await ctx.tick().sample(dut.i.valid, dut.i.ready)
            if valid and ready:
                sent.append(cycle)

    simulate(dut, send, take, watch)
    assert sent == list(range(6 * lanes))
    assert when == [lanes - 1 + 3 + n for n in range(6 * lanes)]


def test_rows_that_do_not_turn_pass_without_delay():
    dut = Turner(signed(8), 4)
    when = []

    async def send(ctx):
        await put(ctx, dut.i, [{"lanes": [n] * 4} for n in range(8)], never)

    async def take(ctx):
        await get(ctx, dut.o, 8, never, when)

    simulate(dut, send, take)
    assert when == list(range(8))
