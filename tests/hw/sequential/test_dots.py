"""The array of a sequential machine, of registers and of blocks, cycle by cycle against numpy."""

import numpy as np
import pytest
from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.config import Config
from hw.formats import Int
from hw.sequential.dots import Dots
from tests.cosim.configurations import CONFIGS
from tests.hw.arith.mac.bank import Bank
from tests.hw.arith.mac.test_chain import ice40_models, own_ice40_model

PLAIN = CONFIGS["4x4 sequential"]
CYCLES = 20_000


class Device:
    device = "UP5K"


class Rows(wiring.Component):
    """Its ports as bits."""

    latency = 0

    def __init__(self, config: Config):
        self.dots = Dots(config)
        dim = config.dim
        self.inputs = {"row": 8 * dim, "w": dim, "x": 1, "d": 1}
        members = {name: In(width) for name, width in self.inputs.items()}
        super().__init__(members | {"o": Out(dim * config.summed.width)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.dots = dots = self.dots
        m.d.comb += [dots.row.as_value().eq(self.row), self.o.eq(Cat(dots.sums))]
        m.d.comb += [dots.weights.eq(self.w), dots.inputs.eq(self.x), dots.addends.eq(self.d)]
        return m


def golden(config: Config, vectors: dict) -> np.ndarray:
    """Sums in every cycle."""
    dim, summed = config.dim, config.summed
    w, x, d = (np.zeros(shape, np.int64) for shape in ((dim, dim), dim, dim))
    rows = [(vectors["row"] >> np.uint64(8 * k)) & np.uint64(255) for k in range(dim)]
    rows, out = np.stack(rows, 1), []
    for n, row in enumerate(rows):
        codes = [int(v) & (1 << summed.width) - 1 for v in x @ w + d]
        out.append(sum(code << summed.width * c for c, code in enumerate(codes)))
        for k in range(dim):
            if vectors["w"][n] >> k & 1:
                w[k] = config.weight.decode(row)
        x = config.input.decode(row) if vectors["x"][n] else x
        d = config.input.decode(row) if vectors["d"][n] else d
    return np.array(out, object)


WAYS = {
    "registers": (None, lambda directory: ()),
    "blocks, by yosys' model": (Device(), ice40_models),
    "blocks, by ours": (Device(), own_ice40_model),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("signed", [(True, True), (False, True), (True, False), (False, False)])
def test_sums_are_those_of_the_rows_taken(way, signed, tmp_path):
    config = PLAIN.replace(
        input=Int(8, signed[0]), weight=Int(8, signed[1]), partial=None, products_per_dsp=2
    )
    rng = np.random.default_rng(4)
    vectors = {
        "row": rng.integers(0, 1 << 32, CYCLES, np.uint64),
        "w": rng.integers(0, 16, CYCLES) * (rng.random(CYCLES) < 0.2),
        "x": rng.integers(0, 2, CYCLES),
        "d": rng.integers(0, 2, CYCLES),
    }
    vectors["row"][: CYCLES // 4] = rng.choice([0x80, 0x7F, 0xFF], (CYCLES // 4, 4)) @ (
        1 << 8 * np.arange(4)
    )
    vectors["w"][0], vectors["x"][0], vectors["d"][0] = 15, 1, 1
    platform, models = WAYS[way]
    name = f"dots-{way.split()[-1]}"
    got = Bank({"o": Rows(config)}).run(name, {"o": vectors}, platform, models(tmp_path))["o"]
    assert (np.asarray(got, object)[1:] == golden(config, vectors)[1:]).all()
