"""Quantisation after training: scales that suit, networks that still know their digits."""

import numpy as np
import pytest

from hw.formats import Float, Int
from hw.formats.mix import Mix
from hw.formats.names import parse_format
from sw.network.digits import load_digits
from sw.network.model import load_network
from sw.network.reference import classify, run_network
from sw.train.quantise import best_scale, network_in

NORMAL = np.random.default_rng(0).normal(size=5000)

ACCURACY = {
    "int4": 0.94,
    "e4m3fn": 0.975,
    "e5m2": 0.965,
    "e2m1": 0.94,
    "e3m2": 0.965,
    "bf16": 0.98,
    "posit8es1": 0.975,
    "int8->bf16": 0.97,
    "e4m3fn*e5m2->fp32": 0.965,
    "int8*e4m3fn": 0.96,
}


@pytest.mark.parametrize("name", ["int8", "int4", "e4m3fn", "e2m1", "fp16", "posit8es1"])
def test_no_other_scale_is_much_better(name):
    fmt = parse_format(name)

    def error(scale):
        return np.square(fmt.quantize(NORMAL * scale) / scale - NORMAL).sum()

    best = error(best_scale(fmt, NORMAL))
    assert best <= 1.1 * min(error(2.0 ** (n / 8)) for n in range(-40, 40))


def test_formats_that_overflow_keep_a_margin():
    largest = np.abs(NORMAL).max()
    for name in ("e4m3fn", "e5m2", "fp16"):
        fmt = Float.parse(name)
        assert largest * best_scale(fmt, NORMAL, margin=True) <= fmt.max / 2
    assert best_scale(Int(8), np.zeros(4)) == 1


def test_the_stored_network_is_the_one_of_int8():
    network = load_network()
    same = network_in(Mix.parse("int8"))
    assert all(
        np.array_equal(a.weights, b.weights) and a.scale == b.scale
        for a, b in zip(network.layers, same.layers, strict=True)
    )


@pytest.mark.parametrize(("name", "least"), ACCURACY.items())
def test_networks_still_know_their_digits(name, least):
    data, mix = load_digits(), Mix.parse(name)
    network = network_in(mix)
    for layer in network.layers:
        assert np.array_equal(mix.weight.quantize(layer.weights), layer.weights)
    scores = run_network(network, network.inputs(data.test_images[:100]))[-1]
    assert np.isfinite(scores).all()
    assert (classify(scores) == data.test_labels[:100]).mean() >= least
