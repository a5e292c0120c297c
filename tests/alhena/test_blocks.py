"""Products of operands in blocks, through the front door, against plain numpy."""

import numpy as np
import pytest

import alhena as al
from hw.formats import Blocks

MIXES = (
    "mxfp4",
    "mxfp8e4m3",
    "mxfp8e5m2",
    "mxfp6e2m3->bf16",
    "mxint8",
    "nvfp4",
    "mxfp8e4m3*mxfp4",
    "bf16*int4x32-bf16",
    "int8x8-fp16*int8->fp16->int8",
    "e4m3fn*mxfp4->fp32->e4m3fn",
    "e4m3fnx12-e8m0*e4m3fnx20-e8m0",
)


def operands(config, m, k, n, seed=0):
    """Numbers for A and B, and what the formats keep of them."""
    rng = np.random.default_rng(seed)
    given, kept = [], []
    for shape, axis, block, fmt in (
        ((m, k), 1, config.input_block, config.input),
        ((k, n), 0, config.weight_block, config.weight),
    ):
        values = rng.normal(size=shape) * 2.0 ** rng.integers(-3, 4, (shape[0], 1))
        quantised = block.quantize(values, axis) if block else fmt.quantize(values)
        given.append(values if block else quantised)
        kept.append(quantised.astype(float))
    return given, kept


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("shape", [(1, 32, 4), (5, 70, 9), (13, 130, 17)], ids=str)
def test_equals_numpy(mix, shape):
    """Sums in float64 are exact or as good as; the accumulator rounds once per tile of K."""
    acc = al.Accelerator(f"small:format={mix}")
    given, (a, b) = operands(acc.config, *shape)
    got = acc.matmul(*given, full_width=True)
    bits = acc.config.accumulator.format.man
    tiles = -(-shape[1] // 8) + 4
    size = np.abs(a) @ np.abs(b)
    assert (np.abs(got - a @ b) <= size * tiles * 2.0 ** -(bits + 1)).all()
    assert np.abs(got).max() > 0


@pytest.mark.parametrize("mix", MIXES)
def test_the_emulator_and_the_machine_agree(mix):
    acc = al.Accelerator(f"tiny:format={mix},dim=8" if "6" in mix else f"tiny:format={mix}")
    given, _ = operands(acc.config, 7, 75, 11, seed=1)
    product = al.gemm(*given, al.Mac.of(acc.config))
    np.testing.assert_array_equal(product.values, acc.matmul(*given, full_width=True))
    assert product.kernel.endswith(", in blocks")


def test_the_rtl_too():
    config = al.PRESETS["tiny"].with_formats(al.parse_format("mxfp4"))
    given, _ = operands(config, 9, 96, 10)
    d = np.linspace(-3, 3, 10)
    results = []
    for engine in ("machine", "rtl"):
        acc = al.Accelerator(config, engine)
        results.append(acc.matmul(*given, d, scale=0.5, relu=True))
    np.testing.assert_array_equal(*results)


def test_blocks_that_are_so_already():
    acc = al.Accelerator("tiny:format=nvfp4")
    block = acc.config.input_block
    given, _ = operands(acc.config, 4, 40, 6)
    blocks = block.encode(given[0], 1), block.encode(given[1], 0)
    want = acc.matmul(*given)
    np.testing.assert_array_equal(acc.matmul(*blocks), want)
    tensor = blocks[0].tensor * blocks[1].tensor
    assert tensor != 1
    twice = blocks[0]._replace(tensor=2 * blocks[0].tensor), blocks[1]
    np.testing.assert_array_equal(acc.matmul(*twice, scale=0.5), want)
    d = np.full(6, 3.0)
    full = acc.matmul(*blocks, d, full_width=True)
    np.testing.assert_allclose(full, acc.matmul(*blocks, full_width=True) + 3, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("a", "message"),
    [
        (Blocks(np.zeros((4, 64), int), np.zeros((4, 1), int)), "needs two dimensions and a scale"),
        (Blocks(np.zeros(64, int), np.zeros(2, int)), "needs two dimensions and a scale"),
        (np.zeros(3), "it must have two non-empty dimensions of real numbers"),
        (np.zeros((3, 0)), "it must have two non-empty dimensions of real numbers"),
        (np.zeros((3, 5)), "a has 5 columns and b 64 rows"),
        (Blocks(np.full((4, 64), 16), np.zeros((4, 2), int)), r"none of e2m1's \(0 to 15\)"),
        (Blocks(np.zeros((4, 64)), np.zeros((4, 2), int)), "a has codes that are none of e2m1's"),
        (Blocks(np.zeros((4, 64), int), -np.ones((4, 2), int)), "scales that are none of e8m0's"),
        (Blocks(np.zeros((4, 64), int), np.zeros((4, 2), int), 0.0), "a.tensor is 0.0; it must be"),
        (Blocks(np.zeros((4, 64), int), np.zeros((4, 2), int), None), "a.tensor is None; it must"),
    ],
)
def test_messages(a, message):
    acc = al.Accelerator("tiny:format=mxfp4")
    with pytest.raises(ValueError, match=message):
        acc.matmul(a, np.zeros((64, 4)))


def test_scales_of_tensors_that_would_be_lost_are_refused():
    """A multiplier below the least normal float32 counts as 0, and the product would with it."""
    acc = al.Accelerator("tiny:format=nvfp4")
    small = np.full((2, 16), 2e-16)
    with pytest.raises(
        ValueError, match="the tensors' included, is 5.5.*e-39; it would count as 0"
    ):
        acc.matmul(small, small.T)
    want = acc.config.input_block.quantize(small)[0, 0] ** 2 * 16
    np.testing.assert_allclose(acc.matmul(small, small.T, full_width=True), want, rtol=1e-6)
    with pytest.raises(ValueError, match="scale is 1e-40; it would count as 0"):
        acc.matmul(np.ones((2, 16)), np.ones((16, 2)), scale=1e-40)


def test_full_width_needs_no_multiplier():
    acc = al.Accelerator("tiny:format=nvfp4,mvout_scale=off")
    x = np.random.default_rng(0).normal(size=(3, 16))
    want = al.Accelerator("tiny:format=nvfp4").matmul(x, x.T, full_width=True)
    np.testing.assert_array_equal(acc.matmul(x, x.T, full_width=True), want)


def test_blocks_for_an_operand_without_are_refused():
    acc = al.Accelerator("tiny:format=mxint8*int8")
    blocks = acc.config.input_block.encode(np.ones((4, 4)), 0)
    with pytest.raises(ValueError, match="b is in blocks; .* takes int8 without scales"):
        acc.matmul(np.ones((4, 4)), blocks)


def test_other_layers_take_formats_without_blocks():
    x, w = np.zeros((1, 4, 4, 4)), np.zeros((3, 3, 4, 4))
    for name in ("mxfp4", "bf16*int4x32-bf16"):
        acc = al.Accelerator(f"tiny:format={name}")
        for loops in (False, True):
            with pytest.raises(ValueError, match="has operands in blocks"):
                acc.conv2d(x, w, loops=loops)
        with pytest.raises(ValueError, match="has operands in blocks"):
            acc.depthwise(x, w[..., 0])
    narrow = al.Accelerator("tiny:format=bf16*int4")
    with pytest.raises(ValueError, match="no loop_conv; its formats have none; do without loops"):
        narrow.conv2d(x, w.astype(int), loops=True)
    acc = al.Accelerator("tiny:format=mxfp4")
    with pytest.raises(ValueError, match="d is not 0"):
        al.gemm(np.zeros((2, 4)), np.zeros((4, 2)), al.Mac.of(acc.config), d=1.0)
