"""Elements times a float32, bit by bit, against numpy's own float32."""

import numpy as np
import pytest
from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.config import Config
from hw.formats import Int
from hw.sequential.scaler import Scaler, element_latency
from tests.cosim.configurations import CONFIGS
from tests.hw.arith.mac.bank import Bank
from tests.hw.arith.test_scale import SCALES, TINY, corners, expected

CONFIG = CONFIGS["4x4 sequential"]
FORMATS = {
    "int32 to int8": CONFIG,
    "int32 to uint8": CONFIG.replace(output=Int(8, False)),
    "int24 to int8": CONFIG.replace(accumulator=Int(24)),
    "int16 to uint8": CONFIG.replace(accumulator=Int(16), partial=None, output=Int(8, False)),
}
COUNT = 8_000


class Elements(wiring.Component):
    """Its ports as bits, with an element of which it chooses the bytes."""

    latency = 0

    def __init__(self, config: Config):
        self.width = config.accumulator.width
        self.scaler = Scaler(config)
        self.inputs = {"x": self.width, "scale": 32, "relu": 1, "run": 1}
        super().__init__({name: In(width) for name, width in self.inputs.items()} | {"o": Out(9)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.scaler = scaler = self.scaler
        m.d.comb += [
            scaler.byte.eq(self.x.word_select(scaler.index, 8)),
            scaler.negative.eq(self.x[-1]),
            *(getattr(scaler, name).eq(getattr(self, name)) for name in ("scale", "relu", "run")),
            self.o.eq(Cat(scaler.o, scaler.done)),
        ]
        return m


def elements(config: Config):
    """Corners under corner scales, random elements of all sizes, and products next to ties."""
    rng, source = np.random.default_rng(6), config.accumulator
    special = np.array(corners(source))
    x, scale = (each.ravel() for each in np.meshgrid(special, np.float32(SCALES + TINY)))
    wide = rng.integers(source.min, source.max + 1, COUNT) >> rng.integers(0, source.width, COUNT)
    near = np.where(wide == 0, 1, wide)
    any_code = rng.integers(0, 255 << 23, COUNT) | rng.integers(0, 2, COUNT) << 31
    halves = np.float32((rng.integers(-300, 300, COUNT) + 0.5) / near)
    beside = np.nextafter(halves, np.float32(rng.choice([-1, 1], COUNT) * np.inf))
    scales = (
        any_code.astype(np.uint32).view(np.float32),
        np.float32(rng.integers(-64, 65, COUNT) / 2.0 ** rng.integers(1, 30, COUNT)),
        np.float32(rng.normal(size=COUNT) * 200 / near),
        *(halves, beside, np.float32(2.0 ** rng.integers(-30, 10, COUNT))),
    )
    return np.concatenate([x, *[wide] * len(scales)]), np.concatenate([scale, *scales])


@pytest.mark.parametrize("name", FORMATS)
def test_elements_equal_numpy(name):
    config, rng = FORMATS[name], np.random.default_rng(7)
    source, target = config.accumulator, config.output
    x, scale = elements(config)
    relu = rng.random(len(x)) < 0.2
    period = element_latency(source) + 1
    pauses = rng.choice([0, 0, 0, 1, 3], len(x))  # before an element
    ends = np.cumsum(pauses + period) - 1
    runs = np.ones(ends[-1] + 1, int)
    starts = ends - period + 1
    for n in np.flatnonzero(pauses):
        runs[starts[n] - pauses[n] : starts[n]] = 0
    vectors = {
        "x": source.encode(x),
        "scale": scale.view(np.uint32),
        "relu": relu,
    }
    vectors = {k: np.repeat(v, pauses + period) for k, v in vectors.items()} | {"run": runs}
    got = Bank({"o": Elements(config)}).run("scaler", {"o": vectors})["o"].astype(int)
    assert (np.flatnonzero(got >> 8) == ends).all()
    want = np.where(relu, *(expected(x, scale, each, target) for each in (True, False)))
    wrong = target.decode(got[ends] & 255) != want
    assert not wrong.any(), np.stack([x, scale, relu, want])[:, wrong][:, :5]
