"""The accumulator memory's adder against Python integers."""

import math

import numpy as np
import pytest

from hw.arith.mac import Add
from hw.formats import Fixed, Float, Int, Posit, Rounded
from tests.hw.arith.mac.bank import Adder, Bank
from tests.hw.arith.mac.oracle import fused

F = Float.parse
COUNT = 20_000
ACCUMULATORS = [
    (Int(32), 1),
    (Int(20), 1),
    (Fixed(45, -18), 1),
    (Fixed(73, -32), 1),
    (Fixed(8, 0), 1),
    (Fixed(8, 0, "saturate"), 1),
    (Fixed(70, 3, "saturate"), 1),
    (Rounded(F("fp16")), 2),
    (Rounded(F("fp32")), 3),
    (Rounded(F("bf16-ftz"), "zero"), 2),
    (Rounded(F("e6m9"), "stochastic", 4), 2),
    (Rounded(F("e5m2-sat")), 2),
    (Rounded(F("e4m3fnuz")), 2),
    (Rounded(F("e4m3fn"), "zero"), 2),
    (Rounded(F("e3m2")), 2),
    (Rounded(F("e5m0fn")), 2),
]


def codes(acc, rng):
    width = acc.width
    raw = sum(rng.integers(0, 1 << 31, COUNT).astype(object) << 31 * k for k in range(3))
    raw %= 1 << width
    ends = np.array([0, 1, (1 << width) - 1, 1 << width - 1, (1 << width - 1) - 1], object)
    ends = np.append(ends, ((1 << width - 1) + 1) % (1 << width))
    raw = np.where(rng.random(COUNT) < 0.2, ends[rng.integers(0, 6, COUNT)], raw)
    return raw.astype(np.uint64) if width <= 64 else raw


def pairs(acc, rng):
    """Every other pair nearly cancels."""
    x, y = codes(acc, rng), codes(acc, rng)
    top = 1 << acc.width - 1
    close = (x.astype(object) ^ top) + rng.integers(-2, 3, COUNT)
    if isinstance(acc, Rounded):
        y = np.where(np.arange(COUNT) % 2, y, close % (2 * top))
    return x, y.astype(x.dtype)


def expected(acc, x, y):
    width = acc.width
    half, mask = 1 << width - 1, (1 << width) - 1
    if isinstance(acc, Rounded):
        mode = "zero" if acc.rounding == "zero" else "rne"
        a, b = (acc.format.decode(v).tolist() for v in (x, y))
        return [fused(acc.format, p, 1.0, q, mode) for p, q in zip(a, b, strict=True)]
    out = []
    for p, q in zip(map(int, x), map(int, y), strict=True):
        total = (p ^ half) - half + (q ^ half) - half
        if isinstance(acc, Fixed):
            if acc.overflow == "saturate":
                total = min(max(total, 1 - half), half - 1)
            total = total & mask
            total = half if half in (p, q) else total + (total == half)
        out.append(total & mask)
    return out


@pytest.fixture(scope="module")
def streamed():
    rng = np.random.default_rng(7)
    vectors = {}
    for acc, _ in ACCUMULATORS:
        x, y = pairs(acc, rng)
        vectors[acc] = {"x": x, "y": y}
    units = {acc: Adder(Add(acc)) for acc, _ in ACCUMULATORS}
    return vectors, Bank(units).run("add", vectors)


@pytest.mark.parametrize(("acc", "latency"), ACCUMULATORS, ids=lambda a: getattr(a, "name", None))
def test_sums(streamed, acc, latency):
    vectors, got = streamed
    x, y = vectors[acc].values()
    want = expected(acc, x, y)
    assert Add(acc).latency == latency
    assert [int(c) for c in got[acc]] == want
    assert [int(c) for c in Add(acc).golden(x, y)] == want


def test_zeros_and_infinities_are_among_them():
    fp16 = F("fp16")
    assert fused(fp16, math.inf, 1.0, -math.inf) == fp16.nan_code
    assert Add(Rounded(fp16)).golden([0x8000], [0x8000]) == [0x8000]


def test_message():
    with pytest.raises(ValueError, match="must be rounded to a Float"):
        Add(Rounded(Posit(8, 1)))
