"""Posits against a decoder with fractions, written from the standard's formula.

``ALHENA_FULL=1`` takes every size and every border.
"""

import os
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from hw.formats import Format, Posit

FULL = os.environ.get("ALHENA_FULL") == "1"
SIZES = [(n, es) for n in range(4, 17) for es in range(3)]
SIZES = SIZES if FULL else [*(size for size in SIZES if size[0] <= 10), (11, 1), (16, 1), (16, 2)]


@cache
def value(code: int, n: int, es: int) -> Fraction | None:
    """(1 - 3s + f)·2^((1 - 2s)(2^es·r + e + s)), Posit Standard (2022), section 3.4."""
    if code in (0, 1 << (n - 1)):
        return None if code else Fraction(0)
    bits = [code >> i & 1 for i in reversed(range(n))]
    sign, first = bits[:2]
    run = next((i for i, bit in enumerate(bits[1:]) if bit != first), n - 1)
    regime = run - 1 if first else -run
    rest = bits[run + 2 :]
    exponent = sum(bit << (es - 1 - i) for i, bit in enumerate(rest[:es]))
    fraction = sum(Fraction(bit, 2 << i) for i, bit in enumerate(rest[es:]))
    return (1 - 3 * sign + fraction) * Fraction(2) ** (
        (1 - 2 * sign) * ((regime << es) + exponent + sign)
    )


@pytest.mark.parametrize(("n", "es"), SIZES)
def test_every_code(n, es):
    fmt, codes = Posit(n, es), np.arange(1 << n)
    got = fmt.decode(codes)
    want = [value(code, n, es) for code in codes.tolist()]
    assert all(g == w if w is not None else np.isnan(g) for g, w in zip(got, want, strict=True))
    np.testing.assert_array_equal(fmt.encode(got), codes)
    assert (fmt.min, fmt.max) == (np.nanmin(got), np.nanmax(got))
    assert np.nanmin(got[got > 0]) == 2.0**fmt.least_exponent


def rounded(x: float, n: int, es: int, tables) -> int:
    """Between two codes the border is the longer posit between them; only zero becomes zero."""
    values, borders = tables
    size = abs(Fraction(x))
    low = int(np.searchsorted(values, size, side="right")) - 1
    up = low + 1 < len(values) and (size, low % 2) > (borders[low], 0)
    code = max(low + up, 1) if x else 0
    return -code % (1 << n) if x < 0 else code


@pytest.mark.parametrize(("n", "es"), SIZES)
def test_rounds_the_code(n, es):
    fmt, half = Posit(n, es), 1 << (n - 1)
    values = np.array([value(code, n, es) for code in range(half)], object)
    borders = np.array([value(2 * code + 1, n + 1, es) for code in range(half)], object)
    rng = np.random.default_rng(n)
    spread = rng.integers(2 * fmt.least_exponent, -2 * fmt.least_exponent, 1000)
    places = rng.permutation(half - 1)[: half if FULL else 500]  # all, up to 10 bits
    ties = borders[places].astype(np.float64)
    x = np.ldexp(rng.standard_normal(1000), spread)
    x = np.concatenate([x, ties, -np.nextafter(ties, np.inf), np.nextafter(ties, 0), [0.0]])
    want = [rounded(v, n, es, (values, borders)) for v in x.tolist()]
    np.testing.assert_array_equal(fmt.encode(fmt.quantize(x)), want)
    cut = fmt.encode(np.abs(fmt.quantize(x, "zero")))
    lower = np.maximum(np.searchsorted(values, [abs(Fraction(v)) for v in x], side="right") - 1, 1)
    np.testing.assert_array_equal(cut, np.where(x == 0, 0, lower))


def test_stochastic_rounding_has_the_right_mean():
    fmt = Posit(8, 1)
    got = fmt.quantize(np.full(256, 1.0 + 5 / 1024), "stochastic", np.arange(256), 8)
    ups = (got > 1).sum()
    assert set(got) == {1.0, 1.0625} and ups == 256 * 5 // 64


def test_no_number():
    assert np.isnan(Posit(8).quantize([np.nan, np.inf, -np.inf])).all()
    assert Posit(8).encode([np.nan]) == 0x80


def test_names_and_messages():
    assert Posit.parse("posit16") == Posit(16, 2) and Posit(8, 0).name == "posit8es0"
    assert isinstance(Posit(8), Format)
    with pytest.raises(ValueError, match="Posit.n is 17; it must be an integer from 4 to 16"):
        Posit(17)
    with pytest.raises(ValueError, match="no format 'posit8e1'"):
        Posit.parse("posit8e1")
    with pytest.raises(ValueError, match="posit8es0 has no value 0.3; quantize"):
        Posit(8, 0).encode([0.3])
