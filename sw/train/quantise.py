"""Post-training quantisation into any format: one scale per tensor, chosen on training images.

A tensor is multiplied by its scale and rounded. Tried are scales that bring its largest magnitude
to between 1/64 and the format's maximum, four to the octave; formats that saturate may also clip up
to an octave, others keep a factor of two in hand for images not seen. The least squared error wins;
of those within 2 % of it, the scale whose largest magnitude is closest to 1, which leaves most room
in the accumulator.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from hw.formats import Block, Fixed, Float, Format
from hw.formats.mix import Mix
from sw.network.digits import load_digits
from sw.network.model import INT8, Layer, Network, load_floats, load_network
from sw.network.reference import float_layers

SAMPLES = 20_000
"""Values of a tensor that are looked at."""

IMAGES = 256
"""Training images that calibrate, at least."""

HIGHEST, LOWEST = 1024.0, 1 / 64
"""Bounds of the scaled largest magnitude."""

WITHIN = 1.02


def best_scale(fmt: Format, values: NDArray, margin: bool = False) -> float:
    """The factor for `values` before they are rounded to `fmt`.

    `margin`: larger values may come.
    """
    values = np.asarray(values, np.float64).ravel()
    largest = np.abs(values).max()
    if not largest:
        return 1.0
    sample = values[:: -(-len(values) // SAMPLES)]
    saturates = not isinstance(fmt, Float) or fmt.saturate
    octaves = -1.0 if saturates else float(margin)
    top = min(fmt.max * 2.0**-octaves, HIGHEST)
    targets = top * 2.0 ** (-np.arange(0, 4 * np.log2(top / LOWEST)) / 4)
    targets = np.append(targets, fmt.max) if fmt.max <= HIGHEST and saturates else targets
    errors = [_error(fmt, sample, target / largest) for target in targets]
    good = targets[np.array(errors) <= WITHIN * min(errors)]
    return float(good[np.abs(np.log2(good)).argmin()] / largest)


def _error(fmt: Format, values: NDArray, scale: float) -> float:
    kept = np.asarray(fmt.quantize(values * scale), np.float64) / scale
    return float(np.square(kept - values).sum())


def quantise(network: Network, floats: list, images: NDArray, formats: Mix) -> Network:
    """`network`, whose float weights and biases are `floats`, in other formats.

    `images` are pixels; they calibrate.
    """
    tensors = [images, *float_layers(network, floats, images)]
    scales = [best_scale(formats.input, tensor, margin=True) for tensor in tensors]
    layers = []
    for number, (layer, (weights, bias)) in enumerate(zip(network.layers, floats, strict=True)):
        weights, bias = weights.astype(np.float64), bias.astype(np.float64)
        scale = best_scale(formats.weight, weights)
        before = scales[number] * scale
        layers.append(
            Layer(
                layer.name,
                formats.weight.quantize(weights * scale),
                _stored(formats, bias * before),
                float(np.float32(scales[number + 1] / before)),
                layer.relu,
                layer.stride,
                layer.padding,
            )
        )
    return Network(tuple(layers), network.input_shape, formats, scales[0])


def _stored(formats: Mix, bias: NDArray) -> NDArray:
    """Values of the accumulator for biases."""
    accumulator = formats.accumulator
    kept = accumulator.quantize(bias)
    return accumulator.values(kept) if isinstance(accumulator, Fixed) else kept


@cache
def network_in(formats: Mix) -> Network:
    """The digits network in `formats`; the stored one if they are int8's. ValueError for blocks,
    which no layer's outputs come in."""
    for fmt in (formats.input, formats.weight):
        if isinstance(fmt, Block):
            raise ValueError(
                f"the network's layers do not take {fmt.name}; they take formats without scales of "
                f"blocks, for example {fmt.element.name}"
            )
    network = load_network()
    if formats == INT8:
        return network
    images = load_digits().train_images
    return quantise(network, load_floats(), images[:: len(images) // IMAGES], formats)
