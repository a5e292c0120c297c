"""Multipliers of one's own: in hardware, in golden models, and how far off they are."""

import numpy as np
import pytest
from amaranth.hdl import Module, Shape, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.arith.mac import IN_LUTS, Mac, Multiplier
from hw.formats import Fixed, Float, Int, Rounded
from tests.hw.arith.mac.bank import Bank, Whole

E4M3 = Float.parse("e4m3fn")


def without_low_bits(a, b):
    """Of 4 by 4 bits: the lowest partial product is left out."""
    return a * b - (a & 1) * (b & 1)


class WithoutLowBits(wiring.Component):
    def __init__(self, a, b, o):
        super().__init__({"a": In(a), "b": In(b), "o": Out(o)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(self.a * self.b - (self.a[0] & self.b[0]))
        return m


TRUNCATED = Multiplier("truncated", without_low_bits)
AS_GATES = Multiplier("gates", without_low_bits, WithoutLowBits)
EXACT = Multiplier.from_table(
    "table", [[a * b for b in [*range(8), *range(-8, 0)]] for a in [*range(8), *range(-8, 0)]]
)
MACS = [
    Mac(E4M3, E4M3, Fixed.exact(E4M3, E4M3, 16), 2, TRUNCATED),
    Mac(E4M3, E4M3, Fixed.exact(E4M3, E4M3, 16), 1, AS_GATES),
    Mac(E4M3, E4M3, Rounded(Float.parse("fp16")), 3, TRUNCATED),
    Mac(Int(4), Int(4), Int(16), 1, EXACT),
    Mac(Int(4), Int(4), Fixed(12, 0), 1, EXACT),
    Mac(Int(4), Int(4), Int(16), 2, TRUNCATED),
]
IN_ROWS = [
    Mac(Int(a, signed=s), Int(w, signed=t), Int(20), 1, IN_LUTS)
    for a, w in [(8, 8), (7, 5), (4, 8), (2, 3)]
    for s in (True, False)
    for t in (True, False)
]


def test_hardware_is_golden():
    vectors = {}
    for mac in MACS:
        rng, bits = np.random.default_rng(3), (mac.input.width, mac.weight.width)
        pairs = np.arange(1 << 16) % (1 << sum(bits))
        sums = rng.integers(0, 1 << min(mac.sum.width, 60), len(pairs))
        vectors[mac] = {"a": pairs >> bits[1], "w": pairs & (1 << bits[1]) - 1, "s": sums}
    got = Bank({mac: Whole(mac) for mac in MACS}).run("multipliers", vectors)
    flags = {}
    for mac, v in vectors.items():
        want = mac.golden(v["a"], v["w"], v["s"])
        wide = (1 << mac.sum.width) - 1
        flags[mac] = np.asarray(want) > wide
        np.testing.assert_array_equal(
            np.where(flags[mac], 0, want), np.where(flags[mac], 0, got[mac])
        )
    small = vectors[MACS[3]]
    a, w = (np.where(small[k] > 7, small[k] - 16, small[k]) for k in "aw")
    for mac in (MACS[3], MACS[5]):
        products = a * w if mac is MACS[3] else without_low_bits(a, w)
        np.testing.assert_array_equal(got[mac], (small["s"] + products) % (1 << 16))
    one = E4M3.encode([1.125])  # significands 9: 80 in place of 81, in units of 2**-6
    fixed = MACS[0].sum
    assert MACS[0].golden(one, one, [0]) == [80 << -6 - fixed.lsb]


def test_rows_are_exact():
    vectors = {}
    for mac in IN_ROWS:
        pairs, bits = np.arange(1 << 16), (mac.input.width, mac.weight.width)
        codes = pairs & (1 << bits[0]) - 1, pairs >> 8 & (1 << bits[1]) - 1
        vectors[mac] = {"a": codes[0], "w": codes[1], "s": pairs}
    got = Bank({mac: Whole(mac) for mac in IN_ROWS}).run("rows", vectors)
    for mac, v in vectors.items():
        want = v["s"] + mac.input.decode(v["a"]) * mac.weight.decode(v["w"])
        np.testing.assert_array_equal(got[mac], want % (1 << 20))


def test_errors():
    got = TRUNCATED.errors(unsigned(4), unsigned(4))
    assert got["mean"] == -0.25 and got["worst"] == 1 and got["rate"] == 0.25
    odd = np.arange(1, 16, 2)
    assert got["relative"] == pytest.approx((1 / np.outer(odd, odd)).sum() / 225)
    assert set(EXACT.errors(signed(4), signed(4)).values()) == {0.0}
    assert TRUNCATED.errors(unsigned(11), unsigned(11))["rate"] == pytest.approx(0.25, abs=0.01)


def test_messages():
    shapes = Shape(4), Shape(4), Shape(8)
    with pytest.raises(ValueError, match="makes 1 of 0 and 0; a product with 0 must be 0"):
        Multiplier("more", lambda a, b: a * b + 1).table(*shapes)
    with pytest.raises(ValueError, match="a float accumulator needs at least 64"):
        Multiplier("half", lambda a, b: a * b // 2).table(*shapes, normal=True)
    with pytest.raises(ValueError, match="give it a component, or at most 16 bits"):
        TRUNCATED.table(unsigned(9), unsigned(8), unsigned(17))
