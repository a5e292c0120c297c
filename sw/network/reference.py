"""The network in plain numpy: the judge of every engine.

Nothing here knows the command set, the simulator, the compiler or the arithmetic of hw.formats.
Integers follow the output path of docs/semantics.md word by word: sum, ReLU, to float32, times
scale in float32, to the nearest integer (ties to even), saturated. All other formats take the path
of docs/numbers.md, *Scaling*, with the rounding of :mod:`.numbers` and the sums of :mod:`.sums`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hw.formats import Format, Int

from .model import Layer, Network
from .numbers import Values, nearest, significant
from .sums import Steps, dot

OUTPUT = Int(8)
"""What the stored network computes."""


def rescale(sums: NDArray, scale: float, relu: bool, output: Int = OUTPUT) -> NDArray:
    """Integer sums to integer values."""
    if relu:
        sums = np.maximum(sums, 0)
    product = sums.astype(np.float32) * np.float32(scale)
    return np.clip(np.rint(product), output.min, output.max).astype(np.int64)


def scaled(values: Values, scale: float, relu: bool, output: Format) -> Values:
    """Values of sums to values of `output`: to 24 bits, the product again, then to the format."""
    if relu:
        values = np.where(values <= 0, 0.0, values)
    with np.errstate(invalid="ignore"):
        product = significant(values) * np.float64(np.float32(scale))
    return nearest(output, significant(product))


def convolve(x: NDArray, layer: Layer) -> NDArray:
    """Integer sums of a convolution, one kernel position at a time."""
    images, height, width, _ = x.shape
    out_h, out_w, out_c = layer.output_shape(x.shape[1:])
    p, s = layer.padding, layer.stride
    padded = np.zeros((images, height + 2 * p, width + 2 * p, x.shape[3]), np.int64)
    padded[:, p : p + height, p : p + width] = x
    sums = np.broadcast_to(layer.bias, (images, out_h, out_w, out_c)).astype(np.int64)
    for i in range(layer.kernel):
        for j in range(layer.kernel):
            window = padded[:, i : i + out_h * s : s, j : j + out_w * s : s][:, :out_h, :out_w]
            sums += window @ layer.weights[i, j].astype(np.int64)
    return sums


def run_layer(x: NDArray, layer: Layer, width: int = 32, output: Int = OUTPUT) -> NDArray:
    """Integer output [images, height, width, channels] of a layer with sums of `width` bits."""
    if layer.is_conv:
        sums = convolve(x, layer)
    else:
        flat = x.reshape(len(x), -1).astype(np.int64)
        sums = (flat @ layer.weights.astype(np.int64) + layer.bias)[:, None, None]
    sums = sums << (64 - width) >> (64 - width)
    return rescale(sums, layer.scale, layer.relu, output)


def _patches(x: Values, layer: Layer) -> Values:
    """[images, out_h, out_w, K]: what every output sees, kernel lines first."""
    if not layer.is_conv:
        return x.reshape(len(x), 1, 1, -1)
    out_h, out_w, _ = layer.output_shape(x.shape[1:])
    p, s, reach = layer.padding, layer.stride, range(layer.kernel)
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    windows = [
        padded[:, i : i + out_h * s : s, j : j + out_w * s : s][:, :out_h, :out_w]
        for i in reach
        for j in reach
    ]
    return np.concatenate(windows, axis=3)


def run_values(x: Values, layer: Layer, formats, steps: Steps | None) -> Values:
    """Output values of a layer in any formats; `steps` are the tiles of K (default: one)."""
    seen = _patches(x, layer)
    k = seen.shape[3]
    weights = layer.weights.reshape(k, -1).astype(np.float64)
    flat, bias = seen.reshape(-1, k), layer.bias.astype(np.float64)
    total = dot(formats.accumulator, flat, weights, bias, steps or [(0, k)])
    out = scaled(total, layer.scale, layer.relu, formats.output)
    return out.reshape(*seen.shape[:3], -1)


def run_network(
    network: Network, images: NDArray, steps: Sequence[Steps | None] | None = None
) -> list[NDArray]:
    """Outputs of every layer; the last one holds the scores of the classes.

    `steps` are the tiles of K of every layer, in the order in which they are summed: it matters
    where sums are rounded or saturate.
    """
    outputs, formats = [], network.formats
    plain = all(isinstance(f, Int) for f in vars(formats).values())
    for number, layer in enumerate(network.layers):
        if plain:
            images = run_layer(images, layer, formats.accumulator.width, formats.output)
        else:
            tiles = steps[number] if steps else None
            images = run_values(np.asarray(images, np.float64), layer, formats, tiles)
        outputs.append(images)
    return outputs


def classify(scores: NDArray) -> NDArray:
    """The class with the highest score, the lowest index among equals."""
    return scores.reshape(len(scores), -1).argmax(1)


def run_float(network: Network, floats: list[tuple[NDArray, NDArray]], images: NDArray) -> NDArray:
    """Scores of the float network that was quantised."""
    return float_layers(network, floats, images)[-1]


def float_layers(
    network: Network, floats: list[tuple[NDArray, NDArray]], images: NDArray
) -> list[NDArray]:
    """Outputs of every layer of the float network."""
    x, outputs = images.astype(np.float32), []
    for layer, (weights, bias) in zip(network.layers, floats, strict=True):
        if layer.is_conv:
            x = _convolve_float(x, weights, layer) + bias
        else:
            x = (x.reshape(len(x), -1) @ weights + bias)[:, None, None]
        x = np.maximum(x, 0) if layer.relu else x
        outputs.append(x)
    return outputs


def _convolve_float(x: NDArray, weights: NDArray, layer: Layer) -> NDArray:
    out_h, out_w, _ = layer.output_shape(x.shape[1:])
    p, s = layer.padding, layer.stride
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    return sum(
        padded[:, i : i + out_h * s : s, j : j + out_w * s : s][:, :out_h, :out_w] @ weights[i, j]
        for i in range(layer.kernel)
        for j in range(layer.kernel)
    )
