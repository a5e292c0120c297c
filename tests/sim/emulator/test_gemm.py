"""Every loop against the formats' own tiles and additions."""

import os

import numpy as np
import pytest

from hw.formats import Fixed, Float, Int, Rounded, parse_accumulator, parse_format, sums
from sim.emulator import Mac, gemm

FULL = os.environ.get("ALHENA_FULL") == "1"

# input, weight, sum, memory (or None), dim, loop
COMBINATIONS = [
    ("int8", "int8", "int32", None, 16, "sgemm"),
    ("int8", "int8", "int20", "int32", 16, "sgemm"),
    ("int8", "int8", "int17", "int20", 16, "tiles"),
    ("int16", "int16", "int32", None, 4, "dgemm"),
    ("int16", "uint8", "int24", "int32", 4, None),
    ("uint8", "ternary", "int20", None, 16, "sgemm"),
    ("int8", "binary", "int16", None, 16, "sgemm"),
    ("e2m1", "e2m1", "fixed17e-2", None, 16, "sgemm"),
    ("e4m3fn", "e4m3fn", "fixed49e-18", None, 16, "dgemm"),
    ("e5m2", "e4m3fn", "fixed63e-25", None, 16, "dgemm of digits"),
    ("e5m2", "e5m2", "fixed77e-32", None, 16, "dgemm of digits"),
    ("e5m2", "e5m2", "fixed60e-32", None, 16, "tiles"),
    ("e4m3fn", "e4m3fn", "fixed40e-18", "fixed49e-18", 8, "dgemm"),
    ("e4m3fn", "e4m3fn", "fixed37e-18", "fixed49e-18", 8, "tiles"),
    ("e4m3fn", "e4m3fn", "fixed32e-18", None, 8, "tiles"),
    ("e4m3fn", "e4m3fn", "fixed32e-8", None, 16, "steps in float64"),
    ("e5m2", "e4m3fn", "fixed24e-4-sat", None, 16, "steps in float64"),
    ("e4m3fn", "e4m3fn", "fixed30e-18-sat", "fixed40e-18-sat", 8, "steps in float64"),
    ("bf16", "bf16", "fixed64e-30", None, 4, "tiles"),
    ("posit8es1", "posit8es1", "fixed58e-24", None, 16, "dgemm of digits"),
    ("log8f3", "log8f3", "fixed60e-30", None, 8, None),
    ("table-e4m3fn-00.38.b8.7e", "e5m2", "fixed64e-25", None, 16, None),
    ("e5m2", "e5m2", "e6m9", None, 16, "float32"),
    ("e5m2", "e5m2", "e6m9-ftz", "fp32", 16, "float32"),
    ("e4m3fn", "e4m3fn", "fp16", None, 8, "float32"),
    ("e4m3fn", "e4m3fn", "bf16", "fp32", 8, "float32"),
    ("e4m3fnuz", "e5m2fnuz", "e5m10fnuz", None, 8, "float32"),
    ("e2m1", "e2m1", "e4m3fn", None, 16, "float32"),
    ("e2m1", "e3m2", "e4m5none", None, 16, "float32"),
    ("e4m3fn", "e4m3fn", "fp16-sat", None, 8, "float32"),
    ("int8", "e4m3fn", "fp32", None, 8, "float64"),
    ("bf16", "bf16", "fp32", None, 16, "float64"),
    ("bf16", "bf16", "fp32-ftz", None, 16, "float64"),
    ("fp16", "fp16", "fp32-rz", None, 16, "float64 to odd"),
    ("fp32", "fp32", "fp32", None, 4, "float64 to odd"),
    ("e4m3fn", "e4m3fn", "fp16-rz", None, 8, "float64"),
    ("e5m2", "e5m2", "e6m9-rz", "fp32-rz", 16, "float64 to odd"),
    ("e5m2", "e5m2", "e6m9-ftz-rz", None, 16, "float64 to odd"),
    ("e5m2", "e5m2", "e5m2-sat", None, 16, "float64 to odd"),
    ("e4m3fn", "e4m3fn", "e4m3fn-sat-rz", None, 4, None),
    ("fp16", "fp16", "e5m6", "fp16", 16, None),
    ("bf16", "bf16", "bf16", None, 16, "float64 to odd"),
    ("posit8es1", "posit8es1", "fp16", None, 8, None),
    ("posit8es1", "posit8es1", "posit16es1", None, 8, "tiles"),
    ("e5m2", "e5m2", "e6m9-sr8", None, 16, "float64 to odd"),
    ("e5m2", "e5m2", "e6m9-sr1", "fp32", 16, "float64 to odd"),
    ("e4m3fn", "e4m3fn", "bf16-ftz-sr16", None, 8, None),
    ("bf16", "bf16", "fp32-sr16", None, 8, "float64 to odd"),
    ("e5m2", "e5m2", "e4m3-sr4", None, 8, "float64 to odd"),
]  # fmt: skip


def operand(fmt, shape, rng, kind: str) -> np.ndarray:
    """Values: any code, with few that are no numbers; ordinary sizes; or near the ends."""
    values = fmt.decode(rng.integers(0, 1 << fmt.width, shape)).astype(np.float64)
    if kind == "ordinary":
        spread = rng.standard_normal(shape) * min(2.0, fmt.max / 4)
        values = fmt.quantize(spread).astype(np.float64)
    if kind == "ends" and hasattr(fmt, "least_exponent"):
        least = 2.0**fmt.least_exponent
        ends = np.array([fmt.min, fmt.max, 0.0, *np.arange(-3, 4) * least])
        values = fmt.quantize(rng.choice(ends, shape)).astype(np.float64)
        values = np.where((values == 0) & (rng.random(shape) < 0.5), -0.0, values)
        values = fmt.quantize(values).astype(np.float64)
    keep = rng.random(shape) < (0.003 if kind == "codes" else 0)
    return np.where(np.isfinite(values) | keep, values, fmt.quantize(1.0).astype(np.float64))


