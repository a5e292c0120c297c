"""Sums of tiles against fractions, one product after the other."""

import math
from fractions import Fraction

import gmpy2
import numpy as np
import pytest

from hw.formats import Fixed, Float, Int, Posit, Rounded, pack, sums, unpack

INPUTS = {
    "int8": Int(8),
    "uint4": Int(4, False),
    "posit8es1": Posit(8, 1),
    **{name: Float.parse(name) for name in ("e2m1", "e4m3fn", "e5m2", "fp16", "bf16")},
}


def operands(a: str, w: str, shape: tuple[int, int, int], seed: int = 0):
    """Values of random codes; few of the rows and columns have ones that are no numbers."""
    rng = np.random.default_rng(seed)
    m, k, n = shape
    fa, fw = INPUTS[a], INPUTS[w]
    draws = [(fa, (m, k)), (fw, (k, n)), (fa, (m, n))]
    a, w, d = (f.decode(rng.integers(0, 1 << f.width, s)).astype(float) for f, s in draws)
    for x, keep in ((a, np.s_[2:]), (w, np.s_[:, 2:]), (d, np.s_[2:, 2:])):
        x[keep] = np.where(np.isfinite(x[keep]), x[keep], 1.0)
    return a, w, d


def in_range(total: int, width: int, saturates: bool) -> int:
    most = (1 << width - 1) - 1
    if saturates:
        return max(-most, min(most, total))
    return (total + most + 1) % (1 << width) - most - 1


def units(value: float | Fraction, lsb: int) -> int:
    scaled = Fraction(value) / Fraction(2) ** lsb
    return int(scaled)  # toward zero


def leave(total: int, nan: bool, width: int) -> int:
    lowest = -(1 << width - 1)
    return lowest if nan else max(total, lowest + 1)


def fixed_tile(fixed: Fixed, a, w, d) -> list[list[int]]:
    saturates = fixed.overflow == "saturate"
    out = []
    for i in range(len(a)):
        out.append([])
        for j in range(w.shape[1]):
            steps = [(d[i, j], 1.0), *zip(a[i], w[:, j], strict=True)]
            nan, total = False, 0
            for x, y in steps:
                if not (math.isfinite(x) and math.isfinite(y)):
                    nan = True
                    continue
                product = units(Fraction(x) * Fraction(y), fixed.lsb)
                total = in_range(total + product, fixed.width, saturates)
            out[-1].append(leave(total, nan, fixed.width))
    return out


@pytest.mark.parametrize("overflow", ["wrap", "saturate"])
@pytest.mark.parametrize(
    ("a", "w", "widths"),
    [
        ("int8", "int8", [(24, 0), (14, 0), (13, 3), (40, -7)]),
        ("e2m1", "e2m1", [(17, -2), (7, -2), (9, 0)]),
        ("e4m3fn", "e4m3fn", [(49, -18), (30, -18), (24, -8), (62, -18), (63, -20), (80, -30)]),
        ("e5m2", "e4m3fn", [(59, -25), (20, -12), (62, 5), (61, -3)]),
        ("e5m2", "e5m2", [(77, -32), (40, -32), (64, -28), (128, -40), (8, 12)]),
        ("posit8es1", "posit8es1", [(62, -24), (58, -24), (16, -8)]),
        ("bf16", "bf16", [(535, -266), (128, -266), (64, -40), (32, -100)]),
        ("fp16", "uint4", [(48, -24), (24, -24), (18, -4)]),
    ],
)
def test_fixed_tiles(a, w, widths, overflow):
    for seed, (width, lsb) in enumerate(widths):
        fixed = Fixed(width, lsb, overflow)
        x, y, d = operands(a, w, (5, 9, 6), seed)
        got = sums(fixed).tile(x, y, d)
        assert got.dtype == fixed.dtype
        assert got.tolist() == fixed_tile(fixed, x, y, d)


def test_a_wrapped_lowest_sum_is_a_number_inside_the_tile():
    fixed = sums(Fixed(8, 0))
    assert fixed.tile([[-64.0, -64.0]], [[1.0], [1.0]], [[0.0]]).tolist() == [[-127]]
    assert fixed.tile([[-64.0, -64.0, 5.0]], np.ones((3, 1)), [[0.0]]).tolist() == [[-123]]
    saturating = sums(Fixed(8, 0, "saturate"))
    assert saturating.tile([[-100.0, -100.0, 5.0]], np.ones((3, 1)), [[0.0]]).tolist() == [[-122]]


