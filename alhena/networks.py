"""The four MLPerf Tiny networks, layer by layer, one after the other.

Shapes are those of the published networks; a layer starts when the one before it is in memory.
"""

import numpy as np
from numpy.typing import NDArray

from hw.config import Config
from hw.formats import Format, Int

from .accelerator import Accelerator


def scaled(sums: NDArray, scale: float) -> NDArray:
    """What leaves an int8 accelerator for exact sums."""
    return np.rint(sums.astype(np.float32) * np.float32(scale)).clip(-128, 127)


class Network:
    """Runs layers on an accelerator and adds up their cycles.

    Values are random int8, and every result is compared with numpy's; in other formats they are
    zeros (of weights that have none, what is nearest). Layers are loop commands where the
    configuration has them.

    Members
    -------
    cycles : list of (layer, cycles)
    macs : int
        Multiply-accumulates of all layers; those of means and sums of images do not count.
    """

    def __init__(self, config: Config, engine: str = "rtl", seed: int = 0, **engine_options):
        self.accelerator = Accelerator(config, engine=engine, **engine_options)
        self.rng = np.random.default_rng(seed)
        self.loops = config.loop_ws and config.loop_conv
        self.checked = all(fmt == Int(8) for fmt in (config.input, config.weight, config.output))
        self.checked &= config.multiplier is None and config.blocks is None
        self.cycles: list[tuple[str, int]] = []
        self.macs = 0

    @property
    def total(self) -> int:
        return sum(cycles for _, cycles in self.cycles)

    def random(self, *shape: int) -> NDArray:
        """Inputs."""
        return self._values(self.accelerator.config.input, *shape)

    def _weights(self, *shape: int) -> NDArray:
        return self._values(self.accelerator.weight, *shape)

    def _values(self, fmt: Format, *shape: int) -> NDArray:
        return (
            self.rng.integers(-128, 128, shape) if self.checked else fmt.quantize(np.zeros(shape))
        )

    def _done(
        self, name: str, got: NDArray, sums: NDArray, scale: float, relu: bool, macs: int
    ) -> NDArray:
        want = scaled(np.maximum(sums, 0) if relu else sums, scale)
        if self.checked and not np.array_equal(got, want):
            raise AssertionError(f"{name}: the result differs from numpy's")
        self.cycles.append((name, self.accelerator.last.cycles))
        self.macs += macs
        return got

    def conv(
        self, name: str, x: NDArray, outputs: int, kernel=(3, 3), stride=1, padding=1, relu=True
    ) -> NDArray:
        """A convolution of x[h,w,c]."""
        w = self._weights(*kernel, x.shape[2], outputs)
        scale = float(np.float32(1 / (64 * np.prod(w.shape[:3]) ** 0.5)))
        options = {"stride": stride, "padding": padding, "scale": scale, "relu": relu}
        got = self.accelerator.conv2d(x[None], w, **options, loops=self.loops)[0]
        padded = np.pad(x, ((padding, padding), (padding, padding), (0, 0)))
        seen = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=(0, 1))
        seen = seen[::stride, ::stride].transpose(0, 1, 3, 4, 2)
        sums = np.tensordot(seen.astype(float), w.astype(float), 3)
        return self._done(name, got, sums, scale, relu, sums.size * w[..., 0].size)

    def depthwise(self, name: str, x: NDArray, stride: int = 1) -> NDArray:
        """A depthwise 3×3 convolution with ReLU."""
        w = self._weights(3, 3, x.shape[2])
        scale = float(np.float32(1 / 256))
        options = {"stride": stride, "scale": scale, "relu": True, "loops": self.loops}
        got = self.accelerator.depthwise(x[None], w, **options)[0]
        padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
        seen = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
        sums = np.einsum("yxcij,ijc->yxc", seen[::stride, ::stride], w)
        return self._done(name, got, sums, scale, True, 9 * sums.size)

    def dense(self, name: str, x: NDArray, outputs: int, relu: bool = True) -> NDArray:
        """A fully connected layer."""
        w = self._weights(x.shape[0], outputs)
        scale = float(np.float32(1 / (64 * x.shape[0] ** 0.5)))
        got = self.accelerator.matmul(x[None], w, scale=scale, relu=relu, loops=self.loops)[0]
        return self._done(name, got, x @ w, scale, relu, w.size)

    def chain(self, name: str, x: NDArray, widths: tuple[int, ...]) -> NDArray:
        """Fully connected layers with ReLU, but for the last; between them nothing is in memory."""
        weights = [self._weights(k, n) for k, n in zip((len(x), *widths), widths, strict=False)]
        scales = [float(np.float32(1 / (64 * len(w) ** 0.5))) for w in weights]
        relus = [True] * (len(widths) - 1) + [False]
        got = self.accelerator.dense(x[None], weights, scales=scales, relus=relus)[0]
        for w, scale in zip(weights[:-1], scales[:-1], strict=True):
            x = scaled(np.maximum(x @ w, 0), scale).astype(np.int64)
        macs = sum(w.size for w in weights)
        return self._done(name, got, x @ weights[-1], scales[-1], False, macs)

    def pointwise(self, name: str, x: NDArray, outputs: int) -> NDArray:
        """A 1×1 convolution with ReLU: a product of all pixels."""
        height, width, depth = x.shape
        w = self._weights(depth, outputs)
        scale = float(np.float32(1 / (64 * depth**0.5)))
        pixels = x.reshape(-1, depth)
        got = self.accelerator.matmul(pixels, w, scale=scale, relu=True, loops=self.loops)
        sums = pixels @ w
        macs = sums.size * depth
        return self._done(name, got, sums, scale, True, macs).reshape(height, width, outputs)

    def add(self, name: str, x: NDArray, y: NDArray) -> NDArray:
        """The sum of two images with ReLU."""
        got = self.accelerator.add(x.reshape(-1, x.shape[2]), y.reshape(-1, x.shape[2]), relu=True)
        return self._done(name, got.reshape(x.shape), x + y, 1.0, True, 0)

    def average(self, name: str, x: NDArray) -> NDArray:
        """The mean of all pixels: a row of ones times the image."""
        pixels = x.reshape(-1, x.shape[2])
        ones, scale = np.ones((1, len(pixels)), np.int64), float(np.float32(1 / len(pixels)))
        got = self.accelerator.matmul(ones, pixels, scale=scale, loops=self.loops)[0]
        return self._done(name, got, pixels.sum(axis=0), scale, False, 0)


