"""The stored network: accuracy, shapes, and the split it is judged on."""

import numpy as np
import pytest

from sw.network.digits import load_digits
from sw.network.model import load_floats, load_network
from sw.network.reference import classify, run_float, run_network


@pytest.fixture(scope="module")
def data():
    return load_digits()


@pytest.fixture(scope="module")
def network():
    return load_network()


def test_split_holds_out_a_quarter(data):
    assert len(data.test_images) == 450
    assert len(data.train_images) == 1347
    assert data.test_images.dtype == np.int8
    assert (data.test_images.min(), data.test_images.max()) == (0, 16)
    train = {image.tobytes() for image in data.train_images}
    assert not [image for image in data.test_images if image.tobytes() in train]


def test_split_is_fixed(data):
    assert data.test_labels[:12].tolist() == [7, 7, 1, 2, 4, 2, 3, 1, 9, 4, 2, 9]


def test_network_is_convolutional(network):
    assert [layer.name for layer in network.layers] == ["conv1", "conv2", "conv3", "fc"]
    assert network.shapes() == [(8, 8, 1), (8, 8, 16), (4, 4, 32), (2, 2, 32), (1, 1, 10)]
    assert network.macs == 64 * 9 * 16 + 16 * 144 * 32 + 4 * 288 * 32 + 128 * 10


def test_accuracy(data, network):
    labels = data.test_labels
    small = (classify(run_network(network, data.test_images)[-1]) == labels).mean()
    exact = (classify(run_float(network, load_floats(), data.test_images)) == labels).mean()
    assert exact >= 0.97
    assert small >= 0.96
    assert exact - small <= 0.01


def test_weights_use_their_range(network):
    for layer in network.layers:
        assert layer.weights.dtype == np.int8 and layer.bias.dtype == np.int32
        assert np.abs(layer.weights.astype(int)).max() == 127
