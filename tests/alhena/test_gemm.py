"""The fast emulator against the instruction-set simulator, through the front door."""

import numpy as np
import pytest

import alhena as al
from hw.formats import Draws

MIXES = (
    "int8*int8->int32",
    "e4m3fn*e4m3fn->fixed56e-18",
    "e4m3fn*e5m2->fp32",
    "e5m2*e5m2->e6m9",
    "e5m2*e5m2->e6m9-sr4",
    "bf16*bf16->fp32-rz",
    "e2m1*e2m1->fixed24e-2",
    "posit8es1*posit8es1->fixed64e-24",
)


@pytest.mark.parametrize("mix", MIXES)
def test_equals_the_machine(mix):
    config = al.Accelerator(f"tiny:format={mix}", "machine").config
    rng = np.random.default_rng(len(mix))
    m, k, n = 4, 23, 4  # one tile of C: random bits are drawn tile after tile
    a = config.input.quantize(rng.normal(size=(m, k)) * 3)
    b = config.weight.quantize(rng.normal(size=(k, n)))
    mac, random = al.Mac.of(config), None
    if config.stochastic:
        draws = Draws(config.dim)
        tiles = [draws.take(m, n, config.accumulator.bits) for _ in range(-(-k // config.dim))]
        random = np.concatenate(tiles)[:k]
    got = al.gemm(a, b, mac, random=random)
    want = al.Accelerator(config, "machine").matmul(a, b, full_width=True)
    np.testing.assert_array_equal(got.values, want)
    assert got.kernel
