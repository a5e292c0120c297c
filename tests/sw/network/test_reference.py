"""The integer reference against sums written out one by one."""

from fractions import Fraction

import numpy as np
import pytest

from sw.network.model import Layer
from sw.network.reference import convolve, rescale, run_layer


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(1, 1, 0), (3, 1, 1), (3, 2, 1), (2, 2, 0)]
)
def test_convolution_equals_its_definition(kernel, stride, padding):
    rng = np.random.default_rng(kernel * 10 + stride)
    x = rng.integers(-128, 128, (2, 5, 6, 3)).astype(np.int8)
    weights = rng.integers(-128, 128, (kernel, kernel, 3, 4)).astype(np.int8)
    bias = rng.integers(-1000, 1000, 4).astype(np.int32)
    layer = Layer("c", weights, bias, 1.0, stride=stride, padding=padding)
    got = convolve(x, layer)
    for image, row, col, channel in np.ndindex(got.shape):
        total = int(bias[channel])
        for i, j in np.ndindex(kernel, kernel):
            y, z = row * stride + i - padding, col * stride + j - padding
            if 0 <= y < 5 and 0 <= z < 6:
                total += sum(
                    int(x[image, y, z, c]) * int(weights[i, j, c, channel]) for c in range(3)
                )
        assert got[image, row, col, channel] == total


def half_even(value: Fraction) -> int:
    return round(value)


def test_rescale_rounds_ties_to_even_and_saturates():
    sums = np.array([-300, -5, -3, -1, 0, 1, 3, 5, 255, 300], np.int32)
    want = [max(-128, min(127, half_even(Fraction(int(s), 2)))) for s in sums]
    assert rescale(sums, 0.5, relu=False).tolist() == want
    assert rescale(sums, 0.5, relu=True).tolist() == [max(0, w) for w in want]


def test_rescale_rounds_large_sums_to_float32_first():
    sums = np.array([2**24 + 1, 2**24 + 3], np.int32)
    assert rescale(sums, 2.0**-18, relu=False).tolist() == [64, 64]
    assert rescale(np.array([33554433], np.int32), 2.0**-18, relu=False).tolist() == [127]


def test_fully_connected_flattens():
    x = np.arange(8, dtype=np.int8).reshape(1, 2, 2, 2)
    weights = np.arange(24, dtype=np.int8).reshape(8, 3)
    layer = Layer("f", weights, np.array([1, 2, 3], np.int32), 0.125, relu=False)
    sums = [sum(k * int(weights[k, j]) for k in range(8)) + j + 1 for j in range(3)]
    want = [min(127, half_even(Fraction(s, 8))) for s in sums]
    assert run_layer(x, layer).shape == (1, 1, 1, 3)
    assert run_layer(x, layer).ravel().tolist() == want