@pytest.mark.parametrize("overflow", ["wrap", "saturate"])
@pytest.mark.parametrize("width", [5, 62, 63, 64, 65, 100])
def test_fixed_accumulator_memory(width, overflow):
    fixed, rng = Fixed(width, -7, overflow), np.random.default_rng(width)
    codes = [int.from_bytes(rng.bytes(16), "little") % (1 << width) for _ in range(400)]
    codes[:6] = [1 << width - 1, (1 << width - 1) - 1, 0, (1 << width - 1) + 1, 1, (1 << width) - 1]
    signed = [c - (c >> width - 1 << width) for c in codes]
    memory = sums(fixed)
    raw = memory.raw(codes)
    assert raw.tolist() == signed and memory.codes(raw).tolist() == codes
    assert pack(fixed, raw) == sum(c << width * i for i, c in enumerate(codes)).to_bytes(
        -(-400 * width // 8), "little"
    )
    assert unpack(fixed, pack(fixed, raw), 400).tolist() == signed
    lowest = -(1 << width - 1)
    x, y = raw[:, None], raw[None, :40]
    want = [
        [
            leave(in_range(p + q, width, overflow == "saturate"), lowest in (p, q), width)
            for q in signed[:40]
        ]
        for p in signed
    ]
    assert memory.add(x, y).tolist() == want
    values = memory.values(raw)
    for value, unit in zip(values, signed, strict=True):
        if unit == lowest:
            assert np.isnan(value)
        elif abs(unit) < 1 << 53:
            assert Fraction(value) == Fraction(unit, 128)
        else:
            odd = Fraction(value) * 128 / 2 ** (abs(unit).bit_length() - 53)
            exact = Fraction(unit, 2 ** (abs(unit).bit_length() - 53))
            assert abs(odd - exact) < 1 and (odd == exact or odd.numerator % 2 == 1)


def test_entering_fixed_point():
    fixed = sums(Fixed(8, -2))
    got = fixed.enter([1.3, -1.3, 31.75, 32.0, -32.0, np.nan, np.inf])
    assert got.tolist() == [5, -5, 127, -127, -127, -128, -128]
    saturating = sums(Fixed(8, -2, "saturate"))
    assert saturating.enter([100.0, -100.0, 1e300]).tolist() == [127, -127, 127]


@pytest.mark.parametrize("width", [16, 20, 32])
def test_integer_tiles(width):
    memory, rng = sums(Int(width)), np.random.default_rng(width)
    a, w = rng.integers(-(1 << 15), 1 << 15, (4, 40)), rng.integers(-(1 << 15), 1 << 15, (40, 5))
    d = rng.integers(-(1 << 15), 1 << 15, (4, 5))
    want = [
        [in_range(int(d[i, j]) + sum(int(x) * int(y) for x, y in zip(a[i], w[:, j], strict=True)),
                  width, False) for j in range(5)]
        for i in range(4)
    ]  # fmt: skip
    got = memory.tile(a.astype(float), w.astype(float), d.astype(float))
    assert got.tolist() == want
    big = np.array(want, dtype=object)
    added = memory.add(got, got).tolist()
    assert added == [[in_range(2 * int(x), width, False) for x in row] for row in big]
    assert memory.raw(memory.codes(got)).tolist() == want
    assert memory.enter([-3.0, 7.0]).tolist() == [-3, 7]


@pytest.mark.parametrize("mode", ["rne", "zero"])
@pytest.mark.parametrize(
    ("a", "w", "to"),
    [("e5m2", "e5m2", "e6m9"), ("e4m3fn", "e5m2", "bf16"), ("bf16", "int8", "fp32")],
)
def test_rounded_tiles(a, w, to, mode):
    fmt = Float.parse(to)
    x, y, d = operands(a, w, (6, 12, 7))
    got = sums(Rounded(fmt, mode)).tile(x, y, d)
    context = {
        which: gmpy2.context(
            precision=fmt.man + 1, emax=fmt.emax + 1, emin=fmt.emin - fmt.man + 1,
            subnormalize=True, round=which,
        )
        for which in (gmpy2.RoundToNearest, gmpy2.RoundToZero)
    }  # fmt: skip
    step = context[gmpy2.RoundToNearest if mode == "rne" else gmpy2.RoundToZero]
    for i in range(6):
        for j in range(7):
            with context[gmpy2.RoundToNearest]:
                total = gmpy2.mpfr(d[i, j])
            with step:
                for p, q in zip(x[i], y[:, j], strict=True):
                    total = gmpy2.fma(gmpy2.mpfr(p), gmpy2.mpfr(q), total)
            np.testing.assert_array_equal(got[i, j], float(total))


def test_stochastic_tiles_take_one_random_integer_per_step():
    rng = np.random.default_rng(3)
    a, w = rng.integers(0, 16, (3, 20)) / 4, rng.integers(0, 16, (20, 4)) / 4
    random = rng.integers(0, 8, (20, 3, 4))
    accumulator = Rounded(Float.parse("e6m3"), "stochastic", 3)
    got = sums(accumulator).tile(a, w, np.zeros((3, 4)), random)
    for i in range(3):
        for j in range(4):
            total = Fraction(0)
            for k in range(20):
                total += Fraction(a[i, k]) * Fraction(w[k, j])
                if total:
                    unit = Fraction(2) ** (math.frexp(total)[1] - 4)  # positive sums only
                    total = (int(total / unit * 8) + int(random[k, i, j])) // 8 * unit
            assert got[i, j] == total


def test_rounded_accumulator_memory():
    fmt, rng = Float.parse("e5m2"), np.random.default_rng(4)
    x, y = (fmt.decode(rng.integers(0, 256, 500)) for _ in range(2))
    nearest, cut = sums(Rounded(fmt, "stochastic", 4)), sums(Rounded(fmt, "zero"))
    with np.errstate(invalid="ignore"):
        total = x + y  # exact in float64
    np.testing.assert_array_equal(nearest.add(x, y), fmt.quantize(total))
    np.testing.assert_array_equal(cut.add(x, y), fmt.quantize(total, "zero"))
    assert nearest.add(1.0, 0.125) == 1.0 and nearest.add(1.75, 0.125) == 2.0
    assert cut.add(1.75, 0.125) == 1.75
    assert not np.signbit(nearest.add(1.0, -1.0)) and np.signbit(nearest.enter(-0.0))
    raw = nearest.raw(np.arange(256))
    number = ~np.isnan(raw)
    assert nearest.codes(raw)[number].tolist() == np.flatnonzero(number).tolist()
    assert (nearest.codes(raw)[~number] == fmt.nan_code).all()
