"""Convolutions on the instruction-set simulator against a plain numpy convolution."""

import itertools

import numpy as np
import pytest

from hw.config import PRESETS, Config
from sim.machine import Machine
from sw.compiler import conv as conv_module
from sw.compiler.columns import FoldedColumns, SharedPixels
from sw.compiler.conv import conv2d
from sw.compiler.layout import Allocator, Image
from sw.compiler.lines import Convolution

CRAMPED = Config(name="cramped", dim=5, sp_banks=2, sp_bank_rows=8, acc_banks=2, acc_bank_rows=64)
FLAT = CRAMPED.replace(name="flat", sp_bank_rows=16, acc_bank_rows=8)
CONFIGS = [PRESETS["tiny"], PRESETS["default"], CRAMPED, FLAT]

# images, height, width, cin, cout, kernel, stride, padding
SHAPES = [
    (1, 8, 8, 1, 16, (3, 3), 1, 1),
    (2, 8, 8, 16, 9, (3, 3), 2, 1),
    (3, 4, 4, 20, 8, (3, 3), 2, 1),
    (1, 5, 20, 3, 4, (5, 5), 2, 2),
    (1, 6, 5, 18, 17, (1, 1), 2, 0),
    (2, 3, 3, 7, 9, (1, 1), 1, 0),
    (3, 2, 2, 12, 10, (2, 2), 1, 0),
    (1, 6, 6, 4, 4, (1, 3), 1, 3),
    (1, 4, 4, 4, 4, (3, 3), 1, 4),
]


def convolve(x, w, stride, padding):
    kh, kw = w.shape[:2]
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    height, width = ((x.shape[i + 1] - w.shape[i]) // stride + 1 for i in (0, 1))
    out = np.zeros((len(x), height, width, w.shape[3]), np.int64)
    for i, j in itertools.product(range(kh), range(kw)):
        rows = slice(i, i + (height - 1) * stride + 1, stride)
        cols = slice(j, j + (width - 1) * stride + 1, stride)
        out += x[:, rows, cols] @ w[i, j]
    return out


def framed(images, border):
    return np.pad(images, ((0, 0), (border, border), (border, border), (0, 0)))


def run(config, shape, border=0, out_border=0, with_bias=True):
    """(got, want), both with the output's border."""
    images, height, width, cin, cout, kernel, stride, padding = shape
    rng = np.random.default_rng(hash(shape) % 1000)
    x = rng.integers(-128, 128, (images, height, width, cin))
    w = rng.integers(-128, 128, (*kernel, cin, cout))
    bias = rng.integers(-9999, 9999, cout) * with_bias
    conv = Convolution(images, cin, cout, kernel, stride, padding)
    machine, place = Machine(config, 1 << 18), Allocator()
    stored = framed(x, border).astype(np.int8).tobytes()
    source = Image(place.take("x", len(stored)), height, width, cin, border)
    out_height, out_width = conv.output_size(height, width)
    target = Image(1 << 17, out_height, out_width, cout, out_border)
    at_w, at_bias = place.take("w", w.size), place.take("bias", 4 * cout)
    machine.write(source.address, stored)
    machine.write(at_w, w.astype(np.int8).tobytes())
    machine.write(at_bias, bias.astype(np.int32).tobytes())
    program = conv2d(
        config, conv, source, at_w, target, at_bias if with_bias else None, scale=0.007, relu=True
    )
    assert program.macs == images * out_height * out_width * cout * conv.k
    machine.run(program.commands).check()
    sums = np.maximum(convolve(x, w, stride, padding) + bias, 0)
    want = np.clip(np.rint(sums.astype(np.float32) * np.float32(0.007)), -128, 127)
    got = np.frombuffer(machine.read(target.address, images * target.image_bytes), np.int8)
    want = framed(want.astype(np.int64), out_border)
    return got.reshape(want.shape), want


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c.name)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_convolutions_equal_numpy(config, shape):
    padding = shape[-1]
    for border, out_border, with_bias in ((0, 0, True), (padding, 1, False)):
        np.testing.assert_array_equal(*run(config, shape, border, out_border, with_bias))


def shared(config, conv, x):
    _, out_w = conv.output_size(x.height, x.width)
    return SharedPixels(config, conv, x, SharedPixels.strip_for(config, conv, out_w))


def merged(config, conv, x):
    _, out_w = conv.output_size(x.height, x.width)
    return FoldedColumns(config, conv, x, conv.kernel[1], max(1, config.dim // out_w))


SOURCES = {
    "shared": shared,
    "single": lambda c, conv, x: FoldedColumns(c, conv, x, 1, 1),
    "folded": lambda c, conv, x: FoldedColumns(c, conv, x, conv.kernel[1], 1),
    "merged": merged,
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c.name)
def test_every_way_of_loading_gives_the_same(monkeypatch, source, config):
    monkeypatch.setattr(conv_module, "choose_source", SOURCES[source])
    for shape in ((2, 6, 4, 6, 5, (3, 3), 1, 1), (3, 5, 5, 7, 6, (3, 2), 2, 1)):
        np.testing.assert_array_equal(*run(config, shape, border=1))


def test_messages():
    with pytest.raises(ValueError, match="Convolution: stride is 0; it must be at least 1"):
        Convolution(1, 1, 1, (3, 3), stride=0)
    with pytest.raises(ValueError, match="Convolution: padding is -1"):
        Convolution(1, 1, 1, (3, 3), padding=-1)
    conv = Convolution(1, 8, 4, (3, 3))
    with pytest.raises(ValueError, match="a 3×3 kernel with padding 0 does not fit an image of"):
        conv.output_size(2, 5)
    x = Image(64, 5, 5, 8)
    with pytest.raises(ValueError, match="the output image is 5×5; this convolution gives 3×3"):
        conv2d(Config(), conv, x, 4096, Image(8192, 5, 5, 4))
    with pytest.raises(ValueError, match="pixel_bytes is 4; 8 channels need 8"):
        conv2d(Config(), conv, Image(64, 5, 5, 4), 4096, Image(8192, 3, 3, 4))
