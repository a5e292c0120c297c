"""How well the cycle model predicts the rtl engine: many layers on many configurations."""

import functools
import random
from dataclasses import dataclass
from functools import partial

import numpy as np

from hw.config import Config, parse_config
from sim.rtl.engine import RtlEngine
from sim.rtl.model import as_batch
from sim.timing import predict
from sw.compiler.conv import Convolution, conv2d
from sw.compiler.gemm import gemm
from sw.compiler.layout import Allocator, Image, Matrix

from .row import Row

CONFIGS = (
    "tiny",
    "tiny:bus_width=64,load_queue=2,execute_queue=4,reads_in_flight=4",
    "small",
    "small:bus_width=32,sp_banks=2,command_queue=2,store_queue=2",
    "default",
    "default:bus_width=64,load_queue=4,acc_banks=4",
)
SURROUNDINGS = ({}, {"latency": 40}, {"latency": 8, "bytes_per_cycle": 4, "command_gap": 6})
RANDOM_LAYERS = 6
MOST_CYCLES = 30_000
"""Of a run on rtl: layers are drawn so that ideal ones take a third of that."""

# Layers of ResNet-50, MobileNet, DS-CNN and the FC autoencoder at a part of their size:
# (outputs, reduction, columns) of products; (size, channels, filters, kernel, stride) of images.
PRODUCTS = ((49, 128, 64), (1, 512, 256), (1, 640, 128), (196, 64, 24), (125, 64, 64))
IMAGES = (
    (14, 16, 16, 3, 1),
    (7, 32, 64, 3, 1),
    (16, 3, 16, 7, 2),
    (14, 32, 16, 3, 2),
    (9, 12, 20, 1, 1),
)


@dataclass(frozen=True)
class Error:
    """Cycles of one layer, predicted and on rtl."""

    config: str
    layer: str
    predicted: int
    cycles: int

    @property
    def percent(self) -> float:
        return 100 * (self.predicted / self.cycles - 1)


def product(config: Config, m: int, k: int, n: int):
    """Commands of a matrix product."""
    place = Allocator()
    a, b = Matrix(place.take("a", m * k), k), Matrix(place.take("b", k * n), n)
    return gemm(config, m, n, k, a, b, Matrix(place.take("c", m * n), n)).commands


def convolution(config: Config, size: int, inputs: int, outputs: int, kernel: int, stride: int):
    """Commands of a convolution with its padding in memory."""
    pad = kernel // 2
    conv = Convolution(1, inputs, outputs, (kernel, kernel), stride, pad)
    out = conv.output_size(size, size)
    place, side = Allocator(), size + 2 * pad
    x = Image(place.take("x", side * side * inputs), size, size, inputs, pad)
    w = place.take("w", kernel * kernel * inputs * outputs)
    y = Image(place.take("y", out[0] * out[1] * outputs), *out, outputs)
    return conv2d(config, conv, x, w, y).commands


def layers(config: Config, seed: int):
    """(name, commands) of the fixed layers that are small enough here, and of random ones."""
    rng = random.Random(seed)
    limit = MOST_CYCLES // 3 * config.macs
    for m, k, n in PRODUCTS:
        if m * k * n <= limit:
            yield f"{m}x{k}x{n}", product(config, m, k, n)
    for size, cin, cout, kernel, stride in IMAGES:
        if size**2 * kernel**2 * cin * cout // stride**2 <= limit:
            name = f"{kernel}x{kernel} s{stride} {cin}-{cout} at {size}x{size}"
            yield name, convolution(config, size, cin, cout, kernel, stride)
    for _ in range(RANDOM_LAYERS):
        m, k, n = (rng.choice((1, 3, 8, 16, 31, 48, 70, 100)) for _ in range(3))
        while m * k * n > limit:
            m, k, n = m // 2 + 1, k // 2 + 1, n // 2 + 1
        yield f"{m}x{k}x{n}", product(config, m, k, n)


@functools.cache
def errors(text: str) -> tuple[Error, ...]:
    """Every layer of one configuration in all surroundings."""
    config, found = parse_config(text), []
    programs = [(name, as_batch(commands)) for name, commands in layers(config, len(text))]
    for surroundings in SURROUNDINGS:
        engine = RtlEngine(config, **surroundings)
        for name, commands in programs:
            cycles = engine.run(commands).check().cycles
            predicted = predict(config, commands, **surroundings).cycles
            found.append(Error(text, name, predicted, cycles))
            engine.reset()
        engine.close()
    return tuple(found)


def _mean(found) -> float:
    return float(np.mean([abs(error.percent) for error in found]))


def everything() -> list[Error]:
    """All pairs of layer and configuration."""
    return [error for text in CONFIGS for error in errors(text)]


def rows() -> list[Row]:
    """The error of the predicted cycles: by configuration, then over all."""
    source = "rtl, latency 1, 40, and 8 at 4 bytes/cycle"

    def row(name, config, measure):
        return Row("timing", name, config, None, source, "% of cycles", measure, weight=200_000)

    made = [
        row(
            f"mean error, {text}",
            parse_config(text).name,
            partial(lambda t: _mean(errors(t)), text),
        )
        for text in CONFIGS
    ]
    totals = {
        "pairs of layer and configuration": lambda: len(everything()),
        "mean error": lambda: _mean(everything()),
        "95 % of errors below": lambda: float(
            np.percentile([abs(error.percent) for error in everything()], 95)
        ),
        "largest error": lambda: max(abs(error.percent) for error in everything()),
    }
    return made + [row(name, "all", measure) for name, measure in totals.items()]
