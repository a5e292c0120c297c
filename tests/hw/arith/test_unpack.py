"""Codes taken apart, all of them up to 10 bits, against fractions."""

from fractions import Fraction

import numpy as np
import pytest
from amaranth.sim import Simulator

from hw.arith.order import element_format, is_nan, negative, order_key
from hw.arith.unpack import Unpack
from hw.formats import E8M0, Fixed, Float, Int, Log, Posit, Rounded, Ternary
from hw.formats.order import order
from tests.support.exact import decoded, power

FLOATS = (
    *("e4m3", "e4m3fn", "e4m3fnuz", "e5m2", "e5m2-ftz", "e5m2fnuz-ftz", "e4m3fn-ftz", "e2m1"),
    *("e3m2", "e2m3", "e4m0fn", "e1m2none", "e3m4", "fp16", "bf16", "fp32", "e6m9-ftz"),
)
FORMATS = [
    *(Int(8), Int(8, signed=False), Int(3), Int(16), Int(32), Int(32, signed=False)),
    *map(Float.parse, FLOATS),
    Rounded(Float.parse("e4m3")),
    *(Posit(8, 0), Posit(8, 1), Posit(8, 2), Posit(4, 2), Posit(5, 2), Posit(4, 0)),
    *(Posit(10, 1), Posit(16, 1), Posit(16, 2)),
    *(Ternary(), Log(8), Log(8, 0), Log(6, 2), Log(5, 2, 3), Log(8, 5, 1), Log(3, 0, 3)),
    *(Log(10, 3, 200, 9), Log(16)),
    E8M0(),
    *(Fixed(8, -3), Fixed(2, 0), Fixed(10, 40), Fixed(49, -18), Fixed(73, -36)),
]


def codes_of(fmt, count=600):
    """All codes of narrow formats; of others such with few runs of ones, and random ones."""
    if fmt.width <= 10:
        return range(1 << fmt.width)
    rng = np.random.default_rng(fmt.width)
    random = [int.from_bytes(rng.bytes(16), "little") for _ in range(count)]
    cut = rng.integers(0, fmt.width, count)
    mask = (1 << fmt.width) - 1
    pairs = [(1 << i, 1 << j) for i in range(fmt.width + 1) for j in range(i)]
    runs = [x for high, low in pairs for x in (high - low, high + low & mask)]
    runs = [runs[i] for i in rng.permutation(len(runs))[:count]]
    some = [(x & mask) >> int(n) for x, n in zip(random, cut, strict=True)] + runs
    return [c for x in some for c in (x, ~x & mask, -x & mask)]


def each(dut, codes, see):
    """Set every code; `see(ctx, code)` looks at what comes out."""

    async def bench(ctx):
        for code in codes:
            ctx.set(dut.i[:], code)
            await ctx.delay(1e-9)
            see(ctx, code)

    sim = Simulator(dut)
    sim.add_testbench(bench)
    sim.run()


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.name)
def test_every_code(fmt):
    parameters = Unpack(fmt)
    dut, layout = parameters.create(), parameters.layout

    def see(ctx, code):
        got, want = ctx.get(dut.o), decoded(fmt, code)
        kinds = (got.nan, got.infinite) if layout.specials else (0, 0)
        assert kinds == (want.size == "nan", want.size == "inf"), code
        if isinstance(want.size, Fraction):
            assert got.significand >> (layout.bits - 1) == (want.size > 0), code
            size = got.significand and got.significand * power(got.exponent - layout.bits + 1)
            assert (got.sign, size) == want, code

    each(dut, codes_of(fmt), see)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.name)
def test_golden(fmt):
    codes = list(codes_of(fmt, 100))
    values = Unpack(fmt).golden(np.array(codes, object if fmt.width > 64 else np.uint64))
    for code, value in zip(codes, values.tolist(), strict=True):
        want = decoded(fmt, code)
        if isinstance(want.size, Fraction) and want.size.numerator.bit_length() <= 53:
            assert abs(Fraction(value)) == want.size and np.signbit(value) == want.sign
        elif not isinstance(want.size, Fraction):
            assert str(abs(value)) == want.size


def key_of(x):
    """Minus zero lies below zero."""
    size = power(2000) if x.size == "inf" else x.size
    return (-size, -1) if x.sign else (size, 0)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.name)
def test_order_sign_and_nan(fmt):
    """Keys compare as values do, in numpy and in RTL; ReLU's and NaN's codes."""
    codes = list(codes_of(fmt, 100))
    dut = Unpack(fmt).create()
    keys, numbers = {}, {}

    def see(ctx, code):
        key = ctx.get(order_key(fmt, dut.i))
        want = decoded(fmt, code)
        assert ctx.get(is_nan(fmt, dut.i)) == (want.size == "nan")
        sign = code >> (fmt.width - 1) if getattr(fmt, "signed", True) else 0
        assert ctx.get(negative(fmt, dut.i)) == (sign and want.size != "nan")
        keys[code] = key
        if want.size != "nan":
            numbers[code] = want

    each(dut, codes, see)
    golden = order(fmt, np.array(codes, object if fmt.width > 64 else np.uint64))
    assert golden.tolist() == [keys[code] for code in codes]
    ranked = sorted(numbers, key=keys.get)
    values = [key_of(numbers[code]) for code in ranked]
    assert values == sorted(values) and len({keys[c] for c in ranked}) == len(ranked)


def test_messages():
    with pytest.raises(ValueError, match="staged Unpack is for Int and Fixed, not for e4m3fn"):
        Unpack(Float.parse("e4m3fn"), staged=True)
    with pytest.raises(ValueError, match="no hardware reads 'int8'; it must be an Int, Float"):
        element_format("int8")
