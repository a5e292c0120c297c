"""The network in plain numpy integers: the judge of every engine.

Nothing here knows the command set, the simulator or the compiler; the arithmetic follows the
output path of docs/semantics.md: int32 sum, ReLU, to float32, times scale in float32, to the
nearest integer (ties to even), saturated to int8.
"""

import numpy as np
from numpy.typing import NDArray

from .model import Layer, Network


def rescale(sums: NDArray, scale: float, relu: bool) -> NDArray:
    """Int32 sums to int8 values."""
    if relu:
        sums = np.maximum(sums, 0)
    product = sums.astype(np.float32) * np.float32(scale)
    return np.clip(np.rint(product), -128, 127).astype(np.int8)


def convolve(x: NDArray, layer: Layer) -> NDArray:
    """Int32 sums of a convolution, one kernel position at a time."""
    images, height, width, _ = x.shape
    out_h, out_w, out_c = layer.output_shape(x.shape[1:])
    p, s = layer.padding, layer.stride
    padded = np.zeros((images, height + 2 * p, width + 2 * p, x.shape[3]), np.int32)
    padded[:, p : p + height, p : p + width] = x
    sums = np.broadcast_to(layer.bias, (images, out_h, out_w, out_c)).astype(np.int32)
    for i in range(layer.kernel):
        for j in range(layer.kernel):
            window = padded[:, i : i + out_h * s : s, j : j + out_w * s : s][:, :out_h, :out_w]
            sums += window @ layer.weights[i, j].astype(np.int32)
    return sums


def run_layer(x: NDArray, layer: Layer) -> NDArray:
    """Int8 output [images, height, width, channels] of one layer."""
    if layer.is_conv:
        sums = convolve(x, layer)
    else:
        flat = x.reshape(len(x), -1).astype(np.int32)
        sums = (flat @ layer.weights.astype(np.int32) + layer.bias)[:, None, None]
    return rescale(sums, layer.scale, layer.relu)


def run_network(network: Network, images: NDArray) -> list[NDArray]:
    """Outputs of every layer; the last one holds the scores of the classes."""
    outputs = []
    for layer in network.layers:
        images = run_layer(images, layer)
        outputs.append(images)
    return outputs


def classify(scores: NDArray) -> NDArray:
    """The class with the highest score, the lowest index among equals."""
    return scores.reshape(len(scores), -1).argmax(1)


def run_float(network: Network, floats: list[tuple[NDArray, NDArray]], images: NDArray) -> NDArray:
    """Scores of the float network that was quantised."""
    x = images.astype(np.float32)
    for layer, (weights, bias) in zip(network.layers, floats, strict=True):
        if layer.is_conv:
            x = _convolve_float(x, weights, layer) + bias
        else:
            x = (x.reshape(len(x), -1) @ weights + bias)[:, None, None]
        x = np.maximum(x, 0) if layer.relu else x
    return x


def _convolve_float(x: NDArray, weights: NDArray, layer: Layer) -> NDArray:
    out_h, out_w, _ = layer.output_shape(x.shape[1:])
    p, s = layer.padding, layer.stride
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    return sum(
        padded[:, i : i + out_h * s : s, j : j + out_w * s : s][:, :out_h, :out_w] @ weights[i, j]
        for i in range(layer.kernel)
        for j in range(layer.kernel)
    )
