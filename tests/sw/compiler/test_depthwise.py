"""Depthwise convolutions on the instruction-set simulator against numpy."""

import numpy as np
import pytest

from hw.config import PRESETS, Config
from sim.machine import Machine
from sim.machine.rows import pack_rows, unpack_rows
from sw.compiler.depthwise import Depthwise, depthwise
from sw.compiler.layout import Allocator, Image
from tests.support.plain import PLAIN

TINY = PRESETS["tiny"].replace(name="dw4", depthwise=True)
EIGHT = PRESETS["small"].replace(name="dw8", depthwise=True, mvin_bytes=256)
FULL = PRESETS["default"].replace(name="dw16", depthwise=True, mvin_bytes=1024)
CRAMPED = Config(
    name="dwcramped", dim=9, sp_banks=2, sp_bank_rows=128, acc_bank_rows=16, depthwise=True
)
# config, images, height, width, channels, stride, padding, border of the images
CASES = [
    (TINY, 1, 6, 5, 4, 1, 1, 0),
    (TINY, 2, 7, 9, 10, 2, 1, 0),
    (EIGHT, 1, 8, 8, 24, 1, 1, 0),
    (EIGHT, 2, 9, 5, 20, 2, 1, 1),
    (FULL, 1, 14, 14, 32, 1, 1, 0),
    (FULL, 1, 11, 20, 24, 2, 1, 0),
    (FULL, 2, 3, 3, 16, 1, 0, 2),
    (CRAMPED, 1, 13, 6, 12, 1, 1, 0),
]


def expected(x, w, bias, stride, padding, scale, relu):
    """act(scale·(sums + bias)) as numpy float32 arithmetic does it."""
    margin = (padding, padding)
    padded = np.pad(x, ((0, 0), margin, margin, (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    sums = np.einsum("nyxcij,ijc->nyxc", views[:, ::stride, ::stride], w) + bias
    sums = np.maximum(sums, 0) if relu else sums
    return np.rint(sums.astype(np.float32) * np.float32(scale)).clip(-128, 127)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0].name}-{'x'.join(map(str, c[1:]))}")
@pytest.mark.parametrize("biased", (False, True))
def test_matches_numpy(case, biased):
    config, images, height, width, channels, stride, padding, border = case
    rng = np.random.default_rng(channels + biased)
    x = rng.integers(-128, 128, (images, height, width, channels))
    w = rng.integers(-128, 128, (3, 3, channels))
    bias = rng.integers(-5000, 5000, channels) if biased else 0
    machine, place = Machine(config, 1 << 18), Allocator()

    def put(name, role, values):
        data = pack_rows(getattr(config, role), values.reshape(-1, values.shape[-1]))
        address = place.take(name, data.size)
        machine.write(address, data.tobytes())
        return address

    ring = (border, border)
    stored = np.pad(x, ((0, 0), ring, ring, (0, 0)), constant_values=77)
    image = Image(put("x", "input", stored), height, width, channels, border)
    conv = Depthwise(images, channels, stride, padding)
    size = conv.output_size(height, width)
    out = Image(place.take("out", images * size[0] * size[1] * channels), *size, channels)
    at_bias = put("bias", "accumulator", bias[None]) if biased else None
    at_w = put("w", "weight", w)
    scale = 0.004
    program = depthwise(config, conv, image, at_w, out, at_bias, scale=scale, relu=biased)
    machine.run(program.commands).check()
    data = np.frombuffer(machine.read(out.address, images * out.image_bytes), np.uint8)
    got = unpack_rows(config.output, data.reshape(-1, channels), channels)
    want = expected(x, w, bias, stride, padding, scale, biased)
    np.testing.assert_array_equal(got.reshape(want.shape), want)
    assert program.macs == want.size * 9


def test_names_what_is_missing():
    image = Image(64, 4, 4, 4)
    with pytest.raises(ValueError, match="tiny has no compute_depthwise; it needs depthwise=on"):
        depthwise(PLAIN["tiny"], Depthwise(1, 4), image, 64, image)
    for arguments, message in {
        (1, 4, 0): "stride is 0; it must be from 1 to 7",
        (1, 4, 8): "stride is 8; it must be from 1 to 7",
        (1, 4, 1, 3): "padding is 3; it must be from 0 to 2",
        (1, 4, 1, -1): "padding is -1; it must be from 0 to 2",
    }.items():
        with pytest.raises(ValueError, match=message):
            Depthwise(*arguments)
    with pytest.raises(ValueError, match="lines of 1024 pixels are too long; cut the image"):
        depthwise(TINY, Depthwise(1, 4), Image(64, 4, 1024, 4), 64, image)
    with pytest.raises(ValueError, match="the output image is 4×4; this convolution gives 2×2"):
        depthwise(TINY, Depthwise(1, 4, 2), image, 64, image)
