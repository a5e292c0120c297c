"""loop_conv_ws against numpy convolutions: whole, in parts, in every layout."""

import numpy as np
import pytest

from hw.isa import BY_NAME, ErrorCode, encode
from sim.machine import loop_conv
from sim.machine.loops import Around, Halves
from tests.sim.machine.whole import (
    TINY,
    Convolution,
    clip8,
    configuration,
    get,
    machine,
    pool,
    put,
    run,
)

INPUT, WEIGHTS, BIAS, OUTPUT = 0x100, 0x8000, 0x10000, 0x18000


def loop(p: dict) -> list:
    """The seven commands with these fields, wherever they belong."""
    out, left = [], set(p)
    for name, spec in BY_NAME.items():
        if name.startswith("loop_conv_ws"):
            known = {f.name: p[f.name] for f in spec.fields if f.name in p}
            left -= set(known)
            out.append(encode(name, **known))
    assert not left, left
    return sorted(out, key=lambda command: command.funct == 15)


def shapes(conv: Convolution, result: np.ndarray) -> dict:
    """Parameters of a convolution that one loop does whole."""
    (batch, in_rows, in_cols, in_channels), kernel = conv.image.shape, conv.kernel.shape[0]
    _, rows, cols, out_channels = result.shape
    reach = (kernel - 1) * conv.dilation
    seen = lambda n: 2 * n - 1 if conv.input_dilated else n  # noqa: E731
    beyond = lambda out, n: max(out * conv.stride + reach - conv.padding - seen(n), 0)  # noqa: E731
    return {
        "batch": batch, "batches": batch, "in_rows": in_rows, "in_cols": in_cols,
        "in_channels": in_channels, "kchs": in_channels, "in_stride": in_channels,
        "out_channels": out_channels, "pochs": out_channels, "out_stride": out_channels,
        "weight_stride": out_channels, "kernel": kernel, "krows": kernel, "kcols": kernel,
        "out_rows": rows, "out_cols": cols, "orows": rows, "ocols": cols, "no_pool": 1,
        "stride": conv.stride, "padding": conv.padding, "kernel_dilation": conv.dilation,
        "upad": conv.padding, "lpad": conv.padding,
        "dpad": beyond(rows, in_rows), "rpad": beyond(cols, in_cols),
        "rotate": conv.rotate, "input_dilated": conv.input_dilated,
        "input": INPUT, "weights": WEIGHTS, "bias": BIAS, "output": OUTPUT,
    }  # fmt: skip


def draw(seed, batch=1, size=5, inputs=3, outputs=6, kernel=3, **options) -> Convolution:
    rng = np.random.default_rng(seed)
    rows, cols = size if isinstance(size, tuple) else (size, size)
    image = rng.integers(-16, 16, (batch, rows, cols, inputs))
    weights = rng.integers(-8, 8, (kernel, kernel, inputs, outputs))
    return Convolution(image, weights, rng.integers(-99, 99, outputs), **options)


def convolve(conv: Convolution, config=TINY, image=(0, 1, 2, 3), order=(0, 1, 2, 3), **changes):
    """What the machine makes of it; `image`, `order`: the axes of image and kernel in memory."""
    result = conv.result()
    m = machine(config)
    put(m, INPUT, conv.image.transpose(image))
    put(m, WEIGHTS, conv.kernel.transpose(order))
    put(m, BIAS, conv.bias, "<i4")
    p = shapes(conv, result) | changes
    run(m, *configuration(config, p["out_stride"], 0.125), *loop(p))
    return clip8(np.rint(result / 8).astype(int)), m


