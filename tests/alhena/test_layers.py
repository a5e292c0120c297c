"""Layers through the front door on the simulator: every way of lowering gives numpy's result."""

import numpy as np
import pytest

from alhena import Accelerator
from hw.config import PRESETS
from sw.compiler.pooled import Pool

WHOLE = PRESETS["tiny"].replace(
    name="layers",
    output_stationary=True,
    depthwise=True,
    first_layer=True,
    pooling=True,
    spad_store=True,
    loop_ws=True,
    loop_conv=True,
)
RNG = np.random.default_rng(3)


@pytest.fixture
def accelerator():
    return Accelerator(WHOLE)


def random(*shape):
    return RNG.integers(-128, 128, shape)


def scaled(sums, scale):
    return np.rint(sums.astype(np.float32) * np.float32(scale)).clip(-128, 127)


@pytest.mark.parametrize("loops", (False, True))
@pytest.mark.parametrize("stationary", (False, True))
def test_products(accelerator, loops, stationary):
    a, b, d = random(9, 14), random(14, 11), random(11)
    options = {"loops": loops, "output_stationary": stationary}
    got = accelerator.matmul(a, b, d, scale=0.01, **options)
    np.testing.assert_array_equal(got, scaled(a @ b + d, 0.01))
    np.testing.assert_array_equal(accelerator.matmul(a, b, full_width=True, **options), a @ b)


@pytest.mark.parametrize("loops", (False, True))
def test_pooled_convolutions(accelerator, loops):
    x, w, bias = random(1, 8, 8, 3), random(3, 3, 3, 6), random(6)
    options = {"padding": 1, "scale": 0.01, "relu": True}
    plain = accelerator.conv2d(x, w, bias, loops=loops, **options)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    sums = np.einsum("nyxcij,ijco->nyxo", views, w) + bias
    np.testing.assert_array_equal(plain, scaled(np.maximum(sums, 0), 0.01))
    pooled = accelerator.conv2d(x, w, bias, pool=Pool(2, 2), loops=loops, **options)
    np.testing.assert_array_equal(pooled, plain.reshape(1, 4, 2, 4, 2, 6).max(axis=(2, 4)))


def test_sums(accelerator):
    a, b = random(9, 22), random(9, 22)
    got = accelerator.add(a, b, scales=(0.5, 1.0), scale=0.75, relu=True)
    want = scaled(np.maximum(np.rint(a * 0.5) + b, 0), 0.75)
    np.testing.assert_array_equal(got, want)
    with pytest.raises(ValueError, match=r"a has shape \(9, 22\) and b \(9, 21\)"):
        accelerator.add(a, b[:, 1:])


def test_chains(accelerator):
    x, weights = random(1, 10), [random(10, 7), random(7, 12)]
    options = {"scales": (0.01, 0.01), "relus": (True, False)}
    want = scaled(np.maximum(x @ weights[0], 0), 0.01).astype(int) @ weights[1]
    for _ in range(2):
        got = accelerator.dense(x, weights, **options)
        np.testing.assert_array_equal(got, scaled(want, 0.01))


def test_depthwise_names_wrong_weights(accelerator):
    with pytest.raises(ValueError, match=r"w has shape \(3, 3, 4\); it must be \(3, 3, 5\)"):
        accelerator.depthwise(random(1, 6, 6, 5), random(3, 3, 4))
