"""ResNet-50 on the cycle model: every layer a program of loops, how many cycles all of them take.

The layers are those of the usual table (53 convolutions and the classifier, strides in the first
1×1 of a stage), the sums of the 16 blocks, and the pooling behind the first convolution; the
average before the classifier is left out. Layers of the same shape are compiled and predicted
once.
"""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np

from hw.config import PRESETS, Config
from sim.rtl.model import as_batch
from sim.timing import predict
from sw.compiler.pooled import Pool

from .layers import looped_convolution, looped_product, looped_sum

STAGES = ((2, 3, 56, 64), (3, 4, 28, 128), (4, 6, 14, 256), (5, 3, 7, 512))
"""Number, blocks, side of the outputs, channels inside a block."""


@dataclass(frozen=True)
class Shape:
    """A convolution of square images; kernel 0: the sum of two images."""

    side: int
    inputs: int
    outputs: int
    kernel: int = 1
    stride: int = 1
    pool: Pool | None = None

    @property
    def macs(self) -> int:
        return (self.side // self.stride * self.kernel) ** 2 * self.inputs * self.outputs


def layers() -> Iterator[tuple[str, Shape]]:
    """Name and shape of every layer, in order."""
    yield "conv1", Shape(224, 3, 64, 7, 2, Pool(3, 2, 1))
    inputs = 64
    for stage, blocks, side, inside in STAGES:
        outputs = 4 * inside
        for block in range(blocks):
            stride = 2 if block == 0 and stage > 2 else 1
            name, before = f"{stage}{block}", side * stride
            yield f"{name}a", Shape(before, inputs, inside, 1, stride)
            yield f"{name}b", Shape(side, inside, inside, 3)
            yield f"{name}c", Shape(side, inside, outputs)
            if block == 0:
                yield f"{name}s", Shape(before, inputs, outputs, 1, stride)
            yield f"{name}+", Shape(side, outputs, outputs, 0)
            inputs = outputs
    yield "fc", Shape(1, inputs, 1000)


@cache
def program(config: Config, shape: Shape) -> np.ndarray:
    """Commands of a layer: products where the kernel allows it."""
    pixels, channels = shape.side**2, (shape.inputs, shape.outputs)
    if shape.kernel == 0:
        commands = looped_sum(config, pixels, shape.inputs, relu=True)
    elif shape.kernel == shape.stride == 1:
        commands = looped_product(config, pixels, *channels, relu=True)
    else:
        layer = shape.side, *channels, shape.kernel, shape.stride, shape.pool
        commands = looped_convolution(config, *layer, relu=True)
    return as_batch(commands)


@dataclass(frozen=True)
class Prediction:
    """Cycles by layer, and the seconds that they took to find: the compiler's, the model's."""

    cycles: dict[str, int]
    compiling: float
    predicting: float

    @property
    def total(self) -> int:
        return sum(self.cycles.values())


def predict_all(config: Config) -> Prediction:
    """All layers, on as many threads as there are cores."""
    predict(config, program(config, Shape(1, 16, 16)))  # the model is built
    named = dict(layers())
    shapes = sorted(set(named.values()), key=lambda shape: -shape.macs)
    start = time.perf_counter()
    programs = [program(config, shape) for shape in shapes]
    compiled = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        cycles = pool.map(lambda commands: predict(config, commands).cycles, programs)
        found = dict(zip(shapes, cycles, strict=True))
    end = time.perf_counter()
    by_layer = {name: found[shape] for name, shape in named.items()}
    return Prediction(by_layer, compiled - start, end - compiled)


def main() -> None:
    config = PRESETS["default"]
    result, named = predict_all(config), dict(layers())
    for name, cycles in result.cycles.items():
        share = named[name].macs / config.macs / cycles
        print(f"{name:6} {cycles:10,} cycles  {share:4.0%} of the array")
    macs = sum(shape.macs for shape in named.values())
    print(f"{len(named)} layers: {result.total:,} cycles, {macs / config.macs / result.total:.0%}")
    print(f"predicted in {result.predicting:.2f} s, compiled in {result.compiling:.2f} s")


if __name__ == "__main__":
    main()