PLAIN = {
    "one pixel": {"size": 1, "kernel": 1, "inputs": 1, "outputs": 1},
    "points": {"size": (3, 7), "kernel": 1, "inputs": 9},
    "many inputs": {"size": 3, "kernel": 2, "inputs": 70, "outputs": 17},
    "many outputs": {"size": 3, "kernel": 2, "inputs": 6, "outputs": 70},
    "padding": {"padding": 1},
    "more padding": {"size": 3, "padding": 2, "outputs": 9},
    "stride": {"size": (7, 6), "stride": 2, "padding": 1},
    "stride 3": {"size": 11, "stride": 3, "batch": 2},
    "batch": {"batch": 3, "padding": 1},
    "dilation": {"size": 9, "dilation": 2, "padding": 2, "inputs": 5},
    "dilation and stride": {"size": 10, "dilation": 3, "stride": 2},
    "rotated": {"rotate": True, "padding": 1},
    "spread": {"input_dilated": True, "size": (4, 3), "padding": 1},
    "spread, odd padding": {"input_dilated": True, "size": (3, 8), "padding": 2, "rotate": True},
    "spread, none": {"input_dilated": True, "size": 4, "batch": 2, "inputs": 5},
    "spread and dilated": {"input_dilated": True, "size": 5, "dilation": 2, "padding": 1},
}


@pytest.mark.parametrize("options", PLAIN.values(), ids=PLAIN)
def test_equals_numpy(options):
    want, m = convolve(draw(1, **options))
    np.testing.assert_array_equal(get(m, OUTPUT, want.shape), want)


@pytest.mark.parametrize("dim", [2, 3, 8])
def test_other_sizes_of_the_array(dim):
    config = TINY.replace(dim=dim)
    want, m = convolve(draw(2, size=(6, 9), batch=2, padding=1, stride=2), config)
    np.testing.assert_array_equal(get(m, OUTPUT, want.shape), want)


KERNELS = {"1203": (2, 0, 1, 3), "0132": (0, 1, 3, 2)}


@pytest.mark.parametrize("layout", KERNELS)
@pytest.mark.parametrize("inputs", [3, 37])
def test_layouts_of_the_weights(layout, inputs):
    conv = draw(3, inputs=inputs, outputs=5, size=4, padding=1)
    want, m = convolve(conv, order=KERNELS[layout], **{f"weights_{layout}": 1})
    np.testing.assert_array_equal(get(m, OUTPUT, want.shape), want)


@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"input_dilated": True, "padding": 1}])
@pytest.mark.parametrize("batch", [1, 6])
def test_images_side_by_side(options, batch):
    size = 3 if options.get("input_dilated") else 5
    conv = draw(4, batch=batch, inputs=5, outputs=4, size=size, **options)
    want, m = convolve(conv, image=(3, 1, 2, 0), input_3120=1)
    np.testing.assert_array_equal(get(m, OUTPUT, want.shape), want)


def test_output_with_images_inside():
    conv = draw(5, batch=3, size=4, outputs=6)
    store = 3 * 6  # the next column
    want, m = convolve(conv, transpose_output=1, out_stride=store)
    want = want.transpose(1, 2, 0, 3)
    np.testing.assert_array_equal(get(m, OUTPUT, want.shape), want)


@pytest.mark.parametrize(("pixels", "inputs"), [(2, 1), (2, 2), (3, 1)])
def test_several_pixels_in_a_row(pixels, inputs):
    conv = draw(6, batch=2, size=(5, 9), inputs=inputs, padding=1)
    want, m = convolve(conv, max_pixels_per_row=pixels)
    np.testing.assert_array_equal(get(m, OUTPUT, want.shape), want)


