"""mvout_spad in the store unit: rows that go to the scratchpad, among others that go to memory."""

import random

import numpy as np
import pytest

from hw.formats import Int
from tests.hw.control.test_store import BASE, CONFIGS, INT4, ONE, Bench, elements, random_op, tile
from tests.hw.control.test_store import expected as plain_expected

LOCAL = BASE.replace(spad_store=True)
COPYING = {
    "4 int8": LOCAL,
    "5 uint8 bus 64": LOCAL.replace(dim=5, bus_width=64, output=Int(8, False), scale_cycles=2),
    "6 int4 bus 256": LOCAL.replace(dim=6, bus_width=256, mvout_scale=False, **INT4),
}
LATE = 4
"""Cycles from a row taken by the scratchpad to the operation's `done`, at least."""


def copy(config, rng, op):
    """A local operation: sources in the lower half of the scratchpad, targets in the upper."""
    half = config.sp_rows // 2
    rows, stride = rng.randint(1, config.dim), rng.choice([1, 1, 2, 0, 3])
    target = rng.randint(half, config.sp_rows - (rows - 1) * stride - 1)
    source = rng.randint(0, (config.acc_rows if op["acc"] else half) - rows)
    op |= {"local": 1, "full": 0, "rows": rows, "stride": stride, "address": target, "row": source}
    return op | {"cols": rng.randint(1, config.dim)}


def lower(config, rng, op):
    """A plain one, that reads nothing of what local ones write."""
    op |= {"local": 0, "address": op["address"] & 0xFFFF_FFFF}
    if not op["acc"]:
        op |= {"rows": 1, "cols": rng.randint(1, config.dim)}
        op["row"] = rng.randrange(config.sp_rows // 2)
    return op


def expected(bench, before, ops):
    """All bytes, and the scratchpad at the end; both with the last writer winning."""
    memory, after, bench.sp, config = {}, before.copy(), before, bench.config
    for op in ops:
        if not op["local"]:
            memory |= plain_expected(bench, [op])[0]
            continue
        for r in range(op["rows"]):
            bits = [config.input.wrap(value) for value in elements(bench, op, r)[0]]
            after[op["address"] + r * op["stride"], : op["cols"]] = bits
    return memory, after


@pytest.mark.parametrize("name", COPYING)
@pytest.mark.parametrize("seed, stall", [(1, 0.4), (2, 0.0)])
def test_random_operations_under_stalls(name, seed, stall):
    config, rng = COPYING[name], random.Random(f"{name} {seed}")
    ops = []
    for n in range(24):
        op = rng.choice([copy, lower])(config, rng, random_op(config, rng, n))
        ops.append(op if config.mvout_scale else op | {"scale": ONE})
    bench = Bench(config, seed, stall, ack_latency=rng.choice([1, 20]))
    before = bench.sp.copy()
    bench.run(ops)
    got = bench.sp
    memory, after = expected(bench, before, ops)
    assert bench.memory == memory
    assert np.array_equal(got, after)
    assert not bench.errors
    copied, words = 0, 0
    for op, (acked, time) in zip(ops, bench.done, strict=True):
        if op["local"]:
            copied += op["rows"]
            assert bench.copied[copied - 1] + LATE <= time
            assert acked == words + 1  # the bench counts one more than are acknowledged
        else:
            words += plain_expected(bench, [op])[1][0]
            assert acked == words


@pytest.mark.parametrize("acc, latency", [(1, 10), (0, 3)])
def test_one_row_per_cycle_and_one_cycle_per_operation(acc, latency):
    config = CONFIGS["16 int8 bus 128"].replace(spad_store=True)
    ops = [tile(config, n, acc=acc, local=1, address=40, stride=1) for n in range(3)]
    bench = Bench(config).run(ops)
    assert bench.copied == [latency + 17 * n + r for n in range(3) for r in range(16)]
    ends = [latency + 17 * n + 15 for n in range(3)]
    assert [time for _, time in bench.done] == [end + LATE for end in ends]
    assert not bench.words and not bench.active


def test_a_bus_error_between_copies_names_its_operation():
    config = LOCAL
    ops = [tile(config, n, acc=0, local=n % 2, row=8 * n, stride=4) for n in range(4)]
    for op in ops[1::2]:
        op |= {"address": 48, "stride": 1}
    bench = Bench(config, bad={0x3000}).run(ops)
    assert bench.errors == [2]
