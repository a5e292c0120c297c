"""Train the digits network in plain numpy and quantise it: ``python -m sw.train.digits``.

Three 3×3 convolutions (the last two with stride 2) and a classifier, Adam with a falling rate,
images shifted by up to one pixel. Post-training quantisation is symmetric with one scale per
tensor; activation scales come from training images. Fixed seeds: the result is the file in
``sw/network/digits.npz``.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sw.network.digits import Digits, load_digits
from sw.network.model import WEIGHTS, Layer, Network, save_network
from sw.network.reference import classify, run_float, run_network

from .layers import Adam, Conv, Dense, Relu, cross_entropy

SEED = 7
EPOCHS = 40
BATCH = 32
RATE = 2e-3
INPUT_MAX = 16


def build(rng) -> list:
    """The layers of the float network; every other one is a ReLU."""
    return [
        Conv(rng, 3, 1, 16, stride=1, padding=1),
        Relu(),
        Conv(rng, 3, 16, 32, stride=2, padding=1),
        Relu(),
        Conv(rng, 3, 32, 32, stride=2, padding=1),
        Relu(),
        Dense(rng, 2 * 2 * 32, 10),
    ]


def shifted(rng, images: NDArray) -> NDArray:
    """Every image moved by -1, 0 or 1 pixels in each direction, zeros moving in."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    size = images.shape[1]
    out = np.empty_like(images)
    for index, (down, right) in enumerate(rng.integers(0, 3, (len(images), 2))):
        out[index] = padded[index, down : down + size, right : right + size]
    return out


def train(
    data: Digits, epochs: int = EPOCHS, report: Callable[[int, float], None] = lambda *_: None
):
    """Train and return the layers; `report(epoch, loss)` after each epoch."""
    rng = np.random.default_rng(SEED)
    layers = build(rng)
    optimiser = Adam(layers)
    images = data.train_images.astype(np.float32) / INPUT_MAX
    for epoch in range(epochs):
        rate = RATE * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        losses = []
        order = rng.permutation(len(images))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            x = shifted(rng, images[batch])
            for layer in layers:
                x = layer.forward(x)
            loss, grad = cross_entropy(x, data.train_labels[batch])
            for layer in reversed(layers):
                grad = layer.backward(grad)
            optimiser.step(rate)
            losses.append(loss)
        report(epoch, float(np.mean(losses)))
    return layers


def quantise(layers: list, images: NDArray) -> tuple[Network, list[tuple[NDArray, NDArray]]]:
    """The int8 network and its float weights, scaled to take raw pixels.

    `images` calibrate the activation scales: the largest value of each layer becomes 127.
    """
    x = images.astype(np.float32) / INPUT_MAX
    in_scale = 1 / INPUT_MAX
    quantised, floats = [], []
    for index, layer in enumerate(layers):
        x = layer.forward(x)
        if isinstance(layer, Relu):
            continue
        relu = index + 1 < len(layers)
        weights, bias = layer.parameters
        weight_scale = np.abs(weights).max() / 127
        out_scale = (np.maximum(x, 0) if relu else np.abs(x)).max() / 127
        quantised.append(
            Layer(
                f"conv{len(quantised) + 1}" if isinstance(layer, Conv) else "fc",
                np.rint(weights / weight_scale).astype(np.int8),
                np.rint(bias / (in_scale * weight_scale)).astype(np.int32),
                float(np.float32(in_scale * weight_scale / out_scale)),
                relu,
                getattr(layer, "stride", 1),
                getattr(layer, "padding", 0),
            )
        )
        floats.append((weights / INPUT_MAX if not floats else weights, bias))
        in_scale = out_scale
    return Network(tuple(quantised), images.shape[1:]), floats


def main():
    """Train, quantise, print both accuracies on the held-out images and store the network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    output = parser.parse_args().output
    data = load_digits()
    layers = train(data, report=lambda epoch, loss: print(f"epoch {epoch + 1:2}: loss {loss:.4f}"))
    network, floats = quantise(layers, data.train_images)
    images, labels = data.test_images, data.test_labels
    exact = (classify(run_float(network, floats, images)) == labels).mean()
    small = (classify(run_network(network, images)[-1]) == labels).mean()
    save_network(output, network, floats)
    print(f"held-out {len(labels)} images: float {exact:.2%}, int8 {small:.2%}; stored in {output}")


if __name__ == "__main__":
    main()