def test_downsampling_loads_every_second_pixel():
    conv = draw(7, size=(6, 12), kernel=1, stride=2, inputs=5)
    want, m = convolve(conv, downsample=1)
    np.testing.assert_array_equal(get(m, OUTPUT, want.shape), want)
    rows = 2 * 3 * 6  # two blocks of channels, half the lines, half the columns
    assert (m.scratchpad[rows : TINY.sp_rows // 4] == 0).all()


def test_one_channel_with_its_own_kernel():
    rng = np.random.default_rng(8)
    image, kernels = rng.integers(-16, 16, (1, 5, 5, 3)), rng.integers(-8, 8, (3, 3, 3))
    m = machine()
    put(m, INPUT, image)
    put(m, WEIGHTS, kernels)
    want = np.empty((3, 3, 3), int)
    for channel in range(3):
        one = Convolution(image[..., [channel]], kernels[channel][:, :, None, None], np.zeros(1))
        p = shapes(one, one.result()) | {"in_stride": 3, "out_stride": 3, "weight_stride": 1}
        p |= {"depthwise": 1, "input": INPUT + channel, "weights": WEIGHTS + 9 * channel}
        p |= {"output": OUTPUT + channel, "no_bias": 1}
        run(m, *configuration(TINY, 3), *loop(p))
        want[:, :, channel] = one.result()[0, :, :, 0]
    np.testing.assert_array_equal(get(m, OUTPUT, (3, 3, 3)), clip8(want))


@pytest.mark.parametrize("dim", [9, 8, 4])
@pytest.mark.parametrize(("stride", "padding", "channels"), [(1, 1, 9), (2, 1, 21), (1, 0, 5)])
def test_depthwise_over_many_channels(dim, stride, padding, channels):
    """With dim 9 both layouts of the weights; smaller arrays take a kernel in several passes."""
    rng = np.random.default_rng(9)
    config = TINY.replace(dim=dim, acc_bank_rows=512)
    image = rng.integers(-16, 16, (2, 6, 5, channels))
    kernels = rng.integers(-8, 8, (channels, 3, 3))
    diagonal = np.zeros((3, 3, channels, channels), int)
    for channel in range(channels):
        diagonal[:, :, channel, channel] = kernels[channel]
    conv = Convolution(image, diagonal, rng.integers(-9, 9, channels), stride, padding)
    for by_tap in (0, 1) if dim == 9 else (1,):
        m = machine(config)
        put(m, INPUT, image)
        put(m, WEIGHTS, kernels.transpose(1, 2, 0) if by_tap else kernels)
        put(m, BIAS, conv.bias, "<i4")
        want = conv.result()
        p = shapes(conv, want) | {"depthwise": 1, "weights_1203": by_tap}
        run(m, *configuration(config, channels), *loop(p))
        np.testing.assert_array_equal(get(m, OUTPUT, want.shape), clip8(want))


@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"kernel": 2, "inputs": 9}])
def test_without_bias_the_first_tap_overwrites(options):
    conv = draw(13, size=(5, 9), padding=1, **options)
    conv.bias = np.zeros(6, int)
    want, m = convolve(conv, no_bias=1)
    m.accumulator[:] = 99
    p = shapes(conv, conv.result()) | {"no_bias": 1}
    run(m, *loop(p), *loop(p))
    np.testing.assert_array_equal(get(m, OUTPUT, want.shape), want)


def test_padding_is_not_computed():
    """Rows that the computes stream: all outputs of the first tap, then those that see pixels."""
    conv = draw(14, size=(4, 5), padding=1, inputs=3, outputs=4)
    names = [field.name for field in BY_NAME["loop_conv_ws"].fields]
    p = loop_conv.NONE | dict.fromkeys(names, 0) | shapes(conv, conv.result())
    commands = loop_conv.expand(TINY, p, Halves(), Around())
    rows = sum(c.fields()["a_rows"] for c in commands if c.spec.name.startswith("compute"))
    assert rows == 20 + (3 + 4 + 3) * (4 + 5 + 4) - 3 * 4


def test_pooled_output():
    conv = draw(10, batch=2, size=7, padding=1, outputs=6)
    image, m = convolve(
        conv, no_pool=0, pool_size=3, pool_stride=2, pupad=1, plpad=1, activation=1,
        pool_out_rows=4, pool_out_cols=4, porows=4, pocols=4,
    )  # fmt: skip
    want = np.stack([pool(np.maximum(one, 0), 3, 2, 1, 1, 4, 4) for one in image])
    np.testing.assert_array_equal(get(m, OUTPUT, want.shape), want)
    assert m.state.store.pool_stride == 0 and m.state.store_relu


