"""Gemmini's measured cycles and ours for the same work, first command to idle.

Both at 16×16 int8 with 256 KiB scratchpad, 64 KiB accumulator memory, an ideal host and a memory
of 16 bytes per cycle. Products are named M×K×N. Every result is compared with numpy.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from alhena import Accelerator
from alhena.networks import scaled
from hw.config import PRESETS, Config
from sw.compiler.pooled import Pool

from .row import Row

SOURCE = "Gemmini RTL, weight-stationary"
SOURCE_OS = "Gemmini RTL, output-stationary"
SOURCE_THIRD = "Gemmini, published by a third party"

DEFAULT = PRESETS["default"]
DIM4 = DEFAULT.replace(name="default-dim4", dim=4)
DIM8 = DEFAULT.replace(name="default-dim8", dim=8)

# M, K, N, weight-stationary cycles, output-stationary cycles
GEMMS = (
    (16, 16, 16, 187, 198),
    (32, 32, 32, 439, 402),
    (48, 48, 48, 1087, 939),
    (64, 64, 64, 2029, 1888),
    (96, 96, 96, 4956, 5471),
    (128, 128, 128, 10350, 11819),
    (192, 192, 192, 30115, None),
    (256, 256, 256, 69058, 88034),
    (384, 384, 384, 226088, None),
    (512, 512, 512, 537120, None),
    (1, 512, 512, 27234, None),
    (8, 512, 512, 27552, None),
    (512, 16, 512, 25327, None),
    (512, 512, 16, 29142, None),
    (100, 100, 100, 7837, None),
    (31, 30, 66, 933, None),
)
LARGE = 384**3
"""Products from here on are sent as loops, whose larger blocks change weights less often."""
SLOW_MEMORY = ((16, 16, 16, 296, 306), (64, 64, 64, 2162, 2434), (256, 256, 256, 68875, 100313))
SMALLER = ((DIM4, 16, 593), (DIM4, 64, 20287), (DIM8, 16, 535), (DIM8, 64, 6033))

# size, channels in, channels out, kernel, stride, cycles
CONVS = (
    (56, 64, 64, 3, 1, 466094),
    (28, 128, 128, 3, 1, 521122),
    (14, 256, 256, 3, 1, 505896),
    (7, 512, 512, 3, 1, 708541),
)
POINTWISE = (
    ("conv 1x1 256-1024 at 14x14", 196, 256, 1024, 217030),
    ("conv 1x1 512-2048 at 7x7", 49, 512, 2048, 269080),
    ("fc 2048-1000", 1, 2048, 1000, 197592),
)
# size, channels, stride, cycles
DEPTHWISE = ((14, 96, 1, 115214), (28, 144, 1, 698763), (56, 24, 2, 322762))


def _compare(got: NDArray, want: NDArray, what: str, config: Config) -> None:
    if not np.array_equal(np.asarray(got).reshape(want.shape), want):
        raise AssertionError(f"{what} on {config.name}: the result differs from numpy's")


def _windows(x: NDArray, kernel: int, stride: int, padding: int) -> NDArray:
    """[n, y, x, channel, i, j]: what every output of a convolution sees."""
    margin = (padding, padding)
    padded = np.pad(x, ((0, 0), margin, margin, (0, 0))).astype(np.float64)
    views = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(1, 2))
    return views[:, ::stride, ::stride]


def gemm_cycles(
    config: Config, m: int, k: int, n: int, how: dict | None = None, **engine_options
) -> int:
    """Cycles of an int8 product of random operands on the rtl engine; checks the result."""
    rng = np.random.default_rng(m * k + n)
    a, b = rng.integers(-128, 128, (m, k)), rng.integers(-128, 128, (k, n))
    scale = float(np.float32(1 / (64 * k**0.5)))
    accelerator = Accelerator(config, engine="rtl", **engine_options)
    got = accelerator.matmul(a, b, scale=scale, **how or {})
    _compare(got, scaled(a @ b, scale), f"{m}x{k}x{n}", config)
    return accelerator.last.cycles


def conv_cycles(
    config: Config,
    size: int,
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int,
    pool: Pool | None = None,
) -> int:
    """Cycles of an int8 convolution with padding kernel // 2; checks the result.

    A `pool` takes what ReLU leaves.
    """
    rng = np.random.default_rng(size * inputs)
    x = rng.integers(-128, 128, (1, size, size, inputs))
    w = rng.integers(-128, 128, (kernel, kernel, inputs, outputs))
    scale = float(np.float32(1 / (64 * kernel * inputs**0.5)))
    pad = kernel // 2
    accelerator = Accelerator(config, engine="rtl")
    options = {"scale": scale, "relu": pool is not None, "pool": pool}
    got = accelerator.conv2d(x, w, stride=stride, padding=pad, **options)
    columns = _windows(x, kernel, stride, pad).transpose(0, 1, 2, 4, 5, 3)
    sums = columns.reshape(*columns.shape[:3], -1) @ w.reshape(-1, outputs)
    want = scaled(np.maximum(sums, 0) if pool else sums, scale)
    if pool:
        seen = _windows(want, pool.size, pool.stride, pool.padding)
        want = seen.max(axis=(-1, -2))
    _compare(got, want, f"conv {size}²×{inputs}", config)
    return accelerator.last.cycles


def depthwise_cycles(config: Config, size: int, channels: int, stride: int) -> int:
    """Cycles of an int8 depthwise 3×3 convolution with padding 1; checks the result."""
    rng = np.random.default_rng(size * channels)
    x = rng.integers(-128, 128, (1, size, size, channels))
    w = rng.integers(-128, 128, (3, 3, channels))
    accelerator = Accelerator(config, engine="rtl")
    scale = float(np.float32(1 / 256))
    got = accelerator.depthwise(x, w, stride=stride, scale=scale)
    sums = np.einsum("nyxcij,ijc->nyxc", _windows(x, 3, stride, 1), w)
    _compare(got, scaled(sums, scale), f"depthwise {size}²×{channels}", config)
    return accelerator.last.cycles


def _gemm(name: str, cycles: int, config: Config, m: int, k: int, n: int, **options) -> Row:
    source = options.pop("source", SOURCE)
    measure = partial(gemm_cycles, config, m, k, n, **options)
    weight = m * k * n // config.macs
    return Row("gemmini", name, config.name, cycles, source, "cycles", measure, weight=weight)


def _conv(size: int, inputs: int, outputs: int, kernel: int, stride: int, cycles: int) -> Row:
    name = f"conv {kernel}x{kernel} {inputs}-{outputs} at {size}x{size}"
    measure = partial(conv_cycles, DEFAULT, size, inputs, outputs, kernel, stride)
    weight = size * size * kernel * kernel * inputs * outputs // DEFAULT.macs
    return Row("gemmini", name, DEFAULT.name, cycles, SOURCE, "cycles", measure, weight=weight)


def _first_layer() -> Row:
    name = "conv 7x7 s2 3-64 at 224x224 + pool"
    measure = partial(conv_cycles, DEFAULT, 224, 3, 64, 7, 2, Pool(3, 2, 1))
    return Row("gemmini", name, DEFAULT.name, 1899418, SOURCE, "cycles", measure, weight=460_000)


def _depthwise(size: int, channels: int, stride: int, cycles: int) -> Row:
    name = f"depthwise 3x3{f' s{stride}' if stride > 1 else ''} {size}x{size}x{channels}"
    measure = partial(depthwise_cycles, DEFAULT, size, channels, stride)
    weight = size * size * channels // DEFAULT.dim
    return Row("gemmini", name, DEFAULT.name, cycles, SOURCE, "cycles", measure, weight=weight)


def rows() -> list[Row]:
    """The table, in its order of print."""
    made = []
    for m, k, n, ws, _ in GEMMS:
        how = {"loops": m * k * n >= LARGE}
        made.append(_gemm(f"gemm {m}x{k}x{n}", ws, DEFAULT, m, k, n, how=how))
    for m, k, n, ws, _ in SLOW_MEMORY:
        made.append(_gemm(f"gemm {m}x{k}x{n}, latency 40", ws, DEFAULT, m, k, n, latency=40))
    slow_host = {"how": {"loops": True}, "command_gap": 30}
    name = "gemm 128x128x128, 30 idle cycles"
    made.append(_gemm(name, 10650, DEFAULT, 128, 128, 128, **slow_host))
    for config, size, cycles in SMALLER:
        name = f"gemm {size}x{size}x{size}"
        made.append(_gemm(name, cycles, config, size, size, size, source=SOURCE_THIRD))
    made += [_conv(*conv) for conv in CONVS]
    made += [_gemm(name, ws, DEFAULT, m, k, n) for name, m, k, n, ws in POINTWISE]
    made += [_first_layer(), *(_depthwise(*layer) for layer in DEPTHWISE)]
    stationary = {"output_stationary": True}
    for late, table, options in (("", GEMMS, {}), (", latency 40", SLOW_MEMORY, {"latency": 40})):
        for m, k, n, _, cycles in table:
            if cycles is not None:
                name, options = f"gemm {m}x{k}x{n}, OS{late}", {"source": SOURCE_OS, **options}
                made.append(_gemm(name, cycles, DEFAULT, m, k, n, how=stationary, **options))
    slow_host = {"how": {**stationary, "loops": True}, "command_gap": 30}
    name = "gemm 128x128x128, OS, 30 idle cycles"
    made.append(_gemm(name, 35283, DEFAULT, 128, 128, 128, source=SOURCE_OS, **slow_host))
    return made
