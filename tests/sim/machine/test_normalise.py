"""Normalisation in the simulator: against the page in plain integers, and against real numbers."""

import math
import random

import numpy as np
import pytest

from hw.config import PRESETS
from hw.formats import Int
from hw.isa import ErrorCode, Local, encode, float_bits
from sim.machine import Machine
from sim.machine.normalise import gather, scale_by_power, transform
from tests.support.normalisation import Page
from tests.support.vectors import gelu_constants, gelu_scale, normalise, softmax_constants

BASE = PRESETS["tiny"].replace(name="norm", normalisation=True, acc_bank_rows=512)
NARROW = {"input": Int(2), "weight": Int(2), "output": Int(2), "accumulator": Int(4)}
WIDE = {"input": Int(16), "weight": Int(16), "output": Int(16)}
CONFIGS = {
    "32 bits": BASE,
    "24 bits to uint8": BASE.replace(accumulator=Int(24), output=Int(8, False), dim=5),
    "16 bits": BASE.replace(accumulator=Int(16), dim=3),
    "4 bits": BASE.replace(**NARROW),
    "to int16": BASE.replace(**WIDE),
}


def word(rng):
    return rng.getrandbits(32) >> rng.randrange(32)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_simulator_follows_the_page(config):
    rng, width = random.Random(config.name), config.accumulator.width
    norm = Machine(config, 64).state.norm
    page = Page(width, config.output.max, config.dim)
    for _ in range(400):
        if rng.random() < 0.2:
            step = 2.0 ** -rng.uniform(0, 14)
            fields = rng.choice((softmax_constants(step), gelu_constants(step)))
            fields = fields if rng.random() < 0.7 else dict.fromkeys(fields, word(rng))
            fields = {name: value & 0xFFFF_FFFF for name, value in fields.items()}
            fields = {"q_const": word(rng), "igelu_qb": 0, "igelu_qc": 0} | fields
            kept = {"stat_id": rng.randrange(4), "stat_only": 0, "activation_msb": 0}
            norm.configure(kept | fields | {"q_const_type": rng.random() < 0.2})
            page.qln2, page.qb, page.qc = norm.qln2, norm.qb, norm.qc
            assert page.qb % 2**32 == fields["igelu_qb"]
        norm.stat_id = stat = rng.randrange(4)
        bits = rng.randint(1, width)
        shape = rng.randint(1, 3), rng.randint(1, 3 * config.dim)
        values = [[rng.getrandbits(bits) - (1 << bits - 1) for _ in range(shape[1])]] * shape[0]
        rows = [
            row[start : start + config.dim]
            for row in values
            for start in range(0, shape[1], config.dim)
        ]
        passes = rng.choice(((2, 4), (5, 7), (rng.randint(1, 7),)))
        for step in passes:
            gather(config, norm, step, np.array(values))
            page.gather(stat, step, rows)
        assert vars(norm.statistics) | {"series": 0} == page.sets[stat] | {"series": 0}
        activation = {2: 2, 5: 4}.get(passes[0], rng.choice((2, 3, 4)))
        got, power = transform(config, norm, activation, np.array(values))
        assert got.tolist() == [[page.value(stat, activation, x) for x in row] for row in values]
        scale = word(rng) & ~(1 << 30)
        assert power == page.power(activation)
        scaled = scale_by_power(np.uint32(scale).view(np.float32), power)
        assert int(scaled.view(np.uint32)) & 0x7FFF_FFFF == (
            page.scale(activation, scale) & 0x7FFF_FFFF
        )


def test_a_series_leaves_out_rows_beyond_65535_elements():
    config = BASE.replace(dim=4)
    norm = Machine(config, 64).state.norm
    page = Page(32, 127, 4, 65535)
    gather(config, norm, 1, np.full((1, 65534), 3))
    page.sets[0].update(series="sum", count=65534, total=3 * 65534)
    for values in ([[5, 6]], [[7]], [[8], [9]]):
        gather(config, norm, 1, np.array(values))
        page.gather(0, 1, values)
    gather(config, norm, 2, np.array([[11]]))
    page.gather(0, 2, [[11]])
    assert norm.statistics.count == page.sets[0]["count"] == 65535
    assert norm.statistics.centre == page.sets[0]["centre"] == 24


