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
ADDS = [
    (Add(Int(32)), 1),
    (Add(Int(20)), 1),
    (Add(Fixed(45, -18)), 1),
    (Add(Fixed(73, -32)), 1),
    (Add(Fixed(8, 0)), 1),
    (Add(Fixed(8, 0, "saturate")), 1),
    (Add(Fixed(70, 3, "saturate")), 1),
    (Add(Rounded(F("fp16"))), 2),
    (Add(Rounded(F("fp32"))), 3),
    (Add(Rounded(F("bf16-ftz"), "zero")), 2),
    (Add(Rounded(F("e6m9"), "stochastic", 4)), 2),
    (Add(Rounded(F("e5m2-sat"))), 2),
    (Add(Rounded(F("e4m3fnuz"))), 2),
    (Add(Rounded(F("e4m3fn"), "zero")), 2),
    (Add(Rounded(F("e3m2"))), 2),
    (Add(Rounded(F("e5m0fn"))), 2),
    (Add(Rounded(F("fp32")), 5), 3),
    (Add(Rounded(F("fp32")), 7), 5),
    (Add(Rounded(F("fp16")), 8), 6),
    (Add(Int(32), 8), 1),
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
    for add, _ in ADDS:
        x, y = pairs(add.accumulator, rng)
        vectors[add] = {"x": x, "y": y}
    return vectors, Bank({add: Adder(add) for add, _ in ADDS}).run("add", vectors)


@pytest.mark.parametrize(
    ("add", "latency"), ADDS, ids=[f"{add.accumulator.name}-{add.stages}" for add, _ in ADDS]
)
def test_sums(streamed, add, latency):
    vectors, got = streamed
    x, y = vectors[add].values()
    want = expected(add.accumulator, x, y)
    assert add.latency == latency
    assert [int(c) for c in got[add]] == want
    assert [int(c) for c in add.golden(x, y)] == want


def test_zeros_and_infinities_are_among_them():
    fp16 = F("fp16")
    assert fused(fp16, math.inf, 1.0, -math.inf) == fp16.nan_code
    assert Add(Rounded(fp16)).golden([0x8000], [0x8000]) == [0x8000]


def test_message():
    with pytest.raises(ValueError, match="must be rounded to a Float"):
        Add(Rounded(Posit(8, 1)))
