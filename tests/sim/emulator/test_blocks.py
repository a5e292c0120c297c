"""Products in blocks against tiles, scales and additions as the formats define them."""

import numpy as np
import pytest

from hw.config_text import parse_config
from hw.formats import Blocks, sums
from hw.formats.block import cuts
from sim.emulator import Mac, gemm

CASES = (
    *("mxfp4", "mxfp8e4m3", "mxfp8e5m2", "nvfp4", "mxint8", "mxfp4->bf16", "int8*mxfp4"),
    *("bf16*int4x32-bf16", "e5m2x8-e8m0*e4m3fnx12-e8m0", "posit8es1*mxfp4"),
)


def any_codes(block, rows: int, columns: int, axis: int, rng, numbers: bool) -> Blocks:
    """Random codes of elements, and scales of all sizes; `numbers`: none of them is NaN."""
    codes = rng.integers(0, 1 << block.element.width, (rows, columns))
    shape = [rows, columns]
    shape[axis] = -(-shape[axis] // block.size)
    scales = rng.integers(0, 1 << block.scale.width, shape)
    ordinary = block.scale.encode(2.0 ** rng.integers(-5, 6, shape))
    scales = np.where(rng.random(shape) < (1.0 if numbers else 0.8), ordinary, scales)
    if numbers:
        codes = np.where(np.isfinite(block.element.decode(codes)), codes, 1)
    return Blocks(codes.astype(np.uint64), scales.astype(np.uint64))


def model(mac, a, b, operands) -> np.ndarray:
    """Tile after tile, from the definitions."""
    memory, total = sums(mac.memory), None
    sizes = [block.size for block in operands if block]
    for part in cuts(a[0].shape[1], mac.dim, *sizes):
        x, y = a[0][:, part.start : part.stop], b[0][part.start : part.stop]
        more = mac.dim - len(part)
        x, y = np.pad(x, ((0, 0), (0, more))), np.pad(y, ((0, more), (0, 0)))
        tile = sums(mac.sum).tile(x, y, np.zeros((len(x), y.shape[1])))
        rows = a[1][:, part.start // operands[0].size] if operands[0] else np.ones(len(x))
        columns = b[1][part.start // operands[1].size] if operands[1] else np.ones(y.shape[1])
        scaled = mac.blocks.golden(tile, rows, columns)
        total = scaled if total is None else memory.add(total, scaled)
    return total


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("numbers", [True, False], ids=["numbers", "any codes"])
def test_every_loop(name, numbers):
    config = parse_config(f"small:format={name}")
    mac, rng = Mac.of(config), np.random.default_rng(len(name))
    operands, given, values = (config.input_block, config.weight_block), [], []
    for axis, block, fmt in ((1, operands[0], config.input), (0, operands[1], config.weight)):
        shape = (9, 83) if axis else (83, 7)
        if block:
            found = any_codes(block, *shape, axis, rng, numbers)
            given.append(found)
            values.append((fmt.decode(found.codes).astype(float), block.scale.decode(found.scales)))
        else:
            given.append(fmt.quantize(rng.normal(size=shape) * 3))
            values.append((given[-1].astype(float), None))
    product = gemm(*given, mac)
    np.testing.assert_array_equal(product.raw, model(mac, *values, operands))
    assert np.isfinite(product.raw).any() or not numbers
    again = gemm(*given, mac, onto=product.raw)
    assert (again.raw != product.raw).any() or not numbers


def test_the_fast_loop_is_chosen_where_it_is_exact():
    mac = Mac.of(parse_config("default:format=mxfp8e4m3"))
    rng = np.random.default_rng(1)
    assert gemm(rng.normal(size=(4, 64)), rng.normal(size=(64, 4)), mac).kernel.startswith("dgemm")
    mac = Mac.of(parse_config("default:format=mxfp4"))
    assert gemm(rng.normal(size=(4, 64)), rng.normal(size=(64, 4)), mac).kernel.startswith("sgemm")
    narrow = Mac.of(parse_config("default:format=mxfp4,partial=fixed8e-2"))
    got = gemm(np.full((1, 32), 6.0), np.full((32, 1), 6.0), narrow)
    assert got.raw[0, 0] != 36 * 32  # sums of a tile wrap around


@pytest.mark.parametrize("name", ["mxfp4", "bf16*int4x32-bf16"])
def test_without_rows_or_products(name):
    """What is there stays, or zeros."""
    config = parse_config(f"small:format={name}")
    mac = Mac.of(config)
    assert gemm(np.zeros((0, 40)), np.zeros((40, 3)), mac).values.shape == (0, 3)
    np.testing.assert_array_equal(gemm(np.zeros((2, 0)), np.zeros((0, 3)), mac).values, 0)
    onto = np.arange(6.0).reshape(2, 3)
    got = gemm(np.zeros((2, 0)), np.zeros((0, 3)), mac, onto=onto).values
    np.testing.assert_array_equal(got, onto)
    got = gemm(np.zeros((2, 40)), np.zeros((40, 3)), mac, onto=onto[0]).values
    np.testing.assert_array_equal(got, onto[[0, 0]])


@pytest.mark.parametrize(
    ("b", "message"),
    [
        (np.zeros(40), "b has 1 dimensions; it must have 2"),
        (np.zeros((41, 3)), r"they must be \(M, K\) and \(K, N\)"),
        (Blocks(np.zeros((40, 3), int), np.zeros((40, 1), int)), "a scale for every 32 codes"),
        (Blocks(np.full((40, 3), 16), np.zeros((2, 3), int)), r"none of e2m1's \(0 to 15\)"),
        (Blocks(np.zeros((40, 3), int), np.zeros((2, 3))), r"scales that are none of e8m0's"),
        (Blocks(np.zeros((40, 3), int), np.zeros((2, 3), int), np.inf), "b.tensor is inf"),
    ],
)
def test_what_are_no_operands_is_named(b, message):
    mac = Mac.of(parse_config("tiny:format=mxfp4"))
    with pytest.raises(ValueError, match=message):
        gemm(np.zeros((2, 40)), b, mac)
    with pytest.raises(ValueError, match="shape"):
        gemm(np.zeros((2, 40)), np.zeros((40, 3)), mac, onto=np.zeros((1, 2)))
    mixed = Mac.of(parse_config("tiny:format=mxfp4*e2m1"))
    blocks = Blocks(np.zeros((40, 3), int), np.zeros((2, 3), int))
    with pytest.raises(ValueError, match="b is in blocks"):
        gemm(np.zeros((2, 40)), blocks, mixed)
