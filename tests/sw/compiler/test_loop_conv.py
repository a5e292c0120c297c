"""Convolutions as loop commands on the instruction-set simulator against numpy."""

from dataclasses import replace

import numpy as np
import pytest

from hw.config import PRESETS
from sim.machine import Machine
from sw.compiler.layout import Allocator, Image
from sw.compiler.loop_conv import ConvTiling, LoopConvolution, loop_conv
from sw.compiler.pooled import Pool
from tests.support.plain import PLAIN

OPTIONS = {"loop_conv": True, "first_layer": True, "pooling": True, "transposes": True}
TINY = PRESETS["tiny"].replace(name="lc-tiny", depthwise=True, **OPTIONS)
DEFAULT = PRESETS["default"].replace(name="lc-default", depthwise=True, **OPTIONS)
SMALL = TINY.replace(name="lc-small", dim=9, sp_bank_rows=128, acc_bank_rows=32)
EIGHT = SMALL.replace(name="lc-eight", dim=8)


def same(images, rows, cols, cin, cout, kernel, stride=1, **options):
    """A convolution whose output has one pixel per `stride` inputs."""
    sizes = -(-rows // stride), -(-cols // stride)
    missing = [
        (n - 1) * stride + k - s for n, k, s in zip(sizes, kernel, (rows, cols), strict=True)
    ]
    pads = tuple(max(0, n) // 2 for n in missing)
    return LoopConvolution(images, rows, cols, cin, cout, kernel, *sizes, stride, pads, **options)


CASES = [
    same(1, 8, 8, 16, 9, (3, 3)),
    same(2, 7, 9, 5, 20, (3, 3), 2),
    same(1, 9, 12, 3, 8, (3, 3), 2),
    same(1, 11, 6, 1, 5, (10, 4), 2),
    same(1, 8, 6, 20, 7, (1, 1), 2),
    same(1, 40, 5, 6, 4, (1, 1)),
    LoopConvolution(1, 9, 9, 4, 4, (3, 3), 5, 5, dilation=2),
    LoopConvolution(1, 9, 10, 4, 6, (3, 3), 9, 10, pads=(1, 1), pool=Pool(3, 2, 1)),
    LoopConvolution(2, 8, 8, 6, 6, (1, 1), 8, 8, pool=Pool(2, 2)),
    LoopConvolution(1, 6, 5, 3, 4, (3, 3), 44, 43, pads=(20, 20)),
]
DEPTHWISE = [
    same(1, 7, 6, 20, 20, (3, 3), depthwise=True),
    same(1, 9, 9, 12, 12, (3, 3), 2, depthwise=True),
    LoopConvolution(1, 8, 11, 5, 5, (3, 3), 2, 2, 5, (2, 2), depthwise=True),
    LoopConvolution(1, 9, 8, 10, 10, (3, 3), 2, 1, 7, depthwise=True),
]


def expected(conv, x, w, bias, scale):
    top, left = conv.pads
    padded = np.pad(x, ((0, 0), (top, 40), (left, 40), (0, 0)))
    sums = np.zeros((conv.images, conv.out_rows, conv.out_cols, conv.cout), np.int64)
    for i in range(conv.kernel[0]):
        for j in range(conv.kernel[1]):
            y0, x0, s = i * conv.dilation, j * conv.dilation, conv.stride
            seen = padded[:, y0 : y0 + conv.out_rows * s : s, x0 : x0 + conv.out_cols * s : s]
            sums += seen * w[i, j] if conv.depthwise else seen @ w[i, j]
    out = np.maximum(sums + bias, 0).astype(np.float32) * np.float32(scale)
    out = np.rint(out).clip(-128, 127).astype(np.int64)
    if not conv.pool:
        return out
    pool, (rows, cols) = conv.pool, conv.stored
    margin = (pool.padding, pool.padding + pool.stride)
    out = np.pad(out, ((0, 0), margin, margin, (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(out, (pool.size, pool.size), axis=(1, 2))
    return views[:, :: pool.stride, :: pool.stride][:, :rows, :cols].max(axis=(-1, -2))


class Bench:
    """Random operands in a machine's memory."""

    def __init__(self, config, conv, biased, border=0):
        rng = np.random.default_rng(conv.cin * conv.rows)
        self.config, self.conv = config, conv
        self.x = rng.integers(-128, 128, (conv.images, conv.rows, conv.cols, conv.cin))
        shape = (3, 3, conv.cin) if conv.depthwise else (*conv.kernel, conv.cin, conv.cout)
        self.w = rng.integers(-128, 128, shape)
        self.bias = rng.integers(-9999, 9999, conv.cout) * biased
        self.machine, place = Machine(config, 1 << 17), Allocator()
        put = {"x": self.x.astype(np.int8), "w": self.w.astype(np.int8)}
        put["bias"] = self.bias.astype(np.int32)
        at = {}
        for name, values in put.items():
            at[name] = place.take(name, values.nbytes)
            self.machine.write(at[name], values.tobytes())
        self.source = Image(at["x"], conv.rows, conv.cols, conv.cin)
        target = Image(0, *conv.stored, conv.cout, border)
        self.target = replace(target, address=place.take("out", conv.images * target.image_bytes))
        self.at, self.at_bias = at, at["bias"] if biased else None

    def check(self, cut=None):
        program = loop_conv(
            self.config, self.conv, self.source, self.at["w"], self.target, self.at_bias,
            scale=0.004, relu=True, cut=cut,
        )  # fmt: skip
        size, b = self.conv.images * self.target.image_bytes, self.target.border
        self.machine.write(self.target.address, bytes(size))
        self.machine.run(program.commands).check()
        want = expected(self.conv, self.x, self.w, self.bias, 0.004)
        want = np.pad(want, ((0, 0), (b, b), (b, b), (0, 0)))
        got = np.frombuffer(self.machine.read(self.target.address, size), np.int8)
        np.testing.assert_array_equal(got.reshape(want.shape), want)
        return program


@pytest.mark.parametrize("config", (TINY, DEFAULT, SMALL), ids=lambda c: c.name)
@pytest.mark.parametrize("number", range(len(CASES)))
def test_convolutions_equal_numpy(config, number):
    Bench(config, CASES[number], biased=number % 2 == 0).check()


@pytest.mark.parametrize("number", (1, 7, 8))
def test_images_with_a_border_of_zeros(number):
    Bench(SMALL, CASES[number], biased=True, border=number % 3 + 1).check()


@pytest.mark.parametrize("config", (TINY, DEFAULT, SMALL, EIGHT), ids=lambda c: c.name)
@pytest.mark.parametrize("conv", DEPTHWISE, ids=lambda c: f"stride{c.stride}")
def test_depthwise_convolutions_equal_numpy(config, conv):
    Bench(config, conv, biased=conv.stride == 1).check()


@pytest.mark.parametrize("number", (0, 7))
def test_every_cut_gives_the_same(number):
    bench = Bench(SMALL, CASES[number], biased=True)
    cuts = list(ConvTiling(SMALL, bench.conv).cuts())
    assert {cut.stays for cut in cuts} == {"", "a", "b"}
    for cut in cuts:
        bench.check(cut)


@pytest.mark.parametrize(
    ("config", "cin", "kernel", "stride"),
    [(TINY, 1, (3, 3), 1), (DEFAULT, 3, (3, 3), 2), (SMALL, 2, (5, 4), 2), (SMALL, 3, (4, 3), 3)],
)
def test_few_channels_with_a_stored_border(config, cin, kernel, stride):
    """Pixels side by side are one; with a stride lines take turns."""
    conv = same(2, 11, 10, cin, 9, kernel, stride)
    border = max(conv.pads)
    bench = Bench(config, conv, biased=stride == 1)
    margin = (border, border)
    stored = np.pad(bench.x, ((0, 0), margin, margin, (0, 0))).astype(np.int8)
    bench.source = Image(1 << 16, conv.rows, conv.cols, cin, border)
    bench.machine.write(1 << 16, stored.tobytes())
    program = bench.check()
    first = [c.fields() for c in program.commands if c.spec.name == "loop_conv_ws_config_3"]
    assert {fields["kcols"] for fields in first} == ({1} if border >= conv.pads[1] else {kernel[1]})


def test_padding_belongs_to_the_loop():
    conv = same(1, 32, 32, 16, 16, (3, 3))
    x, out = Image(64, 32, 32, 16), Image(1 << 15, 32, 32, 16)
    program = loop_conv(DEFAULT, conv, x, 1 << 14, out)
    names = {command.spec.name for command in program.commands}
    assert not names & {"mvin", "mvin2", "mvout", "preload"} and len(program.commands) < 120
    assert program.macs == 1024 * 9 * 256


def test_says_what_is_missing():
    conv = same(1, 8, 8, 4, 4, (3, 3))
    x = Image(64, 8, 8, 4)
    with pytest.raises(ValueError, match="tiny has no loop_conv"):
        loop_conv(PLAIN["tiny"], conv, x, 64, x)
    with pytest.raises(ValueError, match="the images do not have the sizes"):
        loop_conv(TINY, conv, Image(64, 8, 9, 4), 64, x)
    with pytest.raises(ValueError, match="depthwise takes a 3×3 kernel"):
        same(1, 8, 8, 4, 4, (5, 5), depthwise=True)
    with pytest.raises(ValueError, match="stride is 0; it must be at least 1"):
        LoopConvolution(1, 8, 8, 4, 4, (3, 3), 8, 8, stride=0)
