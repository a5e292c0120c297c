"""The front door in any format, against plain numpy that shares no code with the simulator."""

import numpy as np
import pytest

import alhena as al
from sw.compiler.pooled import Pool
from sw.network.numbers import nearest
from sw.network.reference import scaled
from sw.network.sums import dot

FORMATS = (
    *("e4m3fn", "e5m2", "e2m1", "e3m2", "bf16", "fp16", "posit8es1", "int8->fp32", "int4"),
    *("e4m3fn*e5m2", "e4m3fn*e5m2->fp32", "int8*e4m3fn", "e5m2->fixed80e-32", "bf16->bf16-rz"),
    *(
        "e4m3fn->fixed24e-8-sat",
        "e4m3fn->fixed16e-9",
        "int8->int32->e4m3fn",
        "int8*int4",
        "bf16*e4m3fn",
        "int8*e2m1->fp32",
        "e4m3fn->fixed56e-18->fp16",
        "int8->int32->int16",
        "fp16->fp32->e4m3fn",
    ),
)
formats = pytest.mark.parametrize("name", FORMATS)
TINY = al.PRESETS["tiny"]


def accelerator(name: str) -> al.Accelerator:
    return al.Accelerator(TINY.with_formats(**vars(al.Mix.parse(name))))


def some(fmt, shape, seed: int, spread: float = 2.0):
    """Values of a format, not all of one size."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape) * 2.0 ** rng.uniform(-spread, spread, shape)
    if isinstance(fmt, al.Int):
        values *= fmt.max / 8
    rounded = nearest(fmt, values)
    return rounded.astype(int) if isinstance(fmt, al.Int) else rounded


def summand(config, shape, seed: int):
    """Values that every accumulator here has."""
    rng = np.random.default_rng(seed)
    return rng.integers(-6, 7, shape)


def in_tiles(k: int) -> list[tuple[int, int]]:
    return [(row, min(TINY.dim, k - row)) for row in range(0, k, TINY.dim)]


def seen(x, kernel, stride, padding):
    """[n·y·x, kernel lines·channels]: what every output sees."""
    margin = (padding, padding)
    padded = np.pad(x, ((0, 0), margin, margin, (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(1, 2))
    views = views[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)
    return views.reshape(*views.shape[:3], -1)


@formats
def test_products(name):
    acc = accelerator(name)
    config = acc.config
    m, k, n = 6, 11, 7
    a, b = some(config.input, (m, k), 1), some(config.weight, (k, n), 2)
    for d, loops in (
        (None, False),
        (summand(config, n, 3), False),
        (summand(config, (m, n), 4), config.loop_ws),
    ):
        bias = np.zeros(n) if d is None else d
        sums = dot(config.accumulator, *(np.asarray(v, float) for v in (a, b, bias)), in_tiles(k))
        got = acc.matmul(a, b, d, full_width=True, loops=loops)
        np.testing.assert_array_equal(got, sums)
        for scale, relu in ((1.0, False), (0.3, True)):
            got = acc.matmul(a, b, d, scale=scale, relu=relu, loops=loops)
            assert got.dtype == (np.int64 if isinstance(config.output, al.Int) else np.float64)
            np.testing.assert_array_equal(got, scaled(sums, scale, relu, config.output))


EXACT = ("e4m3fn", "e5m2", "e3m2", "bf16", "posit8es1", "int8->fp32", "e4m3fn*e5m2", "int8*e4m3fn")


def few(fmt, shape, seed: int):
    """Values whose sums no accumulator here rounds, so that their order is free."""
    return (
        np.random.default_rng(seed)
        .integers(-4, 5, shape)
        .astype(int if isinstance(fmt, al.Int) else float)
    )


@pytest.mark.parametrize("loops", (False, True), ids=("commands", "loops"))
@pytest.mark.parametrize("name", EXACT)
def test_layers(name, loops):
    acc = accelerator(name)
    config = acc.config
    x, w = few(config.input, (1, 6, 5, 4), 1), few(config.weight, (3, 3, 4, 8), 2)
    bias = summand(config, 8, 3)
    for stride, padding in ((1, 1), (2, 0)):
        options = {"stride": stride, "padding": padding, "scale": 0.125, "loops": loops}
        sums = seen(x, 3, stride, padding) @ w.reshape(-1, 8) + bias
        want = scaled(sums.astype(float), 0.125, True, config.output)
        np.testing.assert_array_equal(acc.conv2d(x, w, bias, relu=True, **options), want)
    pool = Pool(2, 2)
    pooled = want = scaled(seen(x, 3, 1, 1) @ w.reshape(-1, 8) + 0.0, 1.0, False, config.output)
    pooled = np.maximum.reduce([pooled[:, i::2, j::2][:, :3, :2] for i in (0, 1) for j in (0, 1)])
    got = acc.conv2d(x, w, padding=1, pool=pool, loops=loops)
    np.testing.assert_array_equal(got, pooled)


@pytest.mark.parametrize("loops", (False, True), ids=("commands", "loops"))
@pytest.mark.parametrize("name", ("e4m3fn", "e3m2", "posit8es1", "e4m3fn*e5m2", "int8*e4m3fn"))
def test_depthwise_convolutions(name, loops):
    acc = accelerator(name)
    config = acc.config
    x, w = few(config.input, (1, 6, 5, 8), 4), few(config.weight, (3, 3, 8), 5)
    views = seen(x, 3, 1, 1).reshape(1, 6, 5, 9, 8)
    want = np.einsum("nyxkc,kc->nyxc", views, w.reshape(9, 8)).astype(float)
    got = acc.depthwise(x, w, scale=0.5, loops=loops)
    np.testing.assert_array_equal(got, scaled(want, 0.5, False, config.output))


@pytest.mark.parametrize("name", ("e4m3fn", "e5m2", "fp16", "posit8es1", "int8->fp32"))
def test_sums_of_two_matrices(name):
    acc = accelerator(name)
    fmt = acc.config.input
    a, b = some(fmt, (5, 8), 6), some(fmt, (5, 8), 7)
    inner = [scaled(np.asarray(v, float), f, False, fmt) for v, f in ((a, 0.5), (b, 0.75))]
    eye = np.ones((2, 1))
    want = [dot(acc.config.accumulator, np.stack([x, y], 1), eye, np.zeros(1), [(0, 1), (1, 1)])
            for x, y in zip(inner[0], inner[1], strict=True)]  # fmt: skip
    got = acc.add(a, b, scales=(0.5, 0.75), scale=2.0)
    np.testing.assert_array_equal(
        got, scaled(np.stack(want)[..., 0], 2.0, False, acc.config.output)
    )


def test_chains_of_layers():
    acc = accelerator("e4m3fn")
    x = few(acc.config.input, (3, 8), 1)
    first, second = few(acc.config.weight, (8, 8), 2), few(acc.config.weight, (8, 5), 3)
    hidden = scaled(x @ first, 0.25, True, acc.config.input)
    want = scaled(hidden @ second, 1.0, False, acc.config.output)
    got = acc.dense(x, [first, second], scales=[0.25, 1.0], relus=[True, False])
    np.testing.assert_array_equal(got, want)


def test_specials_pass():
    acc = accelerator("e5m2")
    a = [[np.inf, 1.0], [np.nan, 1.0], [-np.inf, np.inf], [57344.0, 57344.0]]
    got = acc.matmul(a, [[1.0], [1.0]])
    np.testing.assert_array_equal(got.ravel(), [np.inf, np.nan, np.nan, np.inf])
    np.testing.assert_array_equal(acc.matmul([[-np.inf]], [[2.0]], relu=True), [[0]])
    fixed = accelerator("e4m3fn")
    np.testing.assert_array_equal(
        fixed.matmul([[np.nan], [448.0]], [[2.0]], full_width=True).ravel(), [np.nan, 896]
    )


def test_d_is_rounded_to_the_accumulator():
    acc = al.Accelerator("tiny:format=e4m3fn->fixed24e-3")
    got = acc.matmul([[0.0]], [[0.0]], [[0.1876]], full_width=True)
    assert got == 0.25
    assert accelerator("bf16").matmul([[0.0]], [[0.0]], [1 / 3], full_width=True) == np.float32(
        1 / 3
    )


@pytest.mark.parametrize(
    ("name", "call", "message"),
    [
        ("e4m3fn", lambda acc: acc.matmul([[1.0, 0.3]], [[1.0], [1.0]]),
         r"a holds 0.3, which is no e4m3fn; config.input.quantize\(a\) rounds"),
        ("e4m3fn*e5m2", lambda acc: acc.matmul([[1]], [[9]]),
         r"b holds 9.0, which is no e5m2; acc.weight.quantize\(b\) rounds"),
        ("e2m1", lambda acc: acc.matmul([[np.nan]], [[1]]), "a holds nan, which is no e2m1"),
        ("e4m3fn", lambda acc: acc.matmul([[1j]], [[1]]), "a holds complex128; e4m3fn takes real"),
        ("e4m3fn", lambda acc: acc.matmul([[1]], [[1]], []), "d has shape|bias has shape"),
        ("int8->fp32", lambda acc: acc.matmul([[1.0]], [[1]]), "a holds float64; quantise it"),
        ("bf16", lambda acc: acc.matmul([[1]], [[1]], output_stationary=True),
         "has no output-stationary dataflow"),
        ("bf16", lambda acc: acc.depthwise(np.ones((1, 3, 3, 1)), np.ones((3, 3, 1))),
         r"and sums that are not rounded \(here fp32\)"),
        ("e4m3fn->fixed20e-9", lambda acc: acc.matmul([[1] * 3], [[1] * 3] * 3, full_width=True,
                                                      loops=True), "not whole fixed20e-9 elements"),
    ],
)  # fmt: skip
def test_messages(name, call, message):
    with pytest.raises(ValueError, match=message):
        call(accelerator(name))
