"""Numbers to floats of any kind."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from .number import increments, shift_right
from .pack_unit import PackUnit
from .to24 import exponents


class PackFloatUnit(PackUnit):
    """Exponent field and mantissa are rounded as one number, so that a carry moves up by itself.

    ``whole`` holds the bit before the point, which adds 1 to ``field``; in a subnormal it is 0.
    """

    def middle(self) -> dict:
        flags = ("sign", "increment", "over", "nan")
        return {"field": self.target.exp, "whole": self.target.man + 1} | dict.fromkeys(flags, 1)

    def aligned(self, m: Module) -> dict:
        i, source, target = self.i, self.parameters.source, self.target
        nan, infinite = self.specials()
        lowest, highest = (
            exponents(source)[0] + target.bias - 1,
            exponents(source)[-1] + target.bias,
        )
        field = Signal(range(min(lowest, 0), max(highest, 1)))  # one less than that of a normal one
        some = i.significand[-1]
        m.d.comb += field.eq(i.exponent + target.bias - 1)
        frame = Cat(Const(0, max(target.man + 2 - source.bits, 0)), i.significand)
        tiny, lost = Const(0, 1), Const(0, 1)
        if lowest < 0:
            tiny = field < 0
            frame, lost = self._subnormal(m, frame, field)
        kept = target.man + 1
        whole, tail = Signal(kept), Cat(lost, frame[:-kept])
        place = Signal(target.exp)
        m.d.comb += [
            whole.eq(frame[-kept:]),
            place.eq(Mux(some & ~tiny, field, 0)),
        ]
        odd = whole[0] if target.man else whole[0] ^ place[0]
        large = (field >= 1 << target.exp) if highest > 1 << target.exp else 0
        return {
            "sign": i.sign,
            "field": place,
            "whole": whole,
            "increment": increments("rne", odd, tail),
            "over": (some & large) | infinite,
            "nan": nan,
        }

    def _subnormal(self, m: Module, frame, field):
        """A number below the least normal one moves right by -`field`, at most out of sight.

        Without subnormals, only what is next to the least normal number can still reach it.
        """
        kept = self.target.man + 1
        most = kept + 1 if self.target.subnormals else 2
        amount = Signal(range(most + 1))
        m.d.comb += amount.eq(Mux(field < 0, Mux(field < -most, most, -field), 0))
        return shift_right(m, frame, amount, "subnormal")

    def finish(self, m: Module, x) -> Value:
        target, code = self.target, Signal(self.target.width)
        man, size = target.man, target.width - 1
        total, over, some = Signal(size + 1), Signal(), Signal()
        largest = int(target.encode(target.max))
        m.d.comb += [
            total.eq(Cat(Const(0, man), x.field) + x.whole + x.increment),
            over.eq(x.over | (total > largest)),
            some.eq(total.any() if target.subnormals else total[man:].any()),
        ]
        nan = target.nan_code if target.has_nan else 0
        sign = x.sign & some if target.specials == "fnuz" else x.sign
        m.d.comb += code.eq(Cat(Mux(some, total[:size], 0), sign))
        with m.If(over):
            if target.saturate:
                m.d.comb += code.eq(Cat(Const(largest, size), x.sign))
            elif target.has_infinity:
                infinity = ((1 << target.exp) - 1) << man
                m.d.comb += code.eq(Cat(Const(infinity, size), x.sign))
            else:
                m.d.comb += code.eq(nan)
        with m.If(x.nan):
            m.d.comb += code.eq(nan)
        return code
