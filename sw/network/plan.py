"""The network in memory: where every tensor lies, and the commands of every layer.

Activations are NHWC with a border of zeros as wide as the next convolution's padding, so that the
accelerator never has to treat edges specially. One program computes a layer for all images.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hw.config import Config
from hw.formats import Int
from sim.engine import Engine, Run
from sw.compiler.conv import conv2d
from sw.compiler.gemm import gemm
from sw.compiler.layout import Allocator, Image, Matrix
from sw.compiler.lines import Convolution
from sw.compiler.loop_conv import LoopConvolution, loop_conv
from sw.compiler.loop_gemm import Product, loop_gemm
from sw.compiler.program import Program

from .model import Layer, Network


@dataclass(frozen=True)
class Step:
    """One layer with its tensors' places and its program."""

    layer: Layer
    source: Image
    target: Image
    weights: Matrix
    bias: Matrix
    channels: tuple[int, int]
    program: Program


@dataclass
class Plan:
    """A network compiled for `images` images at a time on `config`.

    `constants` are the (address, bytes) of weights and biases; `allocator` goes on after the
    plan's last byte.
    """

    network: Network
    config: Config
    images: int
    allocator: Allocator
    steps: list[Step] = field(default_factory=list)
    constants: list[tuple[int, bytes]] = field(default_factory=list)

    def input_bytes(self, images: NDArray) -> tuple[int, bytes]:
        """(address, bytes) of input images [images, height, width, channels] with their border."""
        if images.shape != (self.images, *self.network.input_shape):
            want = (self.images, *self.network.input_shape)
            raise ValueError(f"images have shape {images.shape}; this plan is for {want}")
        border = self.steps[0].source.border
        padded = np.pad(images, ((0, 0), (border, border), (border, border), (0, 0)))
        return self.steps[0].source.address, padded.astype(np.int8).tobytes()

    def output(self, engine: Engine, number: int) -> NDArray:
        """Int8 output [images, height, width, channels] of layer `number`, read from memory."""
        image = self.steps[number].target
        channels, border = self.steps[number].channels[1], image.border
        data = engine.read(image.address, self.images * image.image_bytes)
        rows, cols = image.height + 2 * border, image.width + 2 * border
        values = np.frombuffer(data, np.int8).reshape(self.images, rows, cols, image.pixel_bytes)
        return values[:, border : rows - border, border : cols - border, :channels]

    def prepare(self, engine: Engine):
        """Write weights and biases, and zeros where borders will be read."""
        for address, data in self.constants:
            engine.write(address, data)
        for step in self.steps:
            for image in (step.source, step.target):
                engine.write(image.address, bytes(self.images * image.image_bytes))

    def execute(self, engine: Engine) -> list[Run]:
        """Run every layer; EngineError if one ends in an error."""
        return [engine.run(step.program.commands).check() for step in self.steps]

    def outputs(self, engine: Engine) -> list[NDArray]:
        """Int8 outputs of every layer."""
        return [self.output(engine, number) for number in range(len(self.steps))]


def make_plan(
    network: Network,
    config: Config,
    images: int,
    memory_bytes: int = 1 << 24,
    start: int = 64,
    loops: bool = False,
) -> Plan:
    """Compile `network` for `images` images on `config`, tensors from address `start` on.

    With `loops` layers are loop commands: a few, for hosts that are slow to send them.

    Raises ValueError if the configuration's formats are not int8 with an int32 accumulator, or if
    memory is too small.
    """
    for name, want in (("input", Int(8)), ("accumulator", Int(32)), ("output", Int(8))):
        have = getattr(config, name)
        if have != want:
            raise ValueError(
                f"Config.{name} of {config.name!r} is {have.name}; the network needs {want.name}"
            )
    plan = Plan(network, config, images, Allocator(start, memory_bytes))
    shapes = network.shapes()
    borders = [layer.padding for layer in network.layers] + [0]
    buffers = [
        _buffer(plan, f"tensor {index}", shape, border)
        for index, (shape, border) in enumerate(zip(shapes, borders, strict=True))
    ]
    for index, layer in enumerate(network.layers):
        constants = []
        for name, values in (("weights", layer.weights), ("bias", layer.bias)):
            data = np.ascontiguousarray(values).tobytes()
            address = plan.allocator.take(f"{layer.name} {name}", len(data))
            plan.constants.append((address, data))
            constants.append(address)
        weights = Matrix(constants[0], layer.weights.shape[-1])
        bias = Matrix(constants[1], 0)
        source, target = buffers[index], buffers[index + 1]
        channels = shapes[index][2], shapes[index + 1][2]
        compiled = _loops if loops else _commands
        program = compiled(config, layer, images, source, target, weights, bias, channels)
        plan.steps.append(Step(layer, source, target, weights, bias, channels, program))
    return plan


def _buffer(plan: Plan, name: str, shape: tuple[int, int, int], border: int) -> Image:
    height, width, channels = shape
    image = Image(0, height, width, channels, border)
    address = plan.allocator.take(name, plan.images * image.image_bytes)
    return Image(address, height, width, channels, border)


def _commands(config, layer, images, source, target, weights, bias, channels) -> Program:
    options = {"scale": layer.scale, "relu": layer.relu}
    if layer.is_conv:
        kernel = (layer.kernel, layer.kernel)
        conv = Convolution(images, *channels, kernel, layer.stride, layer.padding)
        return conv2d(config, conv, source, weights.address, target, bias.address, **options)
    pitch = source.image_bytes
    a, c = Matrix(source.address, pitch), Matrix(target.address, target.image_bytes)
    return gemm(config, images, channels[1], pitch, a, weights, c, bias, **options)


def _loops(config, layer, images, source, target, weights, bias, channels) -> Program:
    options = {"scale": layer.scale, "relu": layer.relu}
    if layer.is_conv:
        shape = images, source.height, source.width, *channels, (layer.kernel, layer.kernel)
        size, pads = (target.height, target.width), (layer.padding, layer.padding)
        conv = LoopConvolution(*shape, *size, layer.stride, pads)
        return loop_conv(config, conv, source, weights.address, target, bias.address, **options)
    pitch = source.image_bytes
    a, c = Matrix(source.address, pitch), Matrix(target.address, target.image_bytes)
    product = Product(images, channels[1], pitch, a, weights, c, bias)
    return loop_gemm(config, product, **options)
