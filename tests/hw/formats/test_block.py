"""Blocks against gfloat and the specifications in fractions."""

from bisect import bisect_left
from fractions import Fraction

import gfloat.formats as oracles
import gmpy2
import ml_dtypes
import numpy as np
import pytest
from gfloat import decode_block, encode_block, quantize_block
from gfloat.block import compute_scale_amax

from hw.formats import E8M0, Block, Blocks, Float, Int, parse_format
from hw.formats.block import cuts

MX = {
    "mxfp8e4m3": oracles.format_info_mxfp8_e4m3,
    "mxfp8e5m2": oracles.format_info_mxfp8_e5m2,
    "mxfp6e2m3": oracles.format_info_mxfp6_e2m3,
    "mxfp6e3m2": oracles.format_info_mxfp6_e3m2,
    "mxfp4": oracles.format_info_mxfp4_e2m1,
    "mxint8": oracles.format_info_mxint8,
}


def samples(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    """float32 values: blocks of every size, outliers, ties, zeros."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((rows, columns)) * 2.0 ** rng.integers(-20, 20, (rows, 1))
    values[1::4] *= np.exp2(rng.uniform(-12, 0, values[1::4].shape))
    values[2::4] = np.round(values[2::4] * 2) / 8
    values[3] = 0
    values[4] = rng.integers(-256, 257, columns) / 128  # at the upper end of mxint8
    values[5:7] = rng.uniform(-1, 1, (2, columns))
    values[5:7] *= [[2.0**-126], [1.5 * 2.0**126]]
    return values.astype(np.float32)


@pytest.mark.parametrize("name", MX)
def test_mx_conversion_is_gfloats(name):
    block, oracle = parse_format(name), MX[name]
    assert (block.size, block.width, block.bits) == (32, oracle.etype.k, oracle.etype.k + 0.25)
    values = samples(60, 64).astype(np.float64)
    blocks = block.encode(values)
    for row, codes, scales in zip(values, blocks.codes, blocks.scales, strict=True):
        for i in range(2):
            part = row[32 * i : 32 * i + 32]
            scale = compute_scale_amax(oracle.etype.emax, part)
            want = list(encode_block(oracle, scale, part / scale))
            got = [int(scales[i]), *codes[32 * i : 32 * i + 32].tolist()]
            assert list(decode_block(oracle, got)) == list(decode_block(oracle, want))
            assert got[0] == want[0]
            kept = quantize_block(oracle, part, compute_scale_amax)
            np.testing.assert_array_equal(block.quantize(part), kept)


def test_every_element_code_is_read_as_in_the_specification():
    for name, dtype in {
        "mxfp8e4m3": ml_dtypes.float8_e4m3fn, "mxfp8e5m2": ml_dtypes.float8_e5m2,
        "mxfp6e2m3": ml_dtypes.float6_e2m3fn, "mxfp6e3m2": ml_dtypes.float6_e3m2fn,
        "mxfp4": ml_dtypes.float4_e2m1fn,
    }.items():  # fmt: skip
        block = parse_format(name)
        codes = np.resize(
            np.arange(1 << block.width, dtype=np.uint8), (-(-(1 << block.width) // 32), 32)
        )
        scales = np.full((len(codes), 1), 130)
        got = block.decode(Blocks(codes, scales))
        np.testing.assert_array_equal(got, codes.view(dtype).astype(np.float64) * 8)
    codes = np.arange(256, dtype=np.uint8).reshape(8, 32)
    got = parse_format("mxint8").decode(Blocks(codes, np.full((8, 1), 127)))
    np.testing.assert_array_equal(got, codes.view(np.int8) / 64)


def nearest_e2m1(x: Fraction) -> Fraction:
    table = [Fraction(v) for v in (0, 0.5, 1, 1.5, 2, 3, 4, 6)]
    size = min(range(8), key=lambda i: (abs(table[i] - abs(x)), i % 2))
    return table[size] if x >= 0 else -table[size]


def test_nvfp4_in_fractions():
    block = parse_format("nvfp4")
    assert (block.size, block.width, block.bits) == (16, 4, 4.5)
    values = samples(40, 64, 1)[7:] * np.float32(2.0**-10)
    blocks = block.encode(values)
    tensor = Fraction(float(np.float32(np.abs(values).max() / np.float64(6 * 448))))
    assert Fraction(blocks.tensor) == tensor
    elements = Float.parse("e2m1").decode(blocks.codes)
    scales = np.float64(blocks.scales.astype(np.uint8).view(ml_dtypes.float8_e4m3fn))
    for i, j in np.ndindex(scales.shape):
        part = values[i, 16 * j : 16 * j + 16]
        exact = Fraction(float(np.abs(part).max())) / 6 / tensor
        assert scales[i, j] == float(exact) or scales[i, j] == np.float64(
            np.float64(float(exact)).astype(ml_dtypes.float8_e4m3fn)
        )
        for x, got in zip(part.tolist(), elements[i, 16 * j : 16 * j + 16], strict=True):
            step = Fraction(scales[i, j]) * tensor
            assert Fraction(got) == (nearest_e2m1(Fraction(x) / step) if step else 0)
    assert scales.max() == 448
    kept = block.decode(blocks)
    by = np.repeat(scales, 16, axis=1) * blocks.tensor
    np.testing.assert_array_equal(kept, elements * by)


def test_scales_of_tensors_saturate():
    """What no float32 holds is held to the largest or least normal one."""
    limits, block = np.finfo(np.float32), parse_format("nvfp4")
    for value, tensor in ((1e300, limits.max), (1e-300, limits.tiny)):
        blocks = block.encode(np.full(16, value))
        assert blocks.tensor == tensor
        assert block.decode(blocks)[0] == (6.0 * 448 * float(tensor) if value > 1 else 0)


@pytest.mark.parametrize("name", [*MX, "nvfp4"])
def test_axis_and_no_numbers(name):
    block = parse_format(name)
    values = samples(64, 8, 2).astype(np.float64)[:, :6]
    down, along = block.encode(values, axis=0), block.encode(values.T)
    assert down.scales.shape == (64 // block.size, 6) and down.codes.shape == (64, 6)
    np.testing.assert_array_equal(block.decode(down, axis=0), block.decode(along).T)
    lost = np.ones((2, block.size))
    lost[1, 3] = np.inf
    kept = block.quantize(lost)
    assert kept[0] == pytest.approx(1, rel=2**-23) and np.isnan(kept[1]).all()
    assert (block.quantize(np.zeros(block.size)) == 0).all()


def test_others():
    block = Block(Int(4), 8, Float.parse("bf16"))
    values = np.array([0.7, -0.35, 0.1, 0.0, 0.05, -0.7, 0.2, 0.3])
    assert block.name == "int4x8-bf16" and parse_format(block.name) == block
    got = block.encode(values)
    assert Int(4).decode(got.codes).tolist() == [7, -3, 1, 0, 0, -7, 2, 3]
    assert Block(Float.parse("e2m1"), 16, E8M0()).name == "e2m1x16-e8m0"


@pytest.mark.parametrize("name", ["mxfp4", "nvfp4", "mxint8"])
def test_a_last_block_may_be_short(name):
    """It is what it would be with zeros behind."""
    block = parse_format(name)
    values = np.random.default_rng(3).normal(size=(3, 40))
    got, whole = block.encode(values), block.encode(np.pad(values, ((0, 0), (0, 24))))
    assert got.codes.shape == (3, 40) and got.scales.shape == (3, -(-40 // block.size))
    assert (got.codes == whole.codes[:, :40]).all() and not whole.codes[:, 40:].any()
    assert (got.scales == whole.scales[:, : got.scales.shape[1]]).all()
    assert (block.decode(got) == block.decode(whole)[:, :40]).all()
    assert (block.quantize(values.T, axis=0) == block.quantize(values).T).all()


def test_cuts_cross_no_block():
    assert cuts(10, 4) == [range(0, 4), range(4, 8), range(8, 10)]
    assert cuts(10, 4, 6) == [range(0, 4), range(4, 6), range(6, 10)]
    assert cuts(7, 8, 4, 3) == [range(0, 3), range(3, 4), range(4, 6), range(6, 7)]
    assert cuts(0, 4, 2) == []


def nearest(table: list[Fraction], x: Fraction) -> Fraction:
    """Of magnitudes by code: the nearest, of two that with the even code, or the largest."""
    size = abs(x)
    at = min(bisect_left(table, size), len(table) - 1)
    best = min((i for i in (at - 1, at) if i >= 0), key=lambda i: (abs(table[i] - size), i % 2))
    return table[best] if x >= 0 else -table[best]


def magnitudes(fmt: Float) -> list[Fraction]:
    values = fmt.decode(np.arange(1 << fmt.width - 1))
    return [Fraction(v) for v in values[np.isfinite(values)].tolist()]


def reference(block: Block, values: list[list[Fraction]]) -> list[list[Fraction]]:
    """Blocks along the last axis, written from docs/numbers.md."""
    element, whole = block.element, isinstance(block.element, Int)
    unit = Fraction(2) ** (2 - element.width) if whole else Fraction(1)
    largest = Fraction(element.max) * unit
    tensor, n = Fraction(1), block.size
    if block.tensor:
        most = max(abs(x) for row in values for x in row) / (largest * Fraction(block.scale.max))
        with gmpy2.context(precision=24):
            tensor = Fraction(*gmpy2.mpfr(gmpy2.mpq(most)).as_integer_ratio())
    table = None if whole else magnitudes(element)
    scales = None if isinstance(block.scale, E8M0) else magnitudes(block.scale)

    def scale(most: Fraction) -> Fraction:
        if scales:
            return nearest(scales, most / largest / tensor)
        emax = 0 if whole else (largest.numerator // largest.denominator).bit_length() - 1
        exponent = floor_log2(most) - emax if most else -127
        return Fraction(2) ** min(max(exponent, -127), 127)

    def part(xs: list[Fraction]) -> list[Fraction]:
        step = scale(max(map(abs, xs))) * tensor
        if not step:
            return [Fraction(0)] * n
        if not whole:
            return [nearest(table, x / step) * step for x in xs]
        rounded = (min(max(round(x / step / unit), element.min), element.max) for x in xs)
        return [r * unit * step for r in rounded]

    return [[y for i in range(0, len(xs), n) for y in part(xs[i : i + n])] for xs in values]


def floor_log2(x: Fraction) -> int:
    guess = x.numerator.bit_length() - x.denominator.bit_length()
    return guess if x >= Fraction(2) ** guess else guess - 1


@pytest.mark.parametrize(
    "name",
    [
        *("mxfp4", "mxint8", "nvfp4", "e3m2x5-e8m0", "int3x1-e8m0", "uint4x4-e8m0", "int4x8-bf16"),
        *("e4m3fnx16-e5m2", "int8x10-e4m3fn", "e2m3x20-fp16-fp32", "e5m2x2-e4m3fnuz-fp32"),
        *("int16x40-fp16", "e2m1x40-e8m3fn-fp32", "e4m3fnuzx5-e5m6-ftz"),
    ],
)
def test_any_element_size_and_scale(name):
    block = parse_format(name)
    assert parse_format(block.name) == block
    columns = -(-160 // block.size) * block.size
    values = np.resize(samples(12, 160, 5).astype(np.float64), (12, columns)) * 2.0**-3
    got = block.quantize(values)
    want = reference(block, [[Fraction(x) for x in row] for row in values.tolist()])
    assert [[Fraction(x) for x in row] for row in got.tolist()] == want


def test_messages():
    with pytest.raises(ValueError, match="Block.size is 0; it must be an integer from 1"):
        Block(Int(8), 0)
    with pytest.raises(ValueError, match="Block.tensor is True; it must be False with a scale of"):
        Block(Int(8), 32, tensor=True)
    with pytest.raises(ValueError, match="Block.scale is e2m1; it must be a format with NaN"):
        Block(Int(8), 32, Float.parse("e2m1"))
