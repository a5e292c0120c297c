"""A quantised network: layers with weights, biases and one float32 scale each."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw.formats.mix import Mix

INT8 = Mix.parse("int8")
"""Formats of the stored network."""

WEIGHTS = Path(__file__).with_name("digits.npz")


@dataclass(frozen=True)
class Layer:
    """y = relu(x·weights + bias) · scale, rounded; numerics of docs/numbers.md.

    `weights` are values [kernel, kernel, in, out] of a convolution, or [in, out] of a fully
    connected layer, which flattens its input; `bias` is [out], values of the accumulator. Arrays
    are ``int8`` and ``int32`` in the stored network, else ``int64`` or ``float64``.
    """

    name: str
    weights: NDArray
    bias: NDArray
    scale: float
    relu: bool = True
    stride: int = 1
    padding: int = 0

    @property
    def is_conv(self) -> bool:
        return self.weights.ndim == 4

    @property
    def kernel(self) -> int:
        return self.weights.shape[0] if self.is_conv else 1

    def output_shape(self, shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """(height, width, channels) of the output for an input of (height, width, channels)."""
        if not self.is_conv:
            return 1, 1, self.weights.shape[1]
        height, width = (
            (size + 2 * self.padding - self.kernel) // self.stride + 1 for size in shape[:2]
        )
        return height, width, self.weights.shape[3]

    def macs(self, shape: tuple[int, int, int]) -> int:
        """Multiply-accumulates for one image (padding counted, as every tool counts them)."""
        height, width, _ = self.output_shape(shape)
        return height * width * self.weights.size


@dataclass(frozen=True)
class Network:
    """Layers in order, the shape of one input image, and the formats of all layers.

    `input_scale` turns pixels into inputs of the first layer.
    """

    layers: tuple[Layer, ...]
    input_shape: tuple[int, int, int]
    formats: Mix = INT8
    input_scale: float = 1.0

    def inputs(self, pixels: NDArray) -> NDArray:
        """Values of the input format for images of pixels."""
        return self.formats.input.quantize(pixels * self.input_scale)

    def shapes(self) -> list[tuple[int, int, int]]:
        """Input shape of every layer, and the output shape of the last."""
        shapes = [self.input_shape]
        for layer in self.layers:
            shapes.append(layer.output_shape(shapes[-1]))
        return shapes

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image."""
        shapes = self.shapes()
        return sum(layer.macs(s) for layer, s in zip(self.layers, shapes[:-1], strict=True))


def save_network(path: Path, network: Network, floats: list[tuple[NDArray, NDArray]]):
    """Store a network with the float weights and biases that it was quantised from."""
    arrays: dict[str, NDArray] = {"input_shape": np.array(network.input_shape)}
    for layer, (weights, bias) in zip(network.layers, floats, strict=True):
        arrays[f"{layer.name}.weights"] = layer.weights.astype(np.int8)
        arrays[f"{layer.name}.bias"] = layer.bias.astype(np.int32)
        arrays[f"{layer.name}.scale"] = np.float32(layer.scale)
        arrays[f"{layer.name}.options"] = np.array([layer.relu, layer.stride, layer.padding])
        arrays[f"{layer.name}.float_weights"] = weights.astype(np.float32)
        arrays[f"{layer.name}.float_bias"] = bias.astype(np.float32)
    arrays["layers"] = np.array([layer.name for layer in network.layers])
    np.savez_compressed(path, **arrays)


def load_network(path: Path = WEIGHTS) -> Network:
    """The network stored in `path`; by default the digits network of this repository."""
    with np.load(path) as data:
        layers = []
        for name in (str(n) for n in data["layers"]):
            relu, stride, padding = (int(v) for v in data[f"{name}.options"])
            layers.append(
                Layer(
                    name,
                    data[f"{name}.weights"],
                    data[f"{name}.bias"],
                    float(data[f"{name}.scale"]),
                    bool(relu),
                    stride,
                    padding,
                )
            )
        return Network(tuple(layers), tuple(int(v) for v in data["input_shape"]))


def load_floats(path: Path = WEIGHTS) -> list[tuple[NDArray, NDArray]]:
    """Float weights and biases of every layer, in order."""
    with np.load(path) as data:
        return [
            (data[f"{name}.float_weights"], data[f"{name}.float_bias"])
            for name in (str(n) for n in data["layers"])
        ]
