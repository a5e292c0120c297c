"""Floating-point addition of a product to a sum, rounded once."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring

from ...formats import Float, Rounded
from ..number import increments
from .line import Line, partition
from .multiplier import product_of
from .operand import flag


@dataclass(frozen=True)
class Fuse:
    """``round(sum + size * 2**(exponent + least))`` for codes of a float.

    `size` has `bits` bits; unless it is a subnormal of the sum's own format, one of its two top
    bits is set or it is 0. Exponents count from 0 to `most`.

    The number with the larger exponent stays, the other moves right; bits that leave are kept as
    one. So that no rounding sees a wrong bit, the frame has as many places behind the point as
    a product moved by two, or as the rounding wants of a sum half its first term. A negative
    difference is inverted only; the 1 that this lacks at the bottom joins the rounding, and what
    the normalising shift moves in are ones. The shift ends at the least exponent.
    """

    sum: Rounded
    bits: int
    least: int
    most: int

    @property
    def format(self) -> Float:
        return self.sum.format

    @property
    def random(self) -> int:
        """Bits of the random integer."""
        return self.sum.bits

    @property
    def _lead(self) -> int:
        """Exponent of `size`'s second highest bit above the least of the sum, where `exponent`
        is 0."""
        return self.least + self.bits - 2 - self.format.emin

    @property
    def _places(self) -> int:
        """Bits of the frame behind the point, the one for lost bits not among them."""
        guard = self.random if self.random else int(self.sum.rounding == "rne")
        return max(self.bits, self.format.man + 1 + guard)

    @property
    def _frame(self) -> int:
        """Bits of the sum of two terms: three before the point."""
        return 3 + self._places + 1

    @property
    def _top(self) -> int:
        """The largest exponent above the sum's least."""
        return max(self.most + self._lead, (1 << self.format.exp) - 2, 0)

    @property
    def delays(self) -> tuple[float, ...]:
        """Of exponents, shift, sum, the normaliser's two halves, rounding."""
        shift = 1.0 + 0.9 * self._frame.bit_length()
        half = 1.1 * self._frame.bit_length()
        round = 4.0 + (self.format.width + self.random) / 16
        return (4.0, shift, 3.0 + self._frame / 16, half, half, round)

    def build(self, m: Module, line: Line, number: dict, code: Value, random) -> Value:
        """The rounded code. `number`: size, exponent, some (not zero), sign, nan, infinite; the
        line is cut before every step of `delays`."""
        extra = {} if random is None else {"random": random}
        x = line.cut(code=code, **number, **extra)
        x = line.cut(**self._compare(m, x), **self._rest(x))
        x = line.cut(**self._align(m, x), **self._rest(x, "sign"))
        x = line.cut(**self._add(m, x), **self._rest(x))
        levels = (self._frame - 1).bit_length()
        first, second = range(levels)[levels // 2 :], range(levels)[: levels // 2]
        x = line.cut(**self._normalise(m, x, first), **self._rest(x, "sign", "exponent"))
        x = line.cut(**self._normalise(m, x, second), **self._rest(x, "sign", "exponent"))
        return self._round(m, x, getattr(x, "random", None))

    @staticmethod
    def _rest(x, *more: str) -> dict:
        names = ("special", "random", *more)
        return {name: getattr(x, name) for name in names if hasattr(x, name)}

    def _compare(self, m: Module, x) -> dict:
        """Which term stays, and by how many places the other one moves."""
        fmt, bits, places = self.format, self.bits, self._places
        field = x.code[fmt.man : -1]
        normal, fraction = field.any(), x.code[: fmt.man]
        if not fmt.subnormals:
            fraction = Mux(normal, fraction, 0)[: fmt.man]
        mine = Signal(fmt.exp, name="mine")
        ahead = Signal(signed(max(self._top, 1).bit_length() + 2), name="ahead")
        theirs = Signal(ahead.shape(), name="theirs")
        behind = Signal(ahead.shape(), name="behind")
        stays = Signal(name="stays")
        m.d.comb += [
            mine.eq(Mux(normal, field - 1, 0)),
            theirs.eq(x.exponent + self._lead),
            ahead.eq(theirs - mine),
            behind.eq(mine - theirs),
            stays.eq(~x.some | ahead[-1]),
        ]
        size = Signal(places + 2, name="size")
        kept = Signal(places + 2, name="kept")
        m.d.comb += [
            size.eq(Cat(Const(0, places + 2 - bits), x.size)),
            kept.eq(Cat(Const(0, places - fmt.man), fraction, normal)),
        ]
        sign = x.code[-1]
        return {
            "large": Mux(stays, kept, size),
            "small": Mux(stays, size, kept),
            "amount": Mux(stays, behind, ahead)[:-1],
            "exponent": Mux(stays, mine, theirs)[: max(self._top.bit_length(), 1)],
            "sign": Mux(stays, sign, x.sign),
            "differ": sign ^ x.sign,
            "special": self._special(x, field),
        }

    def _special(self, x, field: Value) -> Value:
        """(nan, infinite, sign) of what is no number."""
        fmt, sign = self.format, x.code[-1]
        nan, infinite = Const(0, 1), Const(0, 1)
        if fmt.specials == "ieee":
            some = x.code[: fmt.man].any()
            nan, infinite = field.all() & some, field.all() & ~some
        elif fmt.specials == "fn":
            nan = x.code[:-1].all()
        elif fmt.specials == "fnuz":
            nan = x.code == fmt.nan_code
        nan = nan | x.nan | (x.infinite & infinite & (sign ^ x.sign))
        return Cat(nan, infinite | x.infinite, Mux(x.infinite, x.sign, sign))

    def _align(self, m: Module, x) -> dict:
        """The smaller term moved, and inverted if the signs differ."""
        bits, lost = x.small, Const(0, 1)
        width = len(bits)
        levels = min(width.bit_length(), len(x.amount))
        for k in range(levels):
            step = min(1 << k, width)
            moved, dropped = Signal(width, name=f"moved{k}"), Signal(name=f"dropped{k}")
            m.d.comb += [
                moved.eq(Mux(x.amount[k], bits[step:], bits)),
                dropped.eq(lost | (x.amount[k] & bits[:step].any())),
            ]
            bits, lost = moved, dropped
        if levels < len(x.amount):
            far = Signal(name="far")
            m.d.comb += far.eq(x.amount[levels:].any())
            bits, lost = Mux(far, 0, bits)[:width], lost | (far & x.small.any())
        term = Cat(lost, bits)
        return {
            "large": x.large,
            "small": term ^ x.differ.replicate(len(term)),
            "exponent": x.exponent,
            "differ": x.differ,
        }

    def _add(self, m: Module, x) -> dict:
        width = self._frame
        both = Signal(signed(width + 2), name="both")
        large = Cat(x.differ, Const(0, 1), x.large, Const(0, 1))
        small = Cat(x.differ, x.small, x.differ)
        m.d.comb += both.eq(large.as_signed() + small.as_signed())
        total = both[1:]
        negative = total[-1]
        exact_zero = Signal(name="exact_zero")
        reach, most = Signal(range(self._top + 3), name="reach"), (1 << self._levels) - 1
        m.d.comb += [
            exact_zero.eq(x.differ & ~total.any()),
            reach.eq(x.exponent + 2),
        ]
        room = reach if self._top + 2 <= most else Mux(reach > most, most, reach)
        return {
            "bits": total[:width] ^ negative.replicate(width),
            "negative": negative,
            "room": room[: self._levels],
            "moved": Const(0, self._levels),
            "exponent": x.exponent,
            "sign": (x.sign ^ negative) & ~exact_zero,
        }

    @property
    def _levels(self) -> int:
        return (self._frame - 1).bit_length()

    def _normalise(self, m: Module, x, levels) -> dict:
        """Up to `room` places to the left, until the top bit is set."""
        bits, room, moved = x.bits, x.room, list(x.moved)
        for k in reversed(levels):
            step = 1 << k
            takes = Signal(name=f"takes{k}")
            after = Signal(len(bits), name=f"after{k}")
            left = Signal(len(room), name=f"room{k}")
            m.d.comb += [
                takes.eq(room[k:].any() & ~bits[len(bits) - step :].any()),
                after.eq(Mux(takes, Cat(x.negative.replicate(step), bits), bits)),
                left.eq(Cat(room[:k], room[k:] - takes)),
            ]
            bits, room, moved[k] = after, left, takes
        return {"bits": bits, "room": room, "moved": Cat(*moved), "negative": x.negative}

    def _round(self, m: Module, x, random) -> Value:
        fmt, bits = self.format, x.bits
        kept, tail = bits[-(fmt.man + 1) :], bits[: -(fmt.man + 1)]
        normal = kept[-1]
        field = Signal(range(self._top + 4), name="field")
        below = Signal(len(tail) + 1, name="below")
        odd = kept[0]
        m.d.comb += [
            field.eq(Mux(normal, x.exponent + 3 - x.moved, 0)),
            below.eq(tail + x.negative),
        ]
        if not fmt.man:
            odd = field[0]
        up = Signal(name="up")
        total = Signal(fmt.man + len(field) + 1, name="total")
        m.d.comb += [
            up.eq(increments(self.sum.rounding, odd, below[:-1], random) | below[-1]),
            total.eq(Cat(kept[: fmt.man], field) + up),
        ]
        return self._code(m, total, x.sign, x.special)

    def _code(self, m: Module, total: Value, sign: Value, special: Value) -> Value:
        """Overflow, special values and the kinds of zero."""
        fmt, size = self.format, self.format.width - 1
        nan, infinite, infinite_sign = special
        top = (1 << fmt.exp) - 1 << fmt.man
        largest = {"ieee": top - 1, "fn": (1 << size) - 2}.get(fmt.specials, (1 << size) - 1)
        code, over = Signal(size, name="code"), Signal(name="over")
        minus = Signal(name="minus")
        some = total[fmt.man :].any() if not fmt.subnormals else total.any()
        m.d.comb += [over.eq(total > largest), code.eq(total), minus.eq(sign)]
        if not fmt.subnormals:
            with m.If(~some):
                m.d.comb += code.eq(0)
        no_number = fmt.nan_code if fmt.has_nan else 0
        wrong = nan
        if fmt.saturate or fmt.has_infinity:
            beyond = largest if fmt.saturate else top
            rounds = largest if self.sum.rounding == "zero" else beyond
            with m.If(over):
                m.d.comb += code.eq(rounds)
            with m.If(infinite):
                m.d.comb += [code.eq(beyond), minus.eq(infinite_sign)]
        elif self.sum.rounding == "zero":
            wrong = nan | infinite
            with m.If(over):
                m.d.comb += code.eq(largest)
        else:
            wrong = nan | infinite | over
        if fmt.specials == "fnuz":
            with m.If(~some & ~infinite):
                m.d.comb += minus.eq(0)
        return Mux(wrong, no_number, Cat(code, minus))


class RoundedMac(wiring.Component):
    """Members: see :class:`.mac.Mac`."""

    def __init__(self, parameters, members: dict):
        self.parameters = parameters
        super().__init__(members)

    @staticmethod
    def counts(parameters) -> tuple[int, ...]:
        """Registers before the product and before every step of the sum."""
        delays = (2.0 + 0.5 * sum(parameters.bits), *parameters.fuse.delays)
        return partition(delays, parameters.stages)

    def elaborate(self, platform):
        m = Module()
        p = self.parameters
        counts = self.counts(p)
        early = Line(m, counts[:2])
        x = early.cut(a=self.input, w=self.weight)
        a, w = (data.View(o.layout, v) for o, v in zip(p.operands, (x.a, x.w), strict=True))
        product = product_of(
            m, p.multiplier, a.significand, w.significand, signed=False, normal=True
        )
        some = Signal(2, name="some")
        lost = Signal(name="lost")  # infinity times zero
        m.d.comb += [
            some.eq(Cat(a.significand[-1], w.significand[-1])),
            lost.eq(
                (flag(a, "infinite") & ~some[1] & ~flag(w, "infinite"))
                | (flag(w, "infinite") & ~some[0] & ~flag(a, "infinite"))
            ),
        ]
        number = early.cut(
            size=product,
            exponent=flag(a, "exponent") + flag(w, "exponent"),
            some=some.all(),
            sign=flag(a, "sign") ^ flag(w, "sign"),
            nan=flag(a, "nan") | flag(w, "nan") | lost,
            infinite=flag(a, "infinite") | flag(w, "infinite"),
        )
        random = self.random if p.sum.bits else None
        line = Line(m, (0, *counts[2:]))
        code = p.fuse.build(m, line, number.__dict__, self.sum_in, random)
        m.d.sync += self.sum_out.eq(code)
        return m
