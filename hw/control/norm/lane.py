"""One lane of the normalisation: what becomes of an element, a pipeline."""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .shapes import EXP_BITS, FACTOR_BITS, LIMIT_BITS, SQUARE_BITS, Kind, Widths

LATENCY = {
    Kind.SUM: 1,
    Kind.MAXIMUM: 1,
    Kind.SQUARES: 3,
    Kind.EXPONENTIALS: 13,
    Kind.LAYERNORM: 5,
    Kind.IGELU: 10,
    Kind.SOFTMAX: 17,
}
"""Cycles from an element to its `term` or `value`."""


def clip(value, bits: int):
    """`value` saturated to `bits` bits two's complement."""
    if len(value) <= bits:
        return value
    top = value[bits - 1 :]
    most = (1 << bits - 1) - 1
    inside = top.all() | ~top.any()
    return Mux(inside, value[:bits].as_signed(), Mux(value[-1], C(~most, signed(bits)), most))


class Lane(wiring.Component):
    """One element per cycle; all of `kind` until the pipeline is empty.

    `LATENCY` cycles in which `enable` is high after `x`: `term`, what the element adds to a total,
    or `value`, what enters the scaler.

    Members
    -------
    enable : In(1)
    kind : In(Kind)
    x : In(signed(w))
    keep : In(1)
        Elements that are not kept add nothing.
    centre, factor, amount : In
        Of the statistics: centre, m; k (of iGELU: j).
    qln2, qb, shift, limit : In
        The constants: qln2, qb, h, c.
    term : Out
        Of a sum: the element above the least one. Of a maximum: the element, flipped likewise.
    value : Out(signed(w))
    """

    def __init__(self, widths: Widths):
        self.widths = widths
        w = widths.w
        super().__init__(
            {
                "enable": In(1),
                "kind": In(Kind),
                "x": In(signed(w)),
                "keep": In(1),
                "centre": In(widths.centre),
                "factor": In(FACTOR_BITS),
                "amount": In(7),
                "qln2": In(32),
                "qb": In(signed(32)),
                "shift": In(5),
                "limit": In(signed(LIMIT_BITS)),
                "term": Out(widths.term),
                "value": Out(signed(w)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        self._m = m
        w = self.widths.w
        distance = self._register("distance", self.widths.distance)
        x = self._register("x", signed(w))
        beyond = Signal(self.widths.distance)
        m.d.comb += beyond.eq((self.x << 3) - self.centre)
        with m.If(self.enable):
            m.d.sync += [
                distance.eq(Mux(self.keep, beyond, 0)),
                x.eq(Mux(self.keep, self.x, -(1 << w - 1))),
            ]
        rest, quotient, far = self._divide(distance)
        square = self._square(distance, x, rest)
        exponential = self._exponential(square, quotient, far)
        bell = self._bell(square, x)
        self._product(distance, x, exponential, bell)
        with m.Switch(self.kind):
            with m.Case(Kind.SQUARES):
                m.d.comb += self.term.eq(square)
            with m.Case(Kind.EXPONENTIALS):
                m.d.comb += self.term.eq(exponential)
            with m.Default():
                m.d.comb += self.term.eq(Cat(x[:-1], ~x[-1]))
        return m

    def _register(self, name: str, shape, value=None):
        """A stage of the pipeline."""
        register = Signal(shape, name=name)
        if value is not None:
            with self._m.If(self.enable):
                self._m.d.sync += register.eq(value)
        return register

    def _delay(self, name: str, value, cycles: int):
        for n in range(cycles):
            value = self._register(f"{name}_{n}", value.shape(), value)
        return value

    def _divide(self, distance):
        """u by qln2, a bit of the quotient per stage; what is far away is 0 in the end."""
        m, w = self._m, self.widths.w
        above = Signal(signed(w + 1))
        m.d.comb += above.eq(-distance >> 3)
        dropped = self._register("dropped", 1, ~self._delay("keep", self.keep, 1))
        rest = self._register("u", w, Mux(above < 0, 0, above[:w]))
        far = self._register("far", 1, dropped | (rest >= (self.qln2 << 5)))
        rest = self._register("near", w, rest)
        bits = []
        for n in reversed(range(5)):
            left = Signal(signed(max(w, 32 + n) + 1), name=f"left{n}")
            m.d.comb += left.eq(rest - (self.qln2 << n))
            rest = self._register(f"rest{n}", w, Mux(left[-1], rest, left[:w]))
            bits = [self._delay(f"bit{n}", bit, 1) for bit in bits]
            bits.insert(0, self._register(f"bit{n}", 1, ~left[-1]))
        return rest, Cat(bits), self._delay("far", far, 5)

    def _square(self, distance, x, rest):
        """(8x - centre)², or t²."""
        m, w = self._m, self.widths.w
        size = Signal(w)
        offset = Signal(signed(max(w, 33) + 2))
        gelu = self.kind == Kind.IGELU
        m.d.comb += [
            size.eq(Mux(x < 0, -x, x)),
            offset.eq(Mux(gelu, size, -rest) + self.qb),
        ]
        beyond = gelu & (offset >= 0)
        t = self._register("t", signed(SQUARE_BITS), Mux(beyond, 0, clip(offset, SQUARE_BITS)))
        shifted = Signal(signed(SQUARE_BITS + FACTOR_BITS))
        m.d.comb += shifted.eq(t << self.shift)
        near = self.kind == Kind.SQUARES
        root = self._register(
            "root", self.widths.factor, Mux(near, distance, clip(shifted, SQUARE_BITS))
        )
        return self._register("square", 2 * self.widths.factor.width - 1, root * root)

    def _exponential(self, square, quotient, far):
        """e, two cycles after the square."""
        m = self._m
        total = Signal(signed(EXP_BITS + 3))
        m.d.comb += total.eq(square[:EXP_BITS] + self.limit)
        high = total[EXP_BITS:-1].any()
        most = (1 << EXP_BITS) - 1
        e = self._register("sum", EXP_BITS, Mux(total < 0, 0, Mux(high, most, total[:EXP_BITS])))
        z, none = self._delay("z", quotient, 4), self._delay("none", far, 4)
        return self._register("exponential", EXP_BITS, Mux(none, 0, e >> z))

    def _bell(self, square, x):
        """f, two cycles after the square."""
        m = self._m
        sign = self._delay("sign", x[-1], 3)
        both = self._register("both", signed(EXP_BITS + 4))
        t2 = square[:EXP_BITS]
        with m.If(self.enable):
            m.d.sync += both.eq(Mux(sign, -t2, t2 + (self.limit << 1)))
        rounded = Signal(signed(EXP_BITS + 4 - 18))
        m.d.comb += rounded.eq(((both >> 18) + 1) >> 1)
        return self._register("bell", signed(SQUARE_BITS), clip(rounded, SQUARE_BITS))

    def _product(self, distance, x, exponential, bell):
        """The last product, shifted and rounded."""
        m, left_shape = self._m, self.widths.left
        left = self._register("left", left_shape)
        right = self._register("right", signed(SQUARE_BITS))
        waiting = self._delay("x", x, 5)
        with m.If(self.enable):
            m.d.sync += right.eq(self.factor)
            with m.Switch(self.kind):
                with m.Case(Kind.IGELU):
                    m.d.sync += [left.eq(waiting), right.eq(bell)]
                with m.Case(Kind.LAYERNORM):
                    m.d.sync += left.eq(distance)
                with m.Default():
                    m.d.sync += left.eq(exponential)
        bits = left_shape.width + SQUARE_BITS
        product = self._register("product", signed(bits), left * right)
        halves = Signal(signed(bits + 1))
        m.d.comb += halves.eq(product << 1)
        shifted = self._register("shifted", signed(bits + 1), halves >> self.amount)
        rounded = Signal(signed(bits + 1))
        m.d.comb += rounded.eq((shifted + 1) >> 1)
        with m.If(self.enable):
            m.d.sync += self.value.eq(clip(rounded, self.widths.w))
