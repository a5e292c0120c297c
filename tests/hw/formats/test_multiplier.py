"""Multipliers of one's own: rules, identity, errors, and those that come with the project."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pytest

from hw.formats import Int, Multiplier
from hw.formats.multipliers import parse_multiplier

U4, I4 = Int(4, signed=False), Int(4)
SIGNED = [*range(8), *range(-8, 0)]


def without_low_bits(a, b):
    return a * b - (a & 1) * (b & 1)


CUT = Multiplier("cut", without_low_bits)
EXACT = Multiplier.from_table("table", [[a * b for b in SIGNED] for a in SIGNED])


def test_errors():
    got = CUT.errors(U4, U4)
    assert got["mean"] == -0.25 and got["worst"] == 1 and got["rate"] == 0.25
    assert got["mean_absolute"] == 0.25 and got["normalised"] == 0.25 / 225
    assert got["pairs"] == 256 and got["exhaustive"]
    odd = np.arange(1, 16, 2)
    assert got["relative"] == pytest.approx((1 / np.outer(odd, odd)).sum() / 225)
    exact = EXACT.errors(I4, I4)
    assert {exact[key] for key in ("mean", "worst", "relative", "rate")} == {0.0}
    wide = CUT.errors(Int(12), Int(12))
    assert wide["rate"] == pytest.approx(0.25, abs=0.01) and not wide["exhaustive"]
    assert CUT.errors(U4, U4, normal=True)["pairs"] == 64


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda a, b: a * b + 1, "makes 1 of 0 and 0; a product with 0 must be 0"),
        (lambda a, b: a * b * 2, "makes 270 of 9 and 15; a product of uint4 by uint4 must be from"),
        (lambda a, b: a * b // 2, "32 of 8 and 8; for a rounded accumulator it must be at least 6"),
        (lambda a, b: a * b / 2, "makes float64 of shape .16, 16.; it must make integers"),
        (lambda a, b: (a * b)[0], "makes int64 of shape .16,.; it must make integers"),
    ],
)
def test_rules(function, words):
    with pytest.raises(ValueError, match=f"multiplier f .*{words}"):
        Multiplier("f", function).over(U4, U4, normal="rounded" in words)


def test_normal_operands_only():
    """What a float accumulator never sees may break the rules."""
    odd = Multiplier("odd", lambda a, b: np.where((a > 7) & (b > 7), a * b, 77))
    assert odd.over(U4, U4, normal=True).golden([8, 0], [9, 9]).tolist() == [72, 0]
    with pytest.raises(ValueError, match="makes 77 of 0 and 0"):
        odd.over(U4, U4)


def test_tables():
    assert EXACT.over(I4, I4).golden([-8, 7, -1], [-8, -8, 0]).tolist() == [64, -56, 0]
    with pytest.raises(ValueError, match="table is 16 x 16; uint3 by int4 needs 8 x 16"):
        EXACT.over(Int(3, signed=False), I4)
    with pytest.raises(ValueError, match="t is float64 of shape .1, 1.; it must hold integers"):
        Multiplier.from_table("t", [[0.5]])
    with pytest.raises(ValueError, match="int16 by int16 has 2.32 products; up to 2.22 can be"):
        CUT.over(Int(16), Int(16))


def test_identity():
    bound = CUT.over(U4, U4)
    assert bound.over(U4, U4) is bound
    assert bound == CUT.over(U4, U4) and hash(bound) == hash(CUT.over(U4, U4))
    assert bound != CUT.over(I4, U4) != CUT
    assert repr(bound).startswith("Multiplier('cut', uint4 x uint4, ")
    changed = Multiplier("cut", np.multiply).over(U4, U4)
    assert repr(changed) != repr(bound) and changed != bound
    assert pickle.loads(pickle.dumps(bound)) == copy.deepcopy(bound) == bound
    assert bound.over(I4, U4).golden([-3], [3]).tolist() == [-10]


def test_mitchell():
    """The definition in fractions; extremes that the paper gives: none too large, 1/9 too small."""

    def log(n: int) -> Fraction:
        top = n.bit_length() - 1
        return top + Fraction(n, 1 << top) - 1

    def product(a: int, b: int) -> Fraction:
        total = log(a) + log(b)
        return (1 << int(total)) * (1 + total % 1)

    got = parse_multiplier("mitchell").over(Int(8), Int(8))
    values = range(1, 129)
    want = np.array([[product(a, b) for b in values] for a in values])
    for sign in (1, -1):
        a, b = np.array(values)[:, None] * -1, np.array(values[:-1]) * sign
        np.testing.assert_array_equal(got.golden(a, b), -sign * want[:, :-1])
    errors = got.errors(Int(8, signed=False), Int(8, signed=False))
    assert errors["mean"] < 0 and errors["relative"] == pytest.approx(0.038, abs=0.0005)
    x = np.arange(1, 256)
    relative = 1 - parse_multiplier("mitchell").golden(x[:, None], x) / np.outer(x, x)
    assert relative.min() == 0 and relative.max() == pytest.approx(1 / 9)


def test_truncated():
    bits = [[x >> k & 1 for k in range(5)] for x in range(32)]
    for columns in (1, 3, 6):
        want = [
            [
                sum(p[i] * q[j] << i + j for i in range(5) for j in range(5) if i + j >= columns)
                for q in bits
            ]
            for p in bits
        ]
        got = parse_multiplier(f"truncated{columns}")
        x = np.arange(32)
        np.testing.assert_array_equal(got.golden(x[:, None], x), want)
    assert parse_multiplier("truncated3").golden([-3, -4, 5], [2, -4, -1]).tolist() == [-8, 16, -16]


def test_names():
    for name in ("booth", "truncated", "truncated0", "truncatedx"):
        with pytest.raises(ValueError, match=f"no multiplier '{name}'; there are exact, mitchell"):
            parse_multiplier(name)
