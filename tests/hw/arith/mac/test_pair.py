"""Two products in one block: every operand, in gates and in devices' blocks."""

import numpy as np
import pytest
from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.arith.mac import Mac
from hw.formats import Int
from tests.hw.arith.mac.bank import Bank, delayed
from tests.hw.arith.mac.test_chain import DEVICES

BOTH = True, False
MACS = [
    *(Mac(Int(a, signed=s), Int(w, signed=t), Int(20), stages)
      for a, w, stages in [(8, 4, 3), (5, 6, 4)] for s in BOTH for t in BOTH),
    *(Mac(Int(a), Int(w), Int(20), stages) for a, w, stages in [(4, 4, 1), (3, 7, 2)]),
    *(Mac(Int(a), Int(w, signed=False), Int(20), 5) for a, w in [(8, 5), (4, 7)]),
    *(Mac(Int(8, signed=s), Int(8, signed=t), Int(20), stages)
      for stages in (1, 2, 3, 4) for s in BOTH for t in BOTH),
]  # fmt: skip
"""Several take all 18 bits of a block's operand; eight bits twice are for halves of a block."""

COUNT = 1 << 18


class Whole(wiring.Component):
    """Operands and sums that come together."""

    def __init__(self, mac):
        self.mac, self.latency = mac, mac.stages
        a, w = mac.input.width, mac.weight.width
        self.inputs = {"a": a, "w": w, "v": w, "s": 20, "t": 20}
        super().__init__({n: In(width) for n, width in self.inputs.items()} | {"o": Out(40)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.unit = unit = self.mac.create_pair()
        m.d.comb += [
            unit.input.eq(self.a),
            unit.weight[0].eq(self.w),
            unit.weight[1].eq(self.v),
            unit.sum_in[0].eq(delayed(m, self.s, self.mac.before, "s")),
            unit.sum_in[1].eq(delayed(m, self.t, self.mac.before, "t")),
            self.o.eq(Cat(unit.sum_out[0], unit.sum_out[1])),
        ]
        return m


@pytest.mark.parametrize("name", ["gates", *DEVICES])
def test_both_products_are_exact(name, tmp_path):
    number, vectors, rng = np.arange(COUNT), {}, np.random.default_rng(8)
    sums = rng.integers(0, 1 << 20, (2, COUNT))
    for mac in MACS:
        a, w = mac.input.width, mac.weight.width
        if a + 2 * w > COUNT.bit_length() - 1:  # every a and w, with any v
            number = np.arange(COUNT) | rng.integers(0, 1 << w, COUNT) << a + w
        assert a + w <= COUNT.bit_length() - 1
        vectors[mac] = {"a": number % (1 << a), "s": sums[0], "t": sums[1]}
        vectors[mac] |= {"w": (number >> a) % (1 << w), "v": (number >> a + w) % (1 << w)}
    bank = Bank({mac: Whole(mac) for mac in MACS})
    platform, models = DEVICES.get(name, (None, lambda directory: ()))
    got = bank.run(f"pairs-{name}", vectors, platform, models(tmp_path))
    for mac, v in vectors.items():
        products = [mac.input.decode(v["a"]) * mac.weight.decode(v[x]) for x in "wv"]
        low, high = ((v[s] + x) % (1 << 20) for s, x in zip("st", products, strict=True))
        np.testing.assert_array_equal(got[mac], low | high << 20, err_msg=str(mac))
