"""Logarithmic numbers, codebooks and scales: every code and every border, against fractions."""

import math
from fractions import Fraction
from functools import cache

import gfloat
import ml_dtypes
import numpy as np
import pytest
from gfloat.formats import format_info_ocp_e8m0

from hw.formats import (
    E8M0,
    Codebook,
    Fixed,
    Float,
    Format,
    Int,
    Log,
    Posit,
    entry,
    parse_format,
    suited,
)


@cache
def significand(rest: int, fraction: int, man: int) -> int:
    """2**(man + rest / 2**fraction), rounded, by taking square roots of an integer."""
    size = 1 << rest + (man + 1 << fraction)
    for _ in range(fraction):
        size = math.isqrt(size)
    return (size + 1) // 2  # never a tie: irrational, or exact with an even `size`


def log_value(fmt: Log, code: int) -> Fraction | None:
    """Value of a code, None for NaN."""
    half = 1 << fmt.width - 1
    sign, field = (-1 if code & half else 1), code & (half - 1)
    if not field:
        return None if sign < 0 else Fraction(0)
    octave, rest = divmod(field - fmt.bias, 1 << fmt.fraction)
    size = significand(rest, fmt.fraction, fmt.man)
    return sign * Fraction(size) * Fraction(2) ** (octave - fmt.man)


def around(values):
    """Every value, every middle, and what is next to them; and far outside."""
    values = np.array(sorted({float(v) for v in values}))
    middles = (values[1:] + values[:-1]) / 2
    points = np.concatenate([values, middles, [values[0] * 3, values[-1] * 3, 0.0]])
    return np.concatenate([points, np.nextafter(points, np.inf), np.nextafter(points, -np.inf)])


def check_rounding(fmt, exact: dict[int, Fraction]):
    """Nearest of the values, ties to the even place in their order; cut off with ``zero``."""
    ordered = sorted(set(exact.values()))
    places = around(ordered)
    lowest, highest = ordered[0], ordered[-1]
    floats = np.array([float(v) for v in ordered])
    for mode in ("rne", "zero"):
        for x, got in zip(places.tolist(), fmt.quantize(places, mode).tolist(), strict=True):
            at = int(np.searchsorted(floats, x))
            near = range(max(at - 2, 0), min(at + 2, len(ordered)))
            value = Fraction(min(max(Fraction(x), lowest), highest))
            if mode == "zero":
                near = [i for i in near if (ordered[i] - value) * (-1 if x < 0 else 1) <= 0]
            best = min(near, key=lambda i: (abs(ordered[i] - value), i % 2))
            assert Fraction(got) == ordered[best], (x, mode)


LOGS = [
    *(Log(3), Log(4), Log(5), Log(8), Log(6, 2), Log(8, 0), Log(8, 5), Log(7, 2, 20), Log(12)),
    Log(16), Log(8, 3, man=12),
]  # fmt: skip


@pytest.mark.parametrize("fmt", LOGS, ids=lambda fmt: fmt.name)
def test_logarithmic_codes(fmt):
    want = {code: log_value(fmt, code) for code in range(1 << fmt.width)}
    got = fmt.decode(np.arange(1 << fmt.width))
    assert np.flatnonzero(np.isnan(got)).tolist() == [fmt.nan_code]
    numbers = {code: value for code, value in want.items() if value is not None}
    assert [Fraction(got[code]) for code in numbers] == list(numbers.values())
    assert len(set(numbers.values())) == (1 << fmt.width) - 1
    assert fmt.encode(got).tolist() == list(range(1 << fmt.width))
    least = min(v for v in numbers.values() if v > 0)
    assert all((v / Fraction(2) ** fmt.least_exponent).denominator == 1 for v in numbers.values())
    assert float(least) <= fmt.max == max(map(float, numbers.values()))
    assert Log.parse(fmt.name) == fmt and isinstance(fmt, Format)


@pytest.mark.parametrize("fmt", LOGS[:9], ids=lambda fmt: fmt.name)
def test_logarithmic_rounding(fmt):
    exact = {c: v for c in range(1 << fmt.width) if (v := log_value(fmt, c)) is not None}
    check_rounding(fmt, exact)
    assert np.isnan(fmt.quantize([np.nan])).all()
    assert fmt.quantize([np.inf, -np.inf]).tolist() == [fmt.max, fmt.min]


def test_logarithmic_defaults():
    assert Log(8) == Log(8, 3, 64, 7) and Log(4) == Log(4, 0, 4, 0)
    assert Log(8).decode([64, 72, 56, 192]).tolist() == [1.0, 2.0, 0.5, -1.0]
    assert Log(4).decode(np.arange(8)).tolist() == [0, 0.125, 0.25, 0.5, 1, 2, 4, 8]


