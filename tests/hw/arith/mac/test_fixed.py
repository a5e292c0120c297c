"""Integer and fixed-point sums: all pairs of codes, several sums, against Python integers."""

import os

import numpy as np
import pytest

from hw.arith.mac import Mac
from hw.arith.mac.mac import leaves
from hw.formats import Binary, Codebook, Fixed, Float, Int, Log, Posit, Ternary
from tests.hw.arith.mac.bank import Bank, Unary, Whole
from tests.hw.arith.mac.oracle import _integer, fixed

F = Float.parse
E4M3, E5M2, E2M1 = F("e4m3fn"), F("e5m2"), F("e2m1")
ONE, THREE, LOG = Binary(), Ternary(), Log(8)
SQUARES = Codebook.of([-49, -25, -9, -1, 0, 4, 16, 36], Int(8))
NORMAL = Codebook.of([-1, -0.7, -0.4, -0.18, 0, 0.08, 0.25, 5.5], F("bf16"))
WIDE = Codebook((0x80, 0x01, 0x11, 0x77, 0x9A, 0xFD, 0x00, 0x47), E4M3)
CASES = [
    (Int(8), Int(8), Int(32), (1, 3, 8)),
    (Int(8), Int(4), Int(20), (1, 2)),
    (Int(8, signed=False), Int(8), Int(24), (1,)),
    (E4M3, E4M3, Fixed.exact(E4M3, E4M3, 256), (1, 2, 3, 8)),
    (E5M2, E4M3, Fixed.exact(E5M2, E4M3, 16), (1, 4)),
    (F("e4m3fnuz"), F("e4m3"), Fixed(24, -8), (1, 5)),
    (E2M1, E2M1, Fixed.exact(E2M1, E2M1, 256), (1, 2)),
    (F("e2m3"), E2M1, Fixed(8, -3, "saturate"), (1, 3)),
    (F("e2m3"), F("e3m2"), Fixed(12, 0), (1, 2)),
    (Posit(8, 1), Posit(8, 1), Fixed.exact(Posit(8, 1), Posit(8, 1), 16), (1, 4)),
    (Posit(8, 0), Posit(8, 0), Fixed.exact(Posit(8, 0), Posit(8, 0), 256), (1,)),
    (Posit(6, 2), Posit(5, 1), Fixed(16, 3, "saturate"), (1, 2)),
    (E4M3, Int(4), Fixed(16, -5, "saturate"), (1, 2, 7)),
    (E5M2, E5M2, Fixed(20, -6, "saturate"), (1, 3)),
    (E5M2, E5M2, Fixed(12, 12, "saturate"), (1,)),
    (E4M3, E4M3, Fixed(18, -4), (1, 2)),
    (E4M3, E4M3, Fixed(10, -30), (1,)),
    (E4M3, Int(4), Fixed(9, -20, "saturate"), (1, 4)),
    (F("e4m3-ftz"), F("e3m2"), Fixed(24, -8, "saturate"), (1, 6)),
    (Int(8), Int(8), Fixed(17, 0, "saturate"), (1, 2)),
    (Int(8), Int(8), Fixed(12, 2, "saturate"), (1, 3)),
    (Int(8), ONE, Int(32), (1, 2, 4)),
    (Int(8, signed=False), ONE, Int(16), (1,)),
    (Int(8), THREE, Int(32), (1, 2, 3)),
    (Int(8, signed=False), THREE, Int(20), (1,)),
    (THREE, THREE, Int(16), (1, 3)),
    (THREE, Int(2), Int(8), (1,)),
    (Int(8), SQUARES, Int(32), (1, 2)),
    (THREE, THREE, Fixed(12, -2, "saturate"), (1, 2)),
    (Int(8), THREE, Fixed(9, 2), (1,)),
    (Int(8), ONE, Fixed(24, 0), (1,)),
    (E4M3, ONE, Fixed(32, -9), (1, 2)),
    (E4M3, THREE, Fixed(16, -4, "saturate"), (1,)),
    (Int(8), SQUARES, Fixed(20, 2), (1, 2)),
    (E4M3, NORMAL, Fixed.exact(E4M3, NORMAL, 64), (1, 4)),
    (E4M3, WIDE, Fixed.exact(E4M3, WIDE, 64), (1, 2)),
    (LOG, LOG, Fixed.exact(LOG, LOG, 256), (1, 3)),
    (LOG, Log(5, 2, 3), Fixed(24, -8, "saturate"), (1, 2)),
    (Log(6, 0), THREE, Fixed(40, -16), (1,)),
    (LOG, WIDE, Fixed(32, -12), (1,)),
]
MACS = [Mac(a, w, s, n) for a, w, s, stages in CASES for n in stages]
COUNT = (8 if os.environ.get("ALHENA_FULL") == "1" else 1) << 16


