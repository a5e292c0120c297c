"""What enters an accumulator, against fractions."""

import numpy as np
import pytest

from hw.arith.widen import Widen
from hw.formats import Fixed, Float, Int, Log, Posit, Rounded, Ternary
from tests.hw.arith.test_unpack import codes_of, each
from tests.support.exact import entered

P = Float.parse
E4M3, E5M2 = P("e4m3fn"), P("e5m2")
CASES = [
    *((Int(8), Fixed(20, -3)), (Int(8), Fixed(9, 2)), (Int(8), Fixed(5, 1, "saturate"))),
    *((Int(8, signed=False), Fixed(5, 1)), (Int(16), Fixed(24, -4))),
    *((E4M3, Fixed.exact(E4M3, E4M3, 4096)), (E5M2, Fixed.exact(E4M3, E5M2, 16))),
    *((E5M2, Fixed(12, -6)), (E5M2, Fixed(12, -6, "saturate")), (P("e4m3fnuz"), Fixed(8, 2))),
    *((P("e4m3"), Fixed(6, 20)), (P("e4m3"), Fixed(90, 20)), (P("e2m1"), Fixed(9, -2))),
    *((P("bf16"), Fixed(40, -20)), (P("fp16"), Fixed(16, -8, "saturate"))),
    (Posit(8, 1), Fixed.exact(Posit(8, 1), Posit(8, 1), 256)),
    *((Posit(8, 2), Fixed(10, -4, "saturate")), (Posit(16, 1), Fixed(30, -12))),
    *((Log(8), Fixed(64, -24)), (Log(8), Fixed(12, -3, "saturate")), (Log(6, 2), Rounded(E5M2))),
    *((Log(8, 0), Fixed(20, 3)), (Log(8), Rounded(P("fp32")))),
    *((Ternary(), Fixed(20, -3)), (Ternary(), Fixed(2, 0)), (Ternary(), Rounded(P("fp16")))),
    *(
        (Ternary(), Int(16)),
        (Fixed(8, -3), Fixed(20, -3)),
        (Fixed(49, -18), Fixed(64, -18, "saturate")),
    ),
    *((E4M3, Rounded(P("fp32"))), (E5M2, Rounded(P("e6m9"))), (P("e2m1"), Rounded(E5M2))),
    *((E5M2, Rounded(P("e4m3fnuz"))), (Int(8), Rounded(P("bf16"))), (Int(16), Rounded(P("fp16")))),
    *((Int(8), Rounded(P("e4m3fn-sat"))), (Posit(8, 1), Rounded(P("fp16"), "zero"))),
    *((Rounded(E5M2), Rounded(P("e3m4"))), (E5M2, Rounded(P("e4m3-ftz")))),
    *((Rounded(P("fp16")), Rounded(P("fp32"))), (Rounded(P("fp32")), Rounded(P("bf16-ftz")))),
]


@pytest.mark.parametrize(("source", "target"), CASES, ids=lambda f: f.name)
def test_codes(source, target):
    parameters = Widen(source, target)
    dut, codes = parameters.create(), list(codes_of(source))
    want = [entered(source, target, code) for code in codes]
    wide = object if source.width > 64 else np.uint64
    assert parameters.golden(np.array(codes, wide)).tolist() == want
    expected = iter(want)

    def see(ctx, code):
        assert ctx.get(dut.o[:]) == next(expected), code

    each(dut, codes, see)


@pytest.mark.parametrize("source", [Int(8), Int(8, signed=False), Int(20)], ids=lambda f: f.name)
def test_integers(source):
    dut = Widen(source, Int(20)).create()
    codes = list(codes_of(source))
    half = 1 << (source.width - 1)

    def see(ctx, code):
        assert ctx.get(dut.o) == ((code ^ half) - half if source.signed else code)

    each(dut, codes, see)
    values = source.decode(codes)
    assert (Int(20).decode(Widen(source, Int(20)).golden(codes)) == values).all()


def test_what_does_not_enter():
    for source, target, message in [
        (E5M2, Int(32), "e5m2 does not enter int32; integers do"),
        (Log(8), Int(32), "log8f3 does not enter int32; integers do"),
        (Fixed(20, 0), Fixed(30, 1), "a Fixed of lsb 1 and at most 30 bits does"),
        (Fixed(20, 0), Rounded(E5M2), "fixed20e0 does not enter e5m2; it does a Fixed"),
    ]:
        with pytest.raises(ValueError, match=message):
            Widen(source, target)