BOOKS = [
    Codebook((0x81, 0, 1, 0x7F), Int(8)),
    Codebook.of(np.linspace(-1, 1, 16) ** 3, Float.parse("e4m3fn")),
    Codebook.of([0.5, -3, 0.5, 2], Posit(8, 1)),
    Codebook(tuple(np.random.default_rng(0).permutation(256)), Int(8)),
]


@pytest.mark.parametrize("book", BOOKS, ids=range(len(BOOKS)))
def test_codebooks(book):
    entries = book.format.decode(np.array(book.table, np.uint64))
    assert book.decode(np.arange(len(book.table))).tolist() == entries.tolist()
    assert book.encode(entries).tolist() == [entries.tolist().index(v) for v in entries.tolist()]
    assert 1 << book.width == len(book.table) and isinstance(book, Format)
    assert (book.min, book.max) == (min(entries), max(entries))
    check_rounding(book, {i: Fraction(v) for i, v in enumerate(entries.tolist())})


def test_every_scale():
    codes = np.arange(256)
    want = codes.astype(np.uint8).view(ml_dtypes.float8_e8m0fnu).astype(np.float64)
    np.testing.assert_array_equal(E8M0().decode(codes), want)
    assert E8M0().encode(want).tolist() == codes.tolist() and isinstance(E8M0(), Format)


def test_scales_round():
    rng = np.random.default_rng(1)
    powers = 2.0 ** np.arange(-130, 129)
    values = np.concatenate([powers, 1.5 * powers, np.exp2(rng.uniform(-129, 128, 3000))])
    inside = values[(values >= 2.0**-127) & (values <= 2.0**127)]
    nearest = gfloat.round_ndarray(format_info_ocp_e8m0, inside, sat=True)
    np.testing.assert_array_equal(E8M0().quantize(inside), nearest)
    away = inside.astype(ml_dtypes.float8_e8m0fnu).astype(np.float64)  # other ties, subnormals cut
    agree = (np.frexp(inside)[0] != 0.75) & (inside >= 2.0**-126)
    np.testing.assert_array_equal(E8M0().quantize(inside)[agree], away[agree])
    np.testing.assert_array_equal(E8M0().quantize(inside, "zero"), 2.0 ** np.floor(np.log2(inside)))
    ends = E8M0().quantize([0.0, 1e-50, 1e50, np.inf, -1.0, np.nan])
    np.testing.assert_array_equal(ends, [2.0**-127] * 2 + [2.0**127] * 2 + [np.nan] * 2)


def test_messages():
    with pytest.raises(ValueError, match="Log.width is 2; it must be from 3 to 16"):
        Log(2)
    with pytest.raises(ValueError, match="Log.fraction is 6; it must be from 0 to 5"):
        Log(8, 6)
    with pytest.raises(
        ValueError, match="Log.fraction is 3; it must be larger: log16f3 reaches beyond"
    ):
        Log(16, 3)
    with pytest.raises(ValueError, match="5 values for a table; it has 4 of them"):
        Codebook((1, 2, 3, 4), Int(8)).replace(range(5))
    with pytest.raises(ValueError, match="Codebook.table has 3 codes; it must have 2, 4, 8"):
        Codebook((1, 2, 3), Int(8))
    with pytest.raises(ValueError, match="must hold codes of 4 bits"):
        Codebook((1, 16), Int(4))
    for fmt in (parse_format("mxfp4"), Fixed(8, 0)):
        with pytest.raises(ValueError, match=f"Codebook.format is '{fmt.name}'; it must be"):
            Codebook((0, 1), fmt)
    with pytest.raises(ValueError, match="must hold numbers"):
        Codebook((0, 0x7F), Float.parse("e4m3fn"))
    with pytest.raises(ValueError, match="has no value 3.0"):
        Log(4).encode([3.0])


def test_a_table_is_replaced_from_its_first_value_on():
    book = Codebook((1, 2, 3, 0xFF), Int(8))
    assert book.replace([-5, 7]).table == (0xFB, 7, 3, 0xFF)


def test_sums_are_wide_enough_for_every_table():
    e4m3, e5m2 = Float.parse("e4m3fn"), Float.parse("e5m2")
    book = Codebook.of([-1, 0.5], e4m3)
    for input, factor in ((e5m2, e4m3), (Int(8), e4m3), (Int(4), book)):
        assert entry(input, book) == factor
        assert Fixed.exact(input, book, 64) == Fixed.exact(input, factor, 64)
        assert suited(input, book) == suited(input, factor)
    assert Fixed.exact(Int(4), book, 64).width < Fixed.exact(Int(8), book, 64).width - 10
    for other in (e4m3, Codebook((127, 128), E8M0()), Codebook((0, 1), book)):
        assert entry(Int(8), other) == other
