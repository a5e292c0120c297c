"""Random layers through the front door, as command lists and as loops, on odd machines."""

import numpy as np
import pytest

from alhena import Accelerator
from hw.config import PRESETS
from hw.formats import Int

TINY = PRESETS["tiny"]
small = {"sp_bank_rows": 256, "acc_bank_rows": 64}
narrow = dict.fromkeys(("input", "weight", "output"), Int(4)) | {"accumulator": Int(20)}
CONFIGS = {
    "4x4": TINY,
    "3x3, small memories": TINY.replace(name="three", dim=3, **small),
    "4x4 int4": TINY.replace(name="nibbles", **narrow),
    "9x9": TINY.replace(name="nine", dim=9, **small),
}
COUNT = 15
loops = pytest.mark.parametrize("loops", (False, True), ids=("commands", "loops"))
configs = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def seen(x, kernel, stride, padding):
    """[n, y, x, c, i, j]: what every output sees."""
    margin = (padding, padding)
    padded = np.pad(x, ((0, 0), margin, margin, (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(1, 2))
    return views[:, ::stride, ::stride]


@loops
@configs
def test_convolutions(config, loops):
    rng, accelerator = np.random.default_rng(1), Accelerator(config)
    for number in range(COUNT):
        inputs, outputs, size = (int(rng.integers(1, most)) for most in (11, 11, 10))
        kernel, stride = int(rng.choice([1, 2, 3])), int(rng.integers(1, 4))
        padding = int(rng.integers(0, 12 if number % 4 == 0 else 3))
        size = max(size, kernel)
        x = rng.integers(-4, 4, (1, size, size + number % 2, inputs))
        w = rng.integers(-2, 3, (kernel, kernel, inputs, outputs))
        got = accelerator.conv2d(x, w, stride=stride, padding=padding, loops=loops)
        want = np.einsum("nyxcij,ijco->nyxo", seen(x, kernel, stride, padding), w)
        np.testing.assert_array_equal(got, config.output.saturate(want))


@loops
@configs
def test_depthwise_convolutions(config, loops):
    rng, accelerator = np.random.default_rng(2), Accelerator(config)
    for _ in range(COUNT):
        channels, stride = int(rng.integers(1, 3 * config.dim + 2)), int(rng.integers(1, 8))
        padding, images = int(rng.integers(0, 3)), int(rng.integers(1, 3))
        x = rng.integers(-4, 4, (images, *rng.integers(3, 12, 2), channels))
        w = rng.integers(-2, 3, (3, 3, channels))
        got = accelerator.depthwise(x, w, stride=stride, padding=padding, loops=loops)
        want = np.einsum("nyxcij,ijc->nyxc", seen(x, 3, stride, padding), w)
        np.testing.assert_array_equal(got, config.output.saturate(want))


@loops
@configs
def test_products(config, loops):
    rng, accelerator = np.random.default_rng(3), Accelerator(config)
    for _ in range(COUNT):
        m, k, n = rng.integers(1, 24, 3)
        a, b = rng.integers(-4, 4, (m, k)), rng.integers(-4, 4, (k, n))
        got = accelerator.matmul(a, b, loops=loops)
        np.testing.assert_array_equal(got, config.output.saturate(a @ b))
