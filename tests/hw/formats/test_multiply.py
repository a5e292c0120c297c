"""Products of all pairs of codes up to 8 bits, exact and rounded."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from gfloat import RoundMode, round_ndarray

from hw.formats import Fixed, Float, Int, Log, Posit, Rounded, Ternary, sums
from tests.hw.formats.test_every_float import formats
from tests.hw.formats.test_float import TYPES, codes, oracle, same
from tests.hw.formats.test_listed import log_value
from tests.hw.formats.test_posit import value

NARROW = [name for name in TYPES if Float.parse(name).width <= 8]


def pairs(fmt, values=None):
    """Every value as a column and as a row."""
    values = fmt.decode(np.arange(1 << fmt.width)) if values is None else values
    return values[:, None], values[None, :]


@pytest.mark.parametrize("name", NARROW)
def test_floats_as_in_ml_dtypes(name):
    """A float32 holds the product of two, so a cast of it is rounded once."""
    fmt = Float.parse(name)
    values = codes(fmt).astype(np.uint8).view(TYPES[name]).astype(np.float32)
    a, b = pairs(fmt, values)
    with np.errstate(invalid="ignore", over="ignore"):
        want = (a * b + np.float32(0)).astype(TYPES[name]).astype(np.float64)
    if not fmt.has_nan:
        want[np.isnan(want)] = 0
    a, b = pairs(fmt)
    same(Rounded(fmt).multiply_add(a, b, 0.0), want)


@pytest.mark.parametrize("exp", range(1, 8))
def test_floats_as_in_gfloat(exp):
    """With all mantissas and specials; toward zero, too."""
    for man in range(8 - exp):
        for fmt in formats(exp, man) if exp + man > 1 else ():
            some = codes(fmt)[:: 1 if fmt.width < 8 else 3]
            values = fmt.decode(some)
            a, b = pairs(fmt, values[np.isfinite(values)])
            exact = a * b + 0.0
            want = round_ndarray(oracle(fmt), exact, RoundMode.TiesToEven, sat=fmt.saturate)
            same(Rounded(fmt).multiply_add(a, b, 0.0), want)
            inside = np.where(np.abs(exact) > fmt.max, np.copysign(fmt.max, exact), exact)
            want = round_ndarray(oracle(fmt), inside, RoundMode.TowardZero)
            same(Rounded(fmt, "zero").multiply_add(a, b, 0.0), want)


@pytest.mark.parametrize("n", range(4, 9))
@pytest.mark.parametrize("es", range(3))
def test_posits(n, es):
    fmt, half = Posit(n, es), 1 << n - 1
    exact = [value(code, n, es) for code in range(1 << n)]
    assert all(
        w is None or Fraction(v) == w for v, w in zip(pairs(fmt)[0][:, 0], exact, strict=True)
    )
    borders = np.array([float(value(2 * c + 1, n + 1, es)) for c in range(half)])
    a, b = pairs(fmt)
    total = np.abs(a * b)  # exact: at most 12 bits
    low = np.searchsorted(borders, total, side="right")
    tie = (low > 0) & (borders[np.maximum(low, 1) - 1] == total) & (low % 2 == 1)
    code = np.where(total == 0, 0, np.clip(low - tie, 1, half - 1))
    code = np.where(a * b < 0, -code % (1 << n), code)
    code = np.where(np.isnan(total), half, code)
    got = fmt.encode(Rounded(fmt).multiply_add(a, b, 0.0))
    np.testing.assert_array_equal(got, code)


def exact_values(fmt) -> list[Fraction]:
    """All numbers of a format; the oracles are tested against its decode elsewhere."""
    every = range(1 << fmt.width)
    if isinstance(fmt, Log):
        numbers = [log_value(fmt, code) for code in every]
    elif isinstance(fmt, Posit):
        numbers = [value(code, fmt.n, fmt.es) for code in every]
    elif isinstance(fmt, Float):
        name = next(name for name in NARROW if Float.parse(name) == fmt)
        floats = codes(fmt).astype(np.uint8).view(TYPES[name]).astype(np.float64)
        numbers = [Fraction(x) if np.isfinite(x) else None for x in floats.tolist()]
    elif isinstance(fmt, Ternary):
        numbers = [Fraction(v) for v in (0, 1, -1)]
    else:
        half = 1 << fmt.width - 1 if fmt.signed else 0
        numbers = [Fraction((code ^ half) - half) for code in every]
    return [x for x in numbers if x is not None]


EXACT = (
    *(("int8", Int(8), Int(8)), ("uint8", Int(8, False), Int(8)), ("ternary", Ternary(), Int(8))),
    *((name, Float.parse(name), Float.parse(name)) for name in ("e2m1", "e4m3fn", "e5m2")),
    *(("posit", Posit(8, 1), Posit(8, 2)), ("log", Log(8), Log(6, 2))),
)


@pytest.mark.parametrize(("a", "b"), [pair[1:] for pair in EXACT], ids=[e[0] for e in EXACT])
def test_fixed_point_is_exact(a, b):
    x, y = exact_values(a), exact_values(b)
    fixed = Fixed.exact(a, b, 1)
    unit = Fraction(2) ** fixed.lsb
    floats = [np.array([float(v) for v in values]) for values in (x, y)]
    zero = np.zeros((len(x), len(y)))
    got = sums(fixed).tile(floats[0][:, None], floats[1][None, :], zero)
    assert got.tolist() == [[int(p * q / unit) for q in y] for p in x]
    assert max(abs(p * q) for p, q in product(x, y)) / unit <= fixed.max
    if isinstance(a, Int | Ternary):
        got = sums(Int(16)).tile(floats[0][:, None], floats[1][None, :], zero)
        assert got.tolist() == [[int(p * q) for q in y] for p in x]
