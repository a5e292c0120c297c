"""Approximate multipliers against the hardware unit's golden model, step by step."""

import numpy as np
import pytest

from hw.arith.mac import Mac as Unit
from hw.arith.mac import Multiplier
from hw.arith.mac.mac import leaves
from hw.formats import parse_accumulator, parse_format, sums
from sim.emulator import Mac, gemm

CUT = Multiplier("cut", lambda a, b: a * b & ~3)
EXACT = Multiplier("exact", lambda a, b: a * b)

# input, weight, sum, loop
COMBINATIONS = [
    ("int8", "int8", "int32", "steps in float64"),
    ("int8", "uint4", "int16", "steps in float64"),
    ("e2m1", "e2m1", "fixed17e-2", "steps in float64"),
    ("e4m3fn", "e4m3fn", "fixed49e-18", "steps in float64"),
    ("e4m3fn", "e4m3fn", "fixed24e-8-sat", "steps in float64"),
    ("e5m2", "e5m2", "fixed77e-32", "tiles"),
    ("posit8es1", "posit8es1", "fixed58e-24", "tiles"),
    ("e5m2", "e5m2", "e6m9", "float32"),
    ("e4m3fn", "int8", "fp32", "float64"),
    ("e5m2", "e5m2", "e6m9-sr8", None),
    ("e4m3", "e4m3", "e5m6-rz", None),
]


@pytest.mark.parametrize("multiplier", [CUT, EXACT], ids=lambda m: m.name)
@pytest.mark.parametrize("case", COMBINATIONS, ids=lambda case: "-".join(case[:3]))
def test_equals_the_unit(case, multiplier):
    formats, total = [parse_format(name) for name in case[:2]], parse_accumulator(case[2])
    mac = Mac(*formats, total, dim=16, multiplier=multiplier)
    unit = Unit(*formats, total, multiplier=multiplier)
    rng = np.random.default_rng(5)
    m, k, n = 12, 16, 11
    a, b = (
        rng.integers(0, 1 << formats[0].width, (m, k)),
        rng.integers(0, 1 << formats[1].width, (k, n)),
    )
    bits = getattr(total, "bits", 0)
    random = rng.integers(0, 1 << bits, (k, m, n)) if bits else None
    state = np.zeros((m, n), np.uint64)
    for step in range(k):
        draws = 0 if random is None else random[step]
        x, y = np.broadcast_arrays(a[:, step, None], b[step])
        state = unit.golden(x, y, state, draws)
    arithmetic = sums(total)
    want = arithmetic.raw(leaves(unit, state))
    values = formats[0].decode(a), formats[1].decode(b)
    got = gemm(*values, mac, random=random)
    np.testing.assert_array_equal(got.raw, want)
    if case[3]:
        assert got.kernel == case[3]
    if multiplier is EXACT:
        plain = gemm(*values, Mac(*formats, total, dim=16), random=random)
        np.testing.assert_array_equal(got.raw, plain.raw)
    deep = np.tile(values[0], 3)[:, :41], np.tile(values[1], (3, 1))[:41]
    draws = None if random is None else np.tile(random, (3, 1, 1))[:41]
    again = gemm(*deep, mac, d=values[0][:, :11], random=draws)
    golden = mac.golden(*deep, values[0][:, :11], None, 0 if draws is None else draws)
    np.testing.assert_array_equal(again.raw, golden)


def test_wide_operands_are_refused():
    formats = [parse_format("fp16")] * 2
    mac = Mac(*formats, parse_accumulator("fp32"), multiplier=CUT)
    with pytest.raises(ValueError, match="fp16 and fp16 have 32 bits; an emulated multiplier"):
        gemm(np.zeros((1, 1)), np.zeros((1, 1)), mac)
