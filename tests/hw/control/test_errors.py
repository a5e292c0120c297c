import random

import pytest

from hw.control.errors import ErrorRegister
from hw.isa import ErrorCode
from tests.support.streams import simulate

NOTHING = {"valid": 0, "code": 0, "index": 0}


def report(index, code=ErrorCode.BAD_SIZE):
    return {"valid": 1, "code": code, "index": index}


def run(steps, sources=3):
    """What the register holds after each step `(reports by source, clear)`."""
    dut = ErrorRegister(sources)
    held = []

    async def bench(ctx):
        for reports, clear in steps:
            for n in range(sources):
                ctx.set(dut.sources[n], reports.get(n, NOTHING))
            ctx.set(dut.clear, clear)
            await ctx.tick()
            held.append((ErrorCode(ctx.get(dut.code)), ctx.get(dut.index)))

    simulate(dut, bench)
    return held


def test_starts_empty():
    assert run([({}, 0)]) == [(ErrorCode.NONE, 0)]


def test_first_error_stays():
    steps = [({0: report(7)}, 0), ({}, 0), ({0: report(9, ErrorCode.OVERLAP)}, 0)]
    assert run(steps) == [(ErrorCode.BAD_SIZE, 7)] * 3


def test_a_lower_index_replaces_a_higher_one():
    steps = [({1: report(9)}, 0), ({2: report(4, ErrorCode.BUS_READ)}, 0)]
    assert run(steps)[-1] == (ErrorCode.BUS_READ, 4)


def test_equal_index_keeps_what_came_first():
    steps = [({1: report(9, ErrorCode.BUS_READ)}, 0), ({0: report(9, ErrorCode.BUS_WRITE)}, 0)]
    assert run(steps)[-1] == (ErrorCode.BUS_READ, 9)


@pytest.mark.parametrize("order", [(3, 1, 2), (1, 2, 3), (2, 3, 1)])
def test_of_simultaneous_errors_the_lowest_index_wins(order):
    reports = {n: report(index, ErrorCode(index)) for n, index in enumerate(order)}
    assert run([(reports, 0)]) == [(ErrorCode(1), 1)]


def test_clear_forgets_and_keeps_what_comes_at_the_same_time():
    steps = [({0: report(1)}, 0), ({}, 1), ({0: report(2)}, 0), ({1: report(5)}, 1)]
    assert [index for _, index in run(steps)] == [1, 0, 2, 5]


def test_indices_use_all_their_bits():
    steps = [({0: report(0xFFFF_FFFF)}, 0), ({0: report(0x8000_0000)}, 0), ({1: report(1)}, 0)]
    assert [index for _, index in run(steps)] == [0xFFFF_FFFF, 0x8000_0000, 1]


def test_random_reports():
    rng = random.Random(5)
    steps, expected, held = [], [], None
    for _ in range(500):
        reports = {n: report(rng.randrange(40), rng.randint(1, 8)) for n in range(3)}
        reports = {n: value for n, value in reports.items() if rng.random() < 0.2}
        clear = rng.random() < 0.1
        if clear:
            held = None
        for _, value in sorted(reports.items()):
            if held is None or value["index"] < held[1]:
                held = (ErrorCode(value["code"]), value["index"])
        steps.append((reports, clear))
        expected.append(held or (ErrorCode.NONE, 0))
    assert run(steps) == expected
