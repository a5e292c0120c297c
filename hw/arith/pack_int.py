"""Numbers to integers."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed

from .number import increments, shift_right
from .pack_unit import PackUnit
from .to24 import exponents


class PackIntUnit(PackUnit):
    """Rounding, sign and saturation take one addition: -(w + r) = ~w + (1 - r)."""

    def middle(self) -> dict:
        return {"whole": self.target.width, "increment": 1, "sign": 1, "over": 1}

    def aligned(self, m: Module) -> dict:
        """The significand with `width` integer bits at the top."""
        i, source, width = self.i, self.parameters.source, self.target.width
        most = width + 1  # further right, nothing but a lost one remains
        bits = max(source.bits, most)
        reach = exponents(source)
        distance = Signal(range(width - reach.stop, max(width - reach.start, most + 1)))
        amount = Signal(range(most + 1))
        m.d.comb += [
            distance.eq(width - 1 - i.exponent),
            amount.eq(Mux(distance > most, most, distance)),
        ]
        frame = Cat(Const(0, bits - source.bits), i.significand)
        frame, lost = shift_right(m, frame, amount, "aligned")
        whole, fraction = frame[bits - width :], frame[: bits - width]
        nan, infinite = self.specials()
        return {
            "whole": Mux(nan, 0, whole),
            "increment": increments("rne", whole[0], Cat(lost, fraction)) & ~nan,
            "sign": i.sign & ~nan,
            "over": (((i.exponent >= width) & i.significand[-1]) | infinite) & ~nan,
        }

    def finish(self, m: Module, x) -> Value:
        low, high, width = self.target.min, self.target.max, self.target.width
        total, value = Signal(signed(width + 2)), Signal.like(self.o, name="value")
        flipped = x.whole ^ x.sign.replicate(width + 2)
        m.d.comb += total.eq(flipped.as_signed() + (x.increment ^ x.sign))
        m.d.comb += value.eq(total)
        with m.If(x.sign & (x.over | (total < low))):
            m.d.comb += value.eq(low)
        with m.Elif(~x.sign & (x.over | (total > high))):
            m.d.comb += value.eq(high)
        return value
