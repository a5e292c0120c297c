"""How well the cycle model predicts the rtl engine: many layers on many configurations."""

import functools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from hw.config import PRESETS, Config
from hw.config_text import parse_config
from hw.isa import Command
from sim.rtl.engine import RtlEngine
from sim.rtl.model import as_batch
from sim.timing import predict
from sw.compiler.pooled import Pool

from . import resnet50
from .layers import convolution, looped_convolution, looped_product, looped_sum, product
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


# The same as loops: products weight- and output-stationary; (size, channels, filters, kernel,
# stride, pool, depthwise) of images; a sum of (rows, columns).
LOOP_PRODUCTS = ((49, 64, 40), (1, 128, 100), (33, 30, 66))
LOOP_IMAGES = (
    (9, 16, 20, 3, 1, None, False),
    (8, 24, 16, 1, 2, None, False),
    (16, 3, 8, 7, 2, Pool(3, 2, 1), False),
    (8, 8, 16, 3, 1, Pool(2, 2), False),
    (9, 20, 20, 3, 1, None, True),
    (10, 8, 8, 3, 2, None, True),
)
LOOP_SUM = (30, 40)


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


def loops(config: Config) -> Iterator[tuple[str, tuple[Command, ...]]]:
    """(name, commands) of the layers made of loops."""
    for m, k, n in LOOP_PRODUCTS:
        for flow, stationary in (("", False), (", OS", True)):
            yield f"{m}x{k}x{n} as loops{flow}", looped_product(config, m, k, n, stationary)
    for layer in LOOP_IMAGES:
        size, cin, cout, kernel, stride, pool, depthwise = layer
        kind = "depthwise " * depthwise + f"{kernel}x{kernel} s{stride} {cin}-{cout}"
        name = f"{kind} at {size}x{size}{' + pool' if pool else ''} as loops"
        yield name, looped_convolution(config, *layer)
    rows, columns = LOOP_SUM
    yield f"sum {rows}x{columns} as loops", looped_sum(config, rows, columns)


def layers(config: Config, seed: int) -> Iterator[tuple[str, tuple[Command, ...]]]:
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
    yield from loops(config)


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


@functools.cache
def network() -> resnet50.Prediction:
    """ResNet-50 on the default configuration."""
    return resnet50.predict_all(PRESETS["default"])


def of_network() -> list[Row]:
    """What the model says of a whole network, and how long it takes."""

    def row(name, reference, source, unit, measure):
        config = PRESETS["default"].name
        return Row("timing", f"ResNet-50, {name}", config, reference, source, unit, measure)

    scale_sim = "SCALE-Sim without memory, convolutions and classifier"
    return [
        row("predicted", 19_696_634, scale_sim, "cycles", lambda: network().total),
        row("prediction", 1.0, "limit", "s", lambda: round(network().predicting, 2)),
        row("compilation", None, "", "s", lambda: round(network().compiling, 2)),
    ]


def rows() -> list[Row]:
    """The error of the predicted cycles: by configuration, then over all; a whole network."""
    source = "rtl, latency 1, 40, and 8 at 4 bytes/cycle"

    def row(name, config, measure, unit="% of cycles"):
        return Row("timing", name, config, None, source, unit, measure, weight=200_000)

    made = [
        row(
            f"mean error, {text}",
            parse_config(text).name,
            partial(lambda t: _mean(errors(t)), text),
        )
        for text in CONFIGS
    ]
    totals = {
        "mean error": lambda: _mean(everything()),
        "95 % of errors below": lambda: float(
            np.percentile([abs(error.percent) for error in everything()], 95)
        ),
        "largest error": lambda: max(abs(error.percent) for error in everything()),
    }
    made.append(row("layers and configurations", "all", lambda: len(everything()), "pairs"))
    made += [row(name, "all", measure) for name, measure in totals.items()]
    return made + of_network()