def same(got, want):
    if got.dtype == np.float64:
        np.testing.assert_array_equal(got, want)
        number = ~np.isnan(want)
        np.testing.assert_array_equal(np.signbit(got)[number], np.signbit(want)[number])
    else:
        assert got.dtype == want.dtype and got.tolist() == want.tolist()


@pytest.mark.parametrize("kind", ["codes", "ordinary", "ends"])
@pytest.mark.parametrize("case", COMBINATIONS, ids=lambda case: "-".join(map(str, case[:4])))
def test_equals_the_formats_own_sums(case, kind):
    names, (memory, dim, kernel) = case[:2], case[3:]
    formats = [parse_format(name) for name in names]
    store = parse_accumulator(memory) if memory else None
    mac = Mac(*formats, parse_accumulator(case[2]), store, dim)
    seeds = range(40 if FULL else 2)
    for seed in seeds:
        rng = np.random.default_rng([seed, dim, len(case[2])])
        m, n = (9, 21) if seed % 2 else (33, 8)
        k = [3 * dim, 5 * dim - 1][seed % 2]
        a, b = operand(formats[0], (m, k), rng, kind), operand(formats[1], (k, n), rng, kind)
        d = operand(formats[0], (m, n), rng, kind) if seed % 2 else np.zeros((m, n))
        bits = getattr(mac.sum, "bits", 0)
        random = rng.integers(0, 1 << bits, (k, m, n)) if bits else None
        want = mac.golden(a, b, d, None, 0 if random is None else random)
        got = gemm(a, b, mac, d, random=random)
        same(got.raw, want)
        again = gemm(a, b, mac, random=random, onto=want)
        same(again.raw, mac.golden(a, b, 0.0, want, 0 if random is None else random))
        if kernel and kind == "codes" and seed == 0:
            assert got.kernel == kernel


def test_tiles_are_added_up_in_order():
    """By hand: fp16 holds 2048 + 1 as 2048, in a tile; the memory adds tiles in its own format."""
    e4m3, fp16, fp32 = (Float.parse(name) for name in ("e4m3fn", "fp16", "fp32"))
    a = np.array([[32.0, 1.0, 1.0, 1.0]])
    b = np.array([[64.0], [1.0], [1.0], [1.0]])
    narrow = Mac(e4m3, e4m3, Rounded(fp16), dim=2)
    assert gemm(a, b, narrow).raw.tolist() == [[2050.0]]  # 2048 + 1, then 1 + 1 on top
    assert gemm(a, b, Mac(e4m3, e4m3, Rounded(fp16), dim=4)).raw.tolist() == [[2048.0]]
    wide = Mac(e4m3, e4m3, Rounded(fp16), Rounded(fp32), dim=1)
    assert gemm(a, b, wide).raw.tolist() == [[2051.0]]


def test_results_are_codes_and_values():
    mac = Mac(Int(8), Int(8), Int(32))
    product = gemm([[-3.0]], [[5.0]], mac, d=[[1.0]], onto=[[100]])
    assert product.raw.tolist() == [[86]] and product.values.tolist() == [[86.0]]
    assert gemm([[-3.0]], [[5.0]], mac).codes.tolist() == [[(1 << 32) - 15]]
    e4m3 = Float.parse("e4m3fn")
    fixed = Mac(e4m3, e4m3, Fixed(100, -18))
    assert gemm([[-3.0]], [[5.0]], fixed).codes.tolist() == [[(1 << 100) - (15 << 18)]]
    assert gemm([[np.nan]], [[5.0]], fixed).codes.tolist() == [[1 << 99]]
    assert gemm(np.zeros((2, 0)), np.zeros((0, 3)), fixed).raw.shape == (2, 3)


def test_values_at_the_float32_limit_take_the_exact_product():
    mac = Mac(Int(8), Int(8), Int(32))
    small, large = np.full((8, 512), 127.0), np.full((8, 2048), 127.0)
    assert gemm(small, small.T, mac).kernel == "sgemm"
    product = gemm(large, large.T, mac)
    assert product.kernel == "dgemm" and (product.raw == 2048 * 127**2).all()
    assert sums(Int(32)).values(product.raw).max() == 2048 * 127**2


def test_messages():
    mac = Mac(Float.parse("e5m2"), Float.parse("e5m2"), parse_accumulator("e6m9-sr4"))
    with pytest.raises(ValueError, match=r"a has the shape \(2, 3\), b \(2, 3\); they must be"):
        gemm(np.zeros((2, 3)), np.zeros((2, 3)), mac)
    with pytest.raises(
        ValueError, match=r"random is missing; e6m9-sr4 needs integers of the shape"
    ):
        gemm(np.zeros((2, 3)), np.zeros((3, 2)), mac)
    with pytest.raises(ValueError, match="random must be integers from 0 to 15"):
        gemm(np.zeros((1, 1)), np.zeros((1, 1)), mac, random=[[[16]]])
    with pytest.raises(ValueError, match="Mac.memory is fixed20e-1; it must be a wider one of"):
        Mac(Int(8), Int(8), Fixed(20, -2), Fixed(20, -1))
    with pytest.raises(ValueError, match="Mac.dim is 0; it must be an integer from 1"):
        Mac(Int(8), Int(8), Int(32), dim=0)
