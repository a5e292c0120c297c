"""Max-pooling and one-dimensional stores of the store unit, against docs/semantics.md in Python."""

import random

import numpy as np
import pytest

from hw.formats import Int
from tests.hw.control.test_store import BASE, CONFIGS, INT4, ONE, Bench, elements, random_op
from tests.hw.control.test_store import expected as plain_expected

POOLS = BASE.replace(pooling=True)
MIXED = {"input": Int(8), "output": Int(8, False)}
POOLING = {
    "4 int8": POOLS,
    "4 int8 to uint8": POOLS.replace(**MIXED),
    "5 int8 bus 64": POOLS.replace(dim=5, bus_width=64, scale_cycles=2),
    "6 int4 bus 128": POOLS.replace(dim=6, bus_width=128, **INT4),
    "8 uint8 unscaled, and copies": POOLS.replace(
        dim=8, input=Int(8, False), output=Int(8, False), mvout_scale=False, spad_store=True
    ),
}


def windows(op):
    """(y, x, local rows of the taps, None outside) of every pooled pixel in order."""
    p = op["pooling"]
    for y in range(p["pool_out_rows"]):
        for x in range(p["pool_out_cols"]):
            taps = []
            for a in range(p["pool_size"]):
                for b in range(p["pool_size"]):
                    row = y * p["pool_stride"] - p["upper_pad"] + a
                    col = x * p["pool_stride"] - p["left_pad"] + b
                    inside = 0 <= row < p["out_rows"] and 0 <= col < p["out_cols"]
                    taps.append(row * p["out_cols"] + col if inside else None)
            yield y, x, taps


def expected(bench, ops):
    """Every byte, the last writer winning."""
    memory = {}
    for op in ops:
        if not op["pooled"]:
            memory |= plain_expected(bench, [op])[0]
            continue
        for y, x, taps in windows(op):
            rows = [
                [0] * op["cols"] if tap is None else elements(bench, op, tap)[0] for tap in taps
            ]
            values, width = np.max(rows, axis=0), bench.config.input.width
            packed = sum((int(v) & ((1 << width) - 1)) << n * width for n, v in enumerate(values))
            start = op["address"] + (y * op["pooling"]["pool_out_dim"] + x) * op["stride"]
            for n, byte in enumerate(packed.to_bytes(-(-len(values) * width // 8), "little")):
                memory[(start + n) & 0xFFFFFFFF] = byte
    return memory


def image(config, rng, op):
    """A pooled operation with any window on a small image."""
    rows = config.acc_rows if op["acc"] else config.sp_rows
    out_rows, out_cols = rng.choice([(1, 1), (1, 7), (6, 1), (4, 5), (5, 4), (3, 3), (2, 6)])
    pooling = {
        "pool_stride": rng.randint(1, 3),
        "pool_size": rng.randint(1, 3),
        "upper_pad": rng.choice([0, 0, 1, 1, 2, 3]),
        "left_pad": rng.choice([0, 0, 1, 1, 2, 3]),
        "pool_out_dim": rng.choice([5, 5, 0, 1, 9, 255]),
        "pool_out_rows": rng.randint(1, 4),
        "pool_out_cols": rng.randint(1, 5),
        "out_rows": out_rows,
        "out_cols": out_cols,
    }
    op |= {"pooling": pooling, "pooled": 1, "full": 0, "rows": rng.randint(0, 3)}
    op["cols"] = rng.choice([config.dim, rng.randint(1, config.dim)])
    op["row"] = rng.randint(0, rows - out_rows * out_cols)
    return op


def line(config, rng, op):
    """A one-dimensional one: up to a memory full of rows."""
    rows = config.acc_rows if op["acc"] else config.sp_rows
    op |= {"rows": rng.randint(1, rows), "cols": rng.randint(1, config.dim), "full": 0}
    op["row"] = rng.randint(0, rows - op["rows"])
    return op


@pytest.mark.parametrize("name", POOLING)
def test_random_operations_under_stalls(name):
    config = POOLING[name]
    for seed, stall in ((1, 0.4), (2, 0.0)):
        rng = random.Random(f"{name} {seed}")
        ops = []
        for n in range(16):
            op = random_op(config, rng, n) | {"pooled": 0}
            kind = rng.choice([image, image, line, None])
            op = kind(config, rng, op) if kind else op
            op["address"] &= 0xFFFF_FFFF
            ops.append(op if config.mvout_scale else op | {"scale": ONE})
        bench = Bench(config, seed, stall, ack_latency=rng.choice([1, 30])).run(ops)
        assert bench.memory == expected(bench, ops)
        assert bench.done[-1][0] == len(bench.words)


def pooled_tile(config, size, stride, pooled, **fields):
    pool_rows, pool_cols = pooled
    pooling = {"pool_size": size, "pool_stride": stride, "out_rows": 5, "out_cols": 6}
    pooling |= {"pool_out_rows": pool_rows, "pool_out_cols": pool_cols, "pool_out_dim": pool_cols}
    op = {"pooled": 1, "pooling": pooling | {"upper_pad": 1, "left_pad": 1}, "cols": config.dim}
    op |= {"acc": 1, "full": 0, "relu": 0, "row": 0, "scale": ONE, "address": 0x1000}
    return op | {"stride": config.row_bytes, "index": 0} | fields


@pytest.mark.parametrize("size, stride, pooled", [(3, 2, (2, 3)), (2, 2, (3, 3)), (3, 3, (2, 2))])
@pytest.mark.parametrize("acc, latency", [(1, 15), (0, 8)])
def test_one_tap_per_cycle_and_no_tap_twice_in_a_pooled_row(size, stride, pooled, acc, latency):
    config = CONFIGS["16 int8 bus 128"].replace(pooling=True)
    op = pooled_tile(config, size, stride, pooled, acc=acc)
    bench = Bench(config).run([op])
    assert bench.memory == expected(bench, [op])
    # The operation is taken in cycle 0, the first tap asked for in cycle 2.
    rows, cols = pooled
    width = (cols - 1) * stride + size  # columns walked for one pooled row
    ends = [(y * width + x * stride + size) * size - 1 for y in range(rows) for x in range(cols)]
    assert bench.when == [latency + end for end in ends]


def test_columns_between_windows_are_not_read():
    config = CONFIGS["16 int8 bus 128"].replace(pooling=True)
    op = pooled_tile(config, 2, 3, (2, 2))
    bench = Bench(config).run([op])
    assert bench.memory == expected(bench, [op])
    assert bench.when == [15 + 4 * n + 3 for n in range(4)]


def test_a_large_image_and_strides_of_any_size():
    config = POOLS.replace(acc_bank_rows=512)
    op = pooled_tile(config, 3, 2, (12, 13), address=0xFFFF_F000)
    op["stride"] = 0x0123_4567
    op["pooling"] |= {"out_rows": 24, "out_cols": 26, "pool_out_dim": 251}
    bench = Bench(config).run([op], cycles=200_000)
    assert bench.memory == expected(bench, [op])


def test_a_small_first_row_waits_for_the_product():
    config = CONFIGS["16 int8 bus 128"].replace(pooling=True)
    op = pooled_tile(config, 1, 1, (2, 1))
    op["pooling"] |= {"pool_out_dim": 255, "upper_pad": 0, "left_pad": 0}
    bench = Bench(config).run([op])
    assert bench.memory == expected(bench, [op])
    # The first tap ends the first row; it is held for the eight cycles of the product.
    assert bench.when == [23, 24]