def run(config, values, activation, scale, constants=()):
    """The normalised rows of `values`, by commands."""
    rows, cols = values.shape
    machine = Machine(config, 1 << 16)
    machine.write(64, values.astype("<i4").tobytes())
    program = normalise(config, 64, 1 << 15, rows, cols, activation, scale, constants)
    assert machine.run(program).error is ErrorCode.NONE
    data = machine.read(1 << 15, values.size * config.output.width // 8)
    return np.frombuffer(data, f"<i{config.output.width // 8}").reshape(values.shape)


def error(got, wanted):
    return float(np.abs(got - wanted).max())


@pytest.mark.parametrize("config, worst", [(BASE, 0.7), (CONFIGS["to int16"], 200)])
@pytest.mark.parametrize("step", [0.01, 0.001, 0.0002])
def test_softmax_against_real_numbers(config, worst, step):
    """127 (32767) is certainty; I-BERT's polynomial and ln 2 in whole steps are off by 0.6 %."""
    rng, most = np.random.default_rng(1), config.output.max
    for cols in (7, 64, 384):
        x = np.rint(rng.normal(0, 2, (4, cols)) / step).astype(int)
        e = np.exp((x - x.max(1, keepdims=True)) * step)
        share = e / e.sum(1, keepdims=True)
        got = run(config, x, 4, 1.0, softmax_constants(step))
        assert error(got, share * most) < worst


@pytest.mark.parametrize("deviation, worst", [(5, 1.2), (30, 0.6), (1000, 0.51), (1e6, 0.51)])
def test_layernorm_against_real_numbers(deviation, worst):
    rng, scale = np.random.default_rng(2), 127 / 4
    for cols in (7, 64, 384):
        x = np.rint(rng.normal(rng.normal(), 1, (4, cols)) * deviation).astype(int)
        normal = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
        assert error(run(BASE, x, 2, scale), np.clip(normal * scale, -128, 127)) < worst


@pytest.mark.parametrize("step", [0.05, 0.01, 0.001, 0.0001])
def test_gelu_against_real_numbers(step):
    """In steps of 1/16; I-BERT's polynomial is off by 0.02 at most."""
    real = np.linspace(-8, 8, 360).reshape(4, 90)
    x = np.rint(real / step).astype(int)
    wanted = [r * step / 2 * (1 + math.erf(r * step / math.sqrt(2))) for r in x.flat]
    got = run(BASE, x, 3, gelu_scale(step, 1 / 16), gelu_constants(step))
    assert error(got, np.clip(np.reshape(wanted, x.shape) * 16, -128, 127)) < 0.5 + 16 * 0.022


def test_one_value_only():
    """No deviation: zeros. A vector of one: certainty."""
    x = np.full((2, 9), 12345)
    assert not run(BASE, x, 2, 30.0).any()
    assert (run(BASE, x[:, :1], 4, 1.0, softmax_constants(0.01)) == 127).all()


def test_commands_and_their_errors():
    m = Machine(BASE, 1 << 12)
    one = float_bits(1.0)
    assert m.run([encode("config_norm", stat_id=4)]).error is ErrorCode.BAD_CONFIG
    m.reset()
    m.accumulator[0] = (5, -5, 1, 0)
    m.write(0, bytes([77] * 16))
    sum_step = encode("mvout", local=Local.ACC | 1 << Local.NORM_LSB, rows=1, cols=4)
    assert m.run([sum_step]).error is ErrorCode.NONE
    assert m.read(0, 16) == bytes([77] * 16)  # writes nothing
    plain = encode("mvout", local=Local.ACC, rows=1, cols=4)
    relu = encode("config_st", activation=1, scale=one)
    m.run([encode("config_norm", activation_msb=1), relu, plain])
    assert m.read(0, 4) == bytes([5, 0, 1, 0])  # config_st leaves softmax
    m.run([relu, encode("config_norm", activation_msb=1), plain])
    assert m.read(0, 4) == bytes(4)  # qln2 is 0