def resnet8(net: Network) -> None:
    """Image classification, 32×32×3."""
    x = net.conv("c1", net.random(32, 32, 3), 16)
    y = net.conv("c2", x, 16)
    x = net.add("add1", net.conv("c3", y, 16, relu=False), x)
    for number, depth in ((4, 32), (7, 64)):
        y = net.conv(f"c{number}", x, depth, stride=2)
        y = net.conv(f"c{number + 1}", y, depth, relu=False)
        name = f"c{number + 2}s"
        x = net.conv(name, x, depth, kernel=(1, 1), stride=2, padding=0, relu=False)
        x = net.add(f"add{number // 3 + 1}", y, x)
    net.dense("fc", net.average("pool", x), 10, relu=False)


def ds_cnn(net: Network) -> None:
    """Keyword spotting, 49×10×1 (its zeros around it are stored)."""
    x = np.pad(net.random(49, 10, 1), ((4, 5), (1, 1), (0, 0)))
    x = net.conv("c0", x, 64, kernel=(10, 4), stride=2, padding=0)
    for number in range(1, 5):
        x = net.pointwise(f"pw{number}", net.depthwise(f"dw{number}", x), 64)
    net.dense("fc", net.average("pool", x), 12, relu=False)


def mobilenet(net: Network) -> None:
    """Visual wake words, 96×96×3, a quarter of the width."""
    x = net.conv("c0", net.random(96, 96, 3), 8, stride=2)
    depths = (16, 32, 32, 64, 64, *(6 * (128,)), 256, 256)
    strides = (1, 2, 1, 2, 1, 2, *(5 * (1,)), 2, 1)
    for number, (depth, stride) in enumerate(zip(depths, strides, strict=True), 1):
        x = net.depthwise(f"dw{number}", x, stride)
        x = net.pointwise(f"pw{number}", x, depth)
    net.dense("fc", net.average("pool", x), 2, relu=False)


def autoencoder(net: Network) -> None:
    """Anomaly detection, 640 inputs."""
    net.chain("fc", net.random(640), (128, 128, 128, 128, 8, 128, 128, 128, 128, 640))
