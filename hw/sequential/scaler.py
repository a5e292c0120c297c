"""Elements of the accumulator memory times a float32, bit by bit."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..arith.multiply import BIAS
from ..config import Config
from ..formats import Int
from ..formats.scaling import SIGNIFICAND

STEPS = SIGNIFICAND + 8
"""Cycles in which a product leaves: one beyond its 24 bits may be the first of an integer's 8."""

ONE = BIAS + SIGNIFICAND + 1
"""`exponent` when a bit leaves that is worth 1."""


def element_latency(source: Int) -> int:
    """Cycles from an element to its result: 74 of 32 bits, 64 of 24."""
    return source.width // 4 + 1 + source.width + 1 + STEPS


class Scaler(wiring.Component):
    """``output(to24(to24(relu(x)) · scale))`` of an element x (:func:`hw.formats.scaling.scale`).

    It has one adder, of 24 bits. All else goes bit by bit, the last one first, in the same cycles
    for all elements and scales:

    - place: where x has its first bit, by four bits a cycle. What is negative counts inverted,
      which is a place too low for -2^n.
    - times: |x|, rounded to 24 bits, times the scale's significand. The product moves to the right,
      out of its register, with every bit of x until the first one; once more with a bit beyond,
      which there is if x was rounded up to a power of two, or is -2^n.
    - round: the other bits leave, are rounded to 24 bits, get their sign, and are rounded to an
      integer. `exponent` has counted moves, and knows which bit is worth 1.

    To round is to add 1 to the last bit that stays if the next one (its guard) is set, and with it
    one below (sticky) or the last bit itself. A scale of zero, or a subnormal one, is that of the
    least exponent, with which all results are 0.

    Members
    -------
    run : In(1)
        Stands, as `negative`, `relu` and `scale`, until it is `done`.
    index : Out(range(bytes of x))
    byte : In(8)
        Byte `index` of x, in the same cycle.
    negative : In(1)
        x's sign.
    relu : In(1)
    scale : In(32)
        A finite float32.
    done : Out(1)
        For a cycle: `o` is the result. `element_latency` cycles after `run` came.
    o : Out(8)
        The output's bits.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "run": In(1),
                "index": Out(range(config.accumulator.width // 8)),
                "byte": In(8),
                "negative": In(1),
                "relu": In(1),
                "scale": In(32),
                "done": Out(1),
                "o": Out(config.output.width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        self.position, self.first = Signal(range(STEPS)), Signal(range(STEPS))
        names = ("placing", "times", "aligns", "rounding")
        self.placing, self.times, self.aligns, self.rounding = (Signal(name=x) for x in names)
        self.starts = Signal()  # of times and rounding: the cycle before
        self.moves = Signal()  # the product, a place to the right
        self.exponent = Signal(9)
        self.total = Signal(SIGNIFICAND + 1)
        self.sign = Signal()  # of the product
        m.d.comb += self.sign.eq(self.negative ^ self.scale[-1])
        self._phases(m)
        x, guards, ends, wide = self._place(m)
        dead = self.negative & self.relu
        if not self.config.output.signed:
            dead = dead | self.sign
        bit = self._rounded(m, x, guards)
        self._multiply(m, bit, self.starts & ~wide | self.times & guards, ends, dead)
        self._result(m, bit)
        return m

    def _phases(self, m: Module):
        """`position` in x, or how much of the product has left."""
        width, at = self.config.accumulator.width, self.position
        counts = Signal()
        m.d.comb += self.index.eq(at[3:])
        m.d.sync += at.eq(Mux(counts, at + Cat(~self.placing, 0, self.placing), 0))
        with m.FSM(name="scaler"):
            with m.State("PLACE"):
                last = at[2:] == width // 4 - 1
                m.d.comb += [self.placing.eq(1), counts.eq(self.run & ~last)]
                with m.If(last):
                    m.next = "BEGIN"
            with m.State("BEGIN"):
                m.d.comb += [self.starts.eq(1), counts.eq(1)]
                m.next = "TIMES"
            with m.State("TIMES"):
                m.d.comb += [self.times.eq(1), counts.eq(1)]
                with m.If(at == width % STEPS):
                    m.next = "ALIGN"
            with m.State("ALIGN"):
                m.d.comb += [self.starts.eq(1), self.aligns.eq(1)]
                m.next = "ROUND"
            with m.State("ROUND"):
                m.d.comb += [self.rounding.eq(1), counts.eq(1)]
                with m.If(at == STEPS - 1):
                    m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += self.done.eq(1)
                m.next = "PLACE"

    def _place(self, m: Module):
        """Find `first`. The bit of x at `position`, in the next cycle; whether it is the guard, or
        the first one; and whether x has a guard."""
        first, at = self.first, self.position
        four = self.byte.word_select(at[2], 4)
        some = Signal(4)
        m.d.comb += some.eq(four ^ self.negative.replicate(4))
        with m.If(self.done):
            m.d.sync += first.eq(0)
        with m.Elif(self.run & self.placing & some.any()):
            high = Mux(some[2:].any(), some[3], some[1])
            m.d.sync += first.eq(Cat(high, some[2:].any(), at[2:]))
        x, guards, ends = (Signal(name=name) for name in ("x", "guards_x", "ends"))
        wide = first[3:].all() if self.config.accumulator.width > SIGNIFICAND else Const(0)
        low = at[:3] == first[:3]
        m.d.sync += [
            x.eq(four.bit_select(at[:2], 1)),
            guards.eq(wide & low & ~at[3:].any()),
            ends.eq(low & (at[3:] == first[3:])),
        ]
        return x, guards, ends, wide

    def _rounded(self, m: Module, x, guards_x):
        """Bits of |x|, rounded to 24, and then of the integer: both come of a sign and a rounding,
        in the same registers."""
        bit, signed, seen = (Signal(name=name) for name in ("bit", "signed", "seen"))
        guard, sticky, carry, up, guards = (
            Signal(name=name) for name in ("guard", "sticky", "carry", "up", "guards")
        )
        negative = Mux(self.rounding, self.sign & self.config.output.signed, self.negative)
        m.d.comb += [
            bit.eq(Mux(self.rounding, self._leaves(m), x)),
            guards.eq(Mux(self.rounding, self.exponent == ONE - 1, guards_x)),
            signed.eq(bit ^ (negative & seen)),
            up.eq(carry | (guard & (sticky | signed))),
        ]
        m.d.sync += [
            seen.eq(seen | bit),
            guard.eq(signed & guards),
            sticky.eq(sticky | (signed & ~guards)),
            carry.eq(signed & up),
        ]
        with m.If(self.starts):
            m.d.sync += [flag.eq(0) for flag in (seen, guard, sticky, carry)]
        return signed ^ up

    def _leaves(self, m: Module):
        """The product's bits, rounded to 24: `last` is the last one that left, `guard` the one
        before it."""
        last, guard, sticky, carry, up = (
            Signal(name=name) for name in ("last", "guard24", "sticky24", "carry24", "up24")
        )
        m.d.comb += up.eq(carry | (guard & (sticky | last)))
        m.d.sync += carry.eq(self.rounding & last & up)
        with m.If(self.placing):
            m.d.sync += [flag.eq(0) for flag in (last, guard, sticky)]
        with m.Elif(self.moves):
            m.d.sync += [
                last.eq(self.total[0]),
                guard.eq(last & ~self.rounding),
                sticky.eq(sticky | guard),
            ]
        return last ^ up

    def _multiply(self, m: Module, bit, begins, ends, dead):
        """Bits of x are `live` from the last one that counts on, if x is not `dead`: where the
        result is 0 for its sign."""
        product, exponent = Signal(SIGNIFICAND), self.exponent
        adds, live, beyond = Signal(), Signal(), Signal()  # beyond x's first bit
        significand = Cat(self.scale[: SIGNIFICAND - 1], 1)
        m.d.comb += [
            adds.eq(bit & live & self.times),
            self.total.eq(Mux(adds, product + significand, product)),
            self.moves.eq(
                self.rounding
                | (self.starts & ~self.aligns)
                | (self.times & (~beyond | adds))
                | (self.aligns & product[-1])
            ),
        ]
        with m.If(self.placing):
            m.d.sync += [product.eq(0), exponent.eq(self.scale[23:31]), live.eq(0), beyond.eq(0)]
        with m.Else():
            with m.If(self.moves):
                m.d.sync += [product.eq(self.total[1:]), exponent.eq(exponent + 1)]
            with m.If(begins & ~dead):
                m.d.sync += live.eq(1)
            with m.If(self.times & ends):
                m.d.sync += beyond.eq(1)

    def _result(self, m: Module, bit):
        """Eight bits of the integer; if one beyond is another than its sign, what is next to it."""
        signed, past = self.config.output.signed, self.exponent >= ONE + 8
        bound = Cat((~self.sign).replicate(7), self.sign) if signed else Const(255, 8)
        with m.If(self.starts):
            m.d.sync += self.o.eq(0)
        with m.Elif(self.rounding):
            with m.If(self.exponent[3:] == ONE >> 3):
                m.d.sync += self.o.eq(Cat(self.o[1:], bit))
            with m.Elif(past & (bit != (self.o[-1] & signed))):
                m.d.sync += self.o.eq(bound)
