"""Backward passes against differences of forward passes."""

import numpy as np
import pytest

from sw.train.layers import Conv, Dense, Relu, cross_entropy


def loss_of(layers, x, labels):
    for layer in layers:
        x = layer.forward(x)
    return cross_entropy(x, labels)


@pytest.mark.parametrize(("stride", "size", "flat"), [(1, 5, 75), (2, 6, 27), (2, 5, 27)])
def test_gradients_match_differences(stride, size, flat):
    rng = np.random.default_rng(stride)
    layers = [Conv(rng, 3, 2, 3, stride, 1), Relu(), Dense(rng, flat, 4)]
    for layer in layers:
        layer.parameters[:] = [p.astype(np.float64) for p in layer.parameters]
    x, labels = rng.normal(size=(3, size, size, 2)), np.array([0, 3, 1])
    _, grad = loss_of(layers, x, labels)
    for layer in reversed(layers):
        grad = layer.backward(grad)
    targets = [(x, grad)] + [
        pair
        for at in (0, 2)
        for pair in zip(layers[at].parameters, layers[at].gradients, strict=True)
    ]
    for values, gradient in targets:
        for index in rng.integers(0, values.size, 6):
            at = np.unravel_index(index, values.shape)
            kept, step = values[at], 1e-6
            values[at] = kept + step
            above = loss_of(layers, x, labels)[0]
            values[at] = kept - step
            below = loss_of(layers, x, labels)[0]
            values[at] = kept
            assert gradient[at] == pytest.approx((above - below) / (2 * step), abs=1e-5)