@pytest.mark.parametrize("no_bias", [0, 1])
def test_parts_add_up(no_bias):
    """Output channels, input channels and lines in parts; halves take turns."""
    conv = draw(11, batch=2, size=6, inputs=7, outputs=9, padding=1)
    if no_bias:
        conv.bias = np.zeros(9, int)
    want = conv.result()
    m = machine()
    put(m, INPUT, conv.image)
    put(m, WEIGHTS, conv.kernel)
    put(m, BIAS, conv.bias, "<i4")
    run(m, *configuration(TINY, 9))
    whole = shapes(conv, want) | {"no_bias": no_bias}
    for och, outputs in ((0, 4), (4, 5)):
        for top, lines in ((0, 2), (2, 3), (5, 1)):
            for kch, inputs in ((0, 4), (4, 3)):
                up, down = max(1 - top, 0), max(top + lines + 1 - 6, 0)
                pixel = (max(top - 1, 0) * 6) * 7 + kch
                last = kch + inputs == 7
                part = {
                    "pochs": outputs, "orows": lines, "kchs": inputs, "upad": up, "dpad": down,
                    "input": INPUT + pixel, "weights": WEIGHTS + kch * 9 + och,
                    "bias": 0 if kch else BIAS + 4 * och,
                    "output": OUTPUT + top * 6 * 9 + och if last else 0,
                }  # fmt: skip
                run(m, *loop(whole | part))
    np.testing.assert_array_equal(get(m, OUTPUT, want.shape), clip8(want))
    assert m.state.halves.sp == 0 and m.state.halves.acc == 0  # 12 loops, 6 of them with output


def test_operands_that_are_there():
    """The second image uses the weights of the first, the second kernel the second image."""
    conv = draw(12, batch=2, size=4, padding=1)
    want = conv.result()
    m = machine()
    put(m, INPUT, conv.image)
    put(m, WEIGHTS, conv.kernel)
    put(m, BIAS, conv.bias, "<i4")
    p = shapes(conv, want) | {"batches": 1, "a_spad_id": 1, "b_spad_id": 2}
    run(m, *configuration(TINY, 6), *loop(p))
    second = {"input": INPUT + 4 * 4 * 3, "output": OUTPUT + 4 * 4 * 6, "weights": 0}
    run(m, *loop(p | second))
    np.testing.assert_array_equal(get(m, OUTPUT, want.shape), clip8(want))
    put(m, OUTPUT, np.zeros(99))
    run(m, *loop(p | {"input": 0, "weights": WEIGHTS, "output": OUTPUT}))
    np.testing.assert_array_equal(get(m, OUTPUT, want[1].shape), clip8(want[1]))


def test_lines_of_the_kernel_that_see_padding_only():
    """Line by line and one line of the kernel at a time: pads reach further than is read."""
    conv = draw(11, size=(3, 4), kernel=5, padding=2, inputs=4, outputs=5)
    want, m = convolve(conv)
    whole = shapes(conv, want)
    zero = np.zeros_like(want)
    put(m, OUTPUT, zero)
    for row in range(want.shape[1]):
        for line in range(5):
            seen = row + line - 2
            pads = {"upad": max(-seen, 0), "dpad": max(seen - 2, 0), "krows": 1, "orows": 1}
            part = whole | pads | {
                "input": INPUT + min(max(seen, 0), 2) * 4 * 4,
                "weights": WEIGHTS + line * 5 * 4 * 5,
                "bias": BIAS if line == 0 else 0,
                "output": OUTPUT + row * 4 * 5 if line == 4 else 0,
            }  # fmt: skip
            run(m, *loop(part))
    np.testing.assert_array_equal(get(m, OUTPUT, want.shape), want)


def test_no_room_for_zeros_between_pixels():
    """What gemmini.h counts on: 7 lines and columns with zeros between take 4 and 4."""
    conv = draw(12, size=3, kernel=2, padding=1, outputs=4, input_dilated=True)
    want, m = convolve(conv, TINY.replace(sp_bank_rows=16))  # a half of 32 rows: 16 and 12
    assert want.shape[1:3] == (6, 6)
    np.testing.assert_array_equal(get(m, OUTPUT, want.shape), want)


def test_what_is_read_has_a_limit():
    """Depthwise lines store no padding, yet what they read is counted in few bits."""
    p = {
        "depthwise": 1, "weights_1203": 1, "kernel": 3, "krows": 3, "kcols": 3, "kchs": 4,
        "pochs": 4, "batches": 1, "orows": 1, "ocols": 1, "no_pool": 1, "stride": 1,
    }  # fmt: skip
    small = TINY.replace(sp_bank_rows=16, acc_bank_rows=32)
    for orows, code in ((9, ErrorCode.NONE), (10, ErrorCode.BAD_SIZE)):  # 65 and 72 of 64 + 4
        ran = machine(small).run(loop(p | {"orows": orows, "stride": 7, "dpad": 60, "rpad": 8}))
        assert ran.error is code
