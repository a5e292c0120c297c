"""Multipliers of one's own: in hardware, in golden models, and how far off they are."""

import numpy as np
import pytest
from amaranth.hdl import Module, Shape
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from hw.arith.mac import IN_LUTS, Mac, Multiplier
from hw.arith.mac.multiplier import netlist, unit_of
from hw.formats import Fixed, Float, Int, Rounded
from hw.formats.multiplier import patterns, product_format
from hw.formats.multipliers import parse_multiplier
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
    Mac(Int(a, signed=s), Int(w, signed=t), Int(20), stages, IN_LUTS)
    for a, w, stages in [(8, 8, 1), (8, 8, 3), (7, 5, 2), (4, 8, 6), (2, 3, 2)]
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


def test_a_large_truth_table_is_refused():
    with pytest.raises(ValueError, match="9 by 8 bits is too large for a ROM; give it a component"):
        unit_of(Multiplier("f", np.multiply), Shape(9), Shape(8), Shape(17))


@pytest.mark.parametrize("name", ["exact", "mitchell", "truncated1", "truncated3", "truncated5"])
@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Int(6), Int(5)),
        (Int(4, signed=False), Int(4, signed=False)),
        (Int(5), Int(6, signed=False)),
        (Int(5, signed=False), Int(3)),
        (Int(1, signed=False), Int(4, signed=False)),
    ],
    ids=lambda fmt: fmt.name,
)
def test_gates_are_the_function(name, a, b):
    multiplier = parse_multiplier(name)
    unit = unit_of(multiplier, *(Shape(f.width, f.signed) for f in (a, b, product_format(a, b))))

    async def bench(ctx):
        for x in map(int, patterns(a)):
            ctx.set(unit.a, x)
            for y in map(int, patterns(b)):
                ctx.set(unit.b, y)
                code = ctx.get(unit.o[:])
                want = int(multiplier.golden(x, y)) % (1 << a.width + b.width)
                assert code == want, f"{x} * {y}: {code}, not {want}"

    simulator = Simulator(unit)
    simulator.add_testbench(bench)
    simulator.run()


def test_a_changed_component_is_another_netlist():
    class Other(WithoutLowBits):
        def elaborate(self, platform):
            m = Module()
            m.d.comb += self.o.eq(self.a * self.b)
            return m

    operands = Int(4), Int(4)
    other = Multiplier("gates", without_low_bits, Other)
    texts = {netlist(m.over(*operands)) for m in (AS_GATES, other, AS_GATES, TRUNCATED)}
    assert len(texts) == 3 and "" in texts
