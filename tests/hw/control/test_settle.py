import random

import pytest

from hw.control.settle import Settle
from tests.support.streams import simulate

WRITE_LATENCY = 4


def completions(events):
    """(cycle, slow) of every `done` → the cycles of `o`."""
    dut, seen, marks = Settle(WRITE_LATENCY), [], []

    async def bench(ctx):
        waiting = list(events)
        for cycle in range(events[-1][0] + 2 * WRITE_LATENCY):
            here = waiting and waiting[0][0] == cycle
            ctx.set(dut.done, bool(here))
            ctx.set(dut.slow, waiting[0][1] if here else random.getrandbits(1))
            ctx.set(dut.mark, random.getrandbits(1))
            if here:
                waiting.pop(0)
                marks.append(ctx.get(dut.mark))
            if ctx.get(dut.o):
                seen.append(cycle)
                assert ctx.get(dut.o_mark) == marks.pop(0)
            await ctx.tick()

    simulate(dut, bench, cycles=10_000)
    return seen


def test_a_scratchpad_write_is_seen_at_once_an_accumulation_later():
    assert completions([(3, 0), (5, 1)]) == [3, 5 + WRITE_LATENCY - 1]


def test_nobody_overtakes():
    assert completions([(3, 1), (4, 0), (9, 0)]) == [6, 7, 9]


@pytest.mark.parametrize("rate", [0.2, 0.7, 1])
def test_order_and_delay(rate):
    rng = random.Random(f"{rate}")
    events = [(cycle, rng.getrandbits(1)) for cycle in range(300) if rng.random() < rate]
    out = completions(events)
    assert len(out) == len(events) and out == sorted(set(out))
    for (cycle, slow), end in zip(events, out, strict=True):
        assert cycle + slow * (WRITE_LATENCY - 1) <= end < cycle + WRITE_LATENCY