def sums_of(mac, rng, count):
    """Sums of all sizes; a quarter near the limits, some no number."""
    width = mac.sum.width
    half = 1 << (width - 1)
    top = rng.integers(0, width, count)
    raw = sum(
        rng.integers(0, 1 << 31, count).astype(object) << 31 * k for k in range(width // 31 + 1)
    )
    raw %= 1 << width
    number = np.where(raw >= half, -((raw % half) >> top), raw >> top)
    near = [half - 1 - k for k in range(4)] + [-half + 1 + k for k in range(4)] + [0, -1, 1]
    near += [] if getattr(mac.sum, "overflow", "wrap") == "saturate" else [-half]
    near = np.array(near, object)[rng.integers(0, len(near), count)]
    number = np.where(rng.random(count) < 0.25, near, number) % (1 << width)
    if getattr(mac, "has_nan", False):
        number = number + (rng.random(count) < 0.02).astype(object) * (1 << width)
    return number


@pytest.fixture(scope="module")
def streamed():
    units, vectors = {}, {}
    for case, mac in enumerate(MACS):
        rng = np.random.default_rng(case)
        a, w = mac.input.width, mac.weight.width
        pairs = np.arange(COUNT) % (1 << (a + w))
        units[mac] = Whole(mac)
        vectors[mac] = {
            "a": pairs & (1 << a) - 1,
            "w": pairs >> a,
            "s": sums_of(mac, rng, COUNT),
        }
    return vectors, Bank(units).run("fixed", vectors)


def split(mac, patterns):
    """(number, flag), the number 0 where the flag is set."""
    mask = (1 << mac.sum.width) - 1
    out = [(int(p) & mask, int(p) >> mac.sum.width) for p in patterns]
    return [(0, 1) if flag else (n, 0) for n, flag in out]


@pytest.mark.parametrize(
    "mac", MACS, ids=lambda m: f"{m.input.name}-{m.weight.name}-{m.sum.name}-{m.stages}"
)
def test_all_pairs(streamed, mac):
    vectors, got = streamed
    v = vectors[mac]
    a, w = mac.input.decode(v["a"]), mac.weight.decode(v["w"])
    if isinstance(mac.sum, Int):
        want = [
            (int(s) + int(x) * int(y)) % (1 << mac.sum.width)
            for x, y, s in zip(a, w, v["s"], strict=True)
        ]
        want = [(n, 0) for n in want]
    else:
        want = fixed(mac.sum, mac.has_nan, a.astype(float), w.astype(float), v["s"])
        want = [(0, 1) if flag else (n, 0) for n, flag in want]
    result = split(mac, got[mac])
    assert result == want
    few = slice(0, COUNT, 37)
    assert split(mac, mac.golden(v["a"][few], v["w"][few], v["s"][few])) == want[few]


def test_entering_and_leaving():
    macs = {(m.input, m.sum): m for m in MACS}.values()
    units = {}
    for mac in macs:
        units[mac, "enter"], units[mac, "leave"] = Unary(mac.enter()), Unary(mac.leave())
    codes, rng = np.arange(256), np.random.default_rng(1)
    vectors = {}
    for mac in macs:
        vectors[mac, "enter"] = {"i": codes % (1 << mac.input.width)}
        vectors[mac, "leave"] = {"i": sums_of(mac, rng, 256)}
    got = Bank(units).run("doors", vectors)
    for mac in macs:
        width = mac.sum.width
        half, mask = 1 << width - 1, (1 << width) - 1
        values = mac.input.decode(vectors[mac, "enter"]["i"])
        if isinstance(mac.sum, Int):
            want = [(int(x) & mask, 0) for x in values]
        else:
            want = []
            for x in values.astype(float).tolist():
                n = _integer(x, mac.sum.lsb) if np.isfinite(x) else 0
                if mac.sum.overflow == "saturate":
                    n = min(max(n, 1 - half), half - 1)
                want.append((n & mask, 0) if np.isfinite(x) else (0, 1))
        assert split(mac, got[mac, "enter"]) == want
        sums = vectors[mac, "leave"]["i"]
        want = []
        for n, flag in ((int(s) & mask, int(s) >> width) for s in sums):
            lowest = isinstance(mac.sum, Fixed) and n == half
            want.append(half if flag else n + lowest)
        assert [int(c) for c in got[mac, "leave"]] == want
        assert [int(c) for c in leaves(mac, sums)] == want


def test_messages():
    with pytest.raises(ValueError, match="need a Fixed or a Rounded"):
        Mac(E4M3, E4M3, Int(32))
    with pytest.raises(ValueError, match="Mac.stages is 9; it must be an integer from 1 to 8"):
        Mac(Int(8), Int(8), Int(32), 9)


def test_all_zero_bits_are_zero():
    for mac in MACS:
        for operand in [o for o in mac.operands if not isinstance(o.format, Binary | Codebook)]:
            zero = operand.golden(np.zeros(1, np.uint64))
            assert not any(np.any(v) for v in getattr(zero, "__dict__", {"v": zero}).values())
