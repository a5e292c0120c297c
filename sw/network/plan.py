"""The network in memory: where every tensor lies, and the commands of every layer.

Activations are NHWC with a border of zeros as wide as the next convolution's padding, so that the
accelerator never has to treat edges specially. One program computes a layer for all images.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hw.config import Config
from hw.formats import Format, pack, row_bytes
from hw.formats.mix import Mix
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
        rows = padded.reshape(-1, images.shape[3])
        return self.steps[0].source.address, pack_rows(self.config.input, rows)

    def output(self, engine: Engine, number: int) -> NDArray:
        """Output values [images, height, width, channels] of layer `number`, read from memory."""
        image = self.steps[number].target
        channels, border = self.steps[number].channels[1], image.border
        data = engine.read(image.address, self.images * image.image_bytes)
        rows, cols = image.height + 2 * border, image.width + 2 * border
        values = unpack_rows(self.config.output, data, self.images * rows * cols, channels)
        values = values.reshape(self.images, rows, cols, channels)
        return values[:, border : rows - border, border : cols - border]

    def tiles(self) -> list[tuple[tuple[int, int], ...]]:
        """For every layer, the parts of K in the order in which the accelerator sums them."""
        return [step.program.steps for step in self.steps]

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
        """Output values of every layer."""
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

    Raises ValueError if the configuration's formats are not the network's, if tensors cannot be
    packed as it needs, or if memory is too small.
    """
    check(network, config)
    plan = Plan(network, config, images, Allocator(start, memory_bytes))
    shapes = network.shapes()
    borders = [layer.padding for layer in network.layers] + [0]
    buffers = [
        _buffer(plan, config.input, f"tensor {index}", shape, border)
        for index, (shape, border) in enumerate(zip(shapes, borders, strict=True))
    ]
    for index, layer in enumerate(network.layers):
        constants = []
        for name, data in _constants(config, layer):
            address = plan.allocator.take(f"{layer.name} {name}", len(data))
            plan.constants.append((address, data))
            constants.append(address)
        weights = Matrix(constants[0], row_bytes(config.weight, layer.weights.shape[-1]))
        bias = Matrix(constants[1], 0)
        source, target = buffers[index], buffers[index + 1]
        channels = shapes[index][2], shapes[index + 1][2]
        compiled = _loops if loops else _commands
        program = compiled(config, layer, images, source, target, weights, bias, channels)
        plan.steps.append(Step(layer, source, target, weights, bias, channels, program))
    return plan


def check(network: Network, config: Config) -> None:
    """ValueError unless `network` can be compiled for `config`."""
    have = Mix.of(config)
    if have != network.formats:
        raise ValueError(
            f"Config {config.name!r} computes in {have.name}; the network needs "
            f"{network.formats.name}"
        )
    if config.input != config.output:
        raise ValueError(
            f"Config.output of {config.name!r} is {config.output.name}; outputs of a layer are the "
            f"next one's inputs, here {config.input.name}"
        )
    if not config.mvout_scale:
        raise ValueError(
            f"Config.mvout_scale of {config.name!r} is False; the network's layers need it: they "
            "scale their outputs"
        )
    for layer, shape in zip(network.layers, network.shapes(), strict=False):
        if not layer.is_conv and shape[2] * config.input.width % 8:
            raise ValueError(
                f"{layer.name} reads pixels of {shape[2]} {config.input.name}, not whole bytes"
            )


def _constants(config: Config, layer: Layer) -> list[tuple[str, bytes]]:
    """Weights, rows of output channels on whole bytes, and bias."""
    weights = pack_rows(config.weight, layer.weights.reshape(-1, layer.weights.shape[-1]))
    accumulator = config.accumulator
    return [("weights", weights), ("bias", pack(accumulator, accumulator.quantize(layer.bias)))]


def pack_rows(fmt: Format, values: NDArray) -> bytes:
    """``values[rows, cols]``, every row packed to the bit and filled up to whole bytes."""
    codes = fmt.encode(values)
    bits = codes[:, :, None] >> np.arange(fmt.width, dtype=np.uint64) & np.uint64(1)
    bits = bits.astype(np.uint8).reshape(len(codes), -1)
    return np.packbits(bits, axis=1, bitorder="little").tobytes()


def unpack_rows(fmt: Format, data: bytes, rows: int, cols: int) -> NDArray:
    """The inverse of :func:`pack_rows`."""
    packed = np.frombuffer(data, np.uint8).reshape(rows, -1)
    bits = np.unpackbits(packed, axis=1, bitorder="little")[:, : cols * fmt.width]
    bits = bits.reshape(rows, cols, fmt.width).astype(np.uint64)
    return fmt.decode((bits << np.arange(fmt.width, dtype=np.uint64)).sum(2, dtype=np.uint64))


def _buffer(plan: Plan, fmt: Format, name: str, shape: tuple[int, int, int], border: int) -> Image:
    height, width, channels = shape
    image = Image(0, height, width, row_bytes(fmt, channels), border)
    address = plan.allocator.take(name, plan.images * image.image_bytes)
    return replace(image, address=address)


def _commands(config, layer, images, source, target, weights, bias, channels) -> Program:
    options = {"scale": layer.scale, "relu": layer.relu}
    if layer.is_conv:
        kernel = (layer.kernel, layer.kernel)
        conv = Convolution(images, *channels, kernel, layer.stride, layer.padding)
        return conv2d(config, conv, source, weights.address, target, bias.address, **options)
    a, c = Matrix(source.address, source.image_bytes), Matrix(target.address, target.image_bytes)
    return gemm(config, images, channels[1], len(layer.weights), a, weights, c, bias, **options)


def _loops(config, layer, images, source, target, weights, bias, channels) -> Program:
    options = {"scale": layer.scale, "relu": layer.relu}
    if layer.is_conv:
        shape = images, source.height, source.width, *channels, (layer.kernel, layer.kernel)
        size, pads = (target.height, target.width), (layer.padding, layer.padding)
        conv = LoopConvolution(*shape, *size, layer.stride, pads)
        return loop_conv(config, conv, source, weights.address, target, bias.address, **options)
    a, c = Matrix(source.address, source.image_bytes), Matrix(target.address, target.image_bytes)
    product = Product(images, channels[1], len(layer.weights), a, weights, c, bias)
    return loop_gemm(config, product, **options)
