"""The scaled row against numpy's own float32."""

import numpy as np
import pytest

from hw.arith.scale import ScaleRow
from hw.formats import Int
from tests.support.streams import get, never, put, simulate, stalls

SCALES = (1.0, -1.0, 0.5, -0.5, 0.0, -0.0, 1.5, 0.1, 1 / 3, 2.0**-24, 2.0**-32, 2.0**100, -3e38)
TINY = (1e-45, 1.1754942e-38, 1.1754944e-38, -1e-40, 3.4028235e38, 2.0**-31, 2.0**-33)


def expected(values, scale, relu, target):
    """Independent of the code under test: numpy's float32 product and rint."""
    x = np.array(values, dtype=np.int64)
    x = np.where(relu & (x < 0), 0, x).astype(np.float32)
    with np.errstate(all="ignore"):
        product = x * np.float32(scale)
    return np.clip(np.rint(product).astype(np.float64), target.min, target.max).astype(int)


def corners(source):
    near = [source.min, source.min + 1, -3, -2, -1, 0, 1, 2, 3, 5, source.max - 1, source.max]
    for power in (7, 8, 15, 23, 24, 25, 30, 31):
        for offset in (-3, -2, -1, 0, 1, 2, 3):
            near += [(1 << power) + offset, -(1 << power) + offset]
    return [v for v in near if source.min <= v <= source.max]


def rows(source, target, lanes, seed, count):
    """Rows of corners under corner scales, ties of every kind, and seeded random vectors."""
    rng = np.random.default_rng(seed)
    special = corners(source)
    for scale in SCALES + TINY:
        yield [int(v) for v in rng.choice(special, lanes)], float(np.float32(scale))
    for start in range(0, len(special), lanes):
        yield (special[start:] + [0] * lanes)[:lanes], 1.0
    for _ in range(count):
        width = rng.integers(1, source.width + 1, lanes)
        values = [int(rng.integers(0, 1 << int(w))) for w in width]
        if source.signed:
            values = [int(source.decode(v)) if rng.random() < 0.3 else v >> 1 for v in values]
            values = [v if rng.random() < 0.5 else max(-v, source.min) for v in values]
        largest = max(map(abs, values)) or 1
        kind = rng.integers(4)
        if kind == 0:  # any finite code
            code = int(rng.integers(0, 255 << 23)) | int(rng.integers(2)) << 31
            scale = float(np.uint32(code).view(np.float32))
        elif kind == 1:  # halves: ties in the last rounding
            scale = float(rng.integers(-64, 65)) / 2.0 ** int(rng.integers(1, 8))
        else:  # results around the target's range
            scale = float(rng.normal() * (target.max + 1) / largest)
        yield values, float(np.float32(scale))


def bits(scale):
    return int(np.float32(scale).view(np.uint32))


CASES = [
    (Int(32), Int(8), 7),
    (Int(8), Int(8), 5),
    (Int(20), Int(4), 5),
    (Int(25), Int(16), 6),
    (Int(26), Int(16, signed=False), 6),
    (Int(32, signed=False), Int(32), 4),
    (Int(24), Int(24, signed=False), 5),
]


@pytest.mark.parametrize("source, target, lanes", CASES)
def test_values_under_stalls(source, target, lanes):
    dut = ScaleRow(lanes, source, target, 9)
    seed = source.width * 64 + target.width
    relus = np.random.default_rng(seed + 1)
    sent, want = [], []
    for n, (values, scale) in enumerate(rows(source, target, lanes, seed, 120)):
        relu = bool(relus.random() < 0.3)
        tag = n & 511
        sent.append({"values": values, "scale": bits(scale), "relu": relu, "tag": tag})
        want.append((scale, relu, values, list(expected(values, scale, relu, target)), tag))
        assert list(dut.golden(values, scale, relu)) == want[-1][3]

    async def feed(ctx):
        await put(ctx, dut.i, sent, stalls(seed, 0.3))

    async def check(ctx):
        rows = await get(ctx, dut.o, len(want), stalls(seed + 1, 0.3))
        for row, (scale, relu, values, result, tag) in zip(rows, want, strict=True):
            assert (list(row["values"]), row["tag"]) == (result, tag), (values, scale, relu)

    simulate(dut, feed, check)


@pytest.mark.parametrize("source, latency", [(Int(32), 7), (Int(8), 5), (Int(25), 6), (Int(26), 7)])
def test_full_rate_and_latency(source, latency):
    dut = ScaleRow(2, source, Int(8), 0)
    assert dut.latency == latency
    sent = [{"values": [n, -n], "scale": bits(1.0), "relu": 0, "tag": 0} for n in range(20)]
    when = []

    async def feed(ctx):
        await put(ctx, dut.i, sent, never)

    async def check(ctx):
        rows = await get(ctx, dut.o, 20, never, when)
        assert [list(row["values"]) for row in rows] == [[n, -n] for n in range(20)]
        assert when == list(range(latency, latency + 20))

    simulate(dut, feed, check)
