"""Numbers to posits."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from .number import increments, shift_right
from .pack_unit import PackUnit
from .to24 import exponents


class PackPositUnit(PackUnit):
    """The endless code, ``regime | exponent | fraction``, is a shift of ``10…`` or ``01…``, into
    which the regime's first bit moves; it is rounded as a whole number.
    """

    def middle(self) -> dict:
        return {"whole": self.target.n - 1, "increment": 1, "sign": 1, "nan": 1}

    def aligned(self, m: Module) -> dict:
        i, source, n, es = self.i, self.parameters.source, self.target.n, self.target.es
        reach = exponents(source)
        exponent = Signal(range(min(reach.start, -1 << es), max(reach.stop, 1)))
        regime, first, some = exponent >> es, Signal(), i.significand[-1]
        m.d.comb += [exponent.eq(i.exponent), first.eq(~exponent[-1])]
        moves = Signal(len(regime) - 1)  # of the regime's bits: from the second
        amount = Signal(range(n - 1))
        m.d.comb += [
            moves.eq(regime ^ exponent[-1].replicate(len(regime))),
            amount.eq(Mux(moves > n - 2, n - 2, moves)),
        ]
        code = Cat(i.significand[:-1], exponent[:es], ~first, first)
        code = Cat(Const(0, max(n - len(code), 0)), code)
        code, lost = shift_right(m, code, amount, "regime", fill=first)
        whole = Signal(n - 1)
        m.d.comb += whole.eq(code[1 - n :])
        up = increments("rne", whole[0], Cat(lost, code[: 1 - n]))
        nan, infinite = self.specials()
        return {
            "whole": Mux(some, whole, 0),
            "increment": some & (up | ~whole.any()) & ~whole.all(),  # never to zero or NaR
            "sign": i.sign & some,
            "nan": nan | infinite,
        }

    def finish(self, m: Module, x) -> Value:
        n, code = self.target.n, Signal(self.target.n)
        sign = x.sign.replicate(n)
        m.d.comb += code.eq(((x.whole ^ sign) + (x.increment ^ x.sign))[:n])
        with m.If(x.nan):
            m.d.comb += code.eq(self.target.nan_code)
        return code
