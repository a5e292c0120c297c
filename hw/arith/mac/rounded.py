"""Floating-point addition of a product to a sum, rounded once."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring

from ...formats import Float, Rounded
from ...register import data_register
from .chain import chain, plus
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
    def ahead(self) -> int:
        """What :meth:`build` wants to be added to exponents."""
        return self._lead + 1

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
        """Of exponents, shift, sum, the normaliser's two halves, rounding; ns on an ECP5-6."""
        shift = 1.3 * (self._frame - 1).bit_length()
        compare, add = 4.6 + self._frame / 16, 2.0 + self._frame / 8
        round = 5.3 + (self.format.width + self.random) / 10
        return (compare, shift, add, shift, shift, round)

    def build(self, m: Module, line: Line, number: dict, code: Value, random) -> Value:
        """The rounded code. `number`: size, exponent (signed, plus `ahead`), some (not zero),
        sign, nan, infinite; the line is cut before every step of `delays`."""
        extra = {} if random is None else {"random": random}
        x = line.cut(code=code, **number, **extra)
        x = line.cut(**self._compare(m, x), **self._rest(x))
        x = line.cut(**self._align(m, x), **self._rest(x, "sign"))
        x = line.cut(**self._add(m, x), **self._rest(x))
        levels = (self._frame - 1).bit_length()
        first, second = range(levels)[-(levels // 2) :], range(levels)[: -(levels // 2)]
        sign = x.sign & ~(x.maybe & ~x.bits.any())  # no minus of a difference of 0
        x = line.cut(**self._normalise(m, x, first), sign=sign, **self._rest(x, "exponent"))
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
        # exponents count one more than they are: a subnormal's is that of field 1
        mine = Cat(field[0] | ~normal, field[1:])
        width = self._amount + 1
        theirs, wide = Signal(signed(width), name="theirs"), Cat(field, Const(0, width - fmt.exp))
        m.d.comb += theirs.eq(x.exponent)
        ahead = chain(m, "ahead", plus(theirs, ~wide), normal)
        behind = chain(m, "behind", plus(~theirs, Cat(mine, wide[fmt.exp :])), 1)
        stays, differ = Signal(name="stays"), Signal(name="differ")
        m.d.comb += [stays.eq(~x.some | ahead[-1]), differ.eq(x.code[-1] ^ x.sign)]
        size = Signal(places + 2, name="size")
        kept = Signal(places + 2, name="kept")
        m.d.comb += [
            size.eq(Cat(Const(0, places + 2 - bits), x.size)),
            kept.eq(Cat(Const(0, places - fmt.man), fraction, normal)),
        ]
        return {
            "large": Mux(stays, kept, size),
            "small": Mux(stays, size, kept) ^ differ.replicate(places + 2),
            "amount": Mux(stays, behind, ahead)[:-1],
            "exponent": Mux(stays, mine, theirs)[: (self._top + 1).bit_length()],
            "sign": Mux(stays, x.code[-1], x.sign),
            "differ": differ,
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
        """The smaller term moved, but for the last step, which the adder does."""
        bits, lost = x.small, Const(0, 1)
        width = len(bits)
        levels = min(width.bit_length(), len(x.amount))
        far, amount = Signal(name="far"), Signal(levels, name="amount")
        m.d.comb += [
            far.eq(x.amount[levels:].any()),
            amount.eq(x.amount[:levels] | far.replicate(levels)),
        ]
        for k in reversed(range(levels)):
            step = min(1 << k, width)
            moved, dropped = Signal(width, name=f"moved{k}"), Signal(name=f"dropped{k}")
            leave = bits[:step] ^ x.differ.replicate(step)
            m.d.comb += [
                moved.eq(Mux(amount[k], self._right(bits, k, x.differ), bits)),
                dropped.eq(lost | (amount[k] & leave.any())),
            ]
            bits, lost = moved if k else bits, dropped
        return {
            "large": x.large,
            "small": bits,
            "lost": lost ^ x.differ,
            "last": amount[0],
            "exponent": x.exponent,
            "differ": x.differ,
        }

    def _right(self, bits: Value, k: int, fill: Value) -> Value:
        step = min(1 << k, len(bits))
        return Cat(bits[step:], fill.replicate(step))

    def _add(self, m: Module, x) -> dict:
        width, differ = self._frame, x.differ
        moved = self._right(x.small, 0, differ)
        columns = [("xor", 0, x.lost, 0, 0)]
        for bit, near, far in zip(x.large, x.small, moved, strict=True):
            columns.append(("mux", bit, x.last, far, near))
        columns += [("xor", 0, differ, 0, 0)] * (width + 1 - len(columns))
        total = chain(m, "adder", columns, differ)
        negative = total[-1]
        reach = Signal(range(self._top + 3), name="reach")
        m.d.comb += reach.eq(x.exponent + 1)
        room = Cat(reach, Const(0, self._levels))
        return {
            "bits": total[:width] ^ negative.replicate(width),
            "negative": negative,
            "room": room[: self._levels] | room[self._levels :].any().replicate(self._levels),
            "moved": Const(0, self._levels),
            "exponent": (x.exponent + 3)[: (self._top + 4).bit_length()],
            "sign": x.sign ^ negative,
            "maybe": differ & ~negative,
        }

    @property
    def _amount(self) -> int:
        """Bits of the distance of two terms."""
        return max(self._top + 1, 1).bit_length() + 1

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
                left.eq(Cat(room[:k], _less(room[k:], takes))),
            ]
            bits, room, moved[k] = after, left, takes
        return {"bits": bits, "room": room, "moved": Cat(*moved), "negative": x.negative}

    def _round(self, m: Module, x, random) -> Value:
        fmt, bits = self.format, x.bits
        kept, tail = bits[-(fmt.man + 1) :], bits[: -(fmt.man + 1)]
        normal, fields = kept[-1], (self._top + 4).bit_length() + 1
        moved = Cat(~x.moved, Const(-1, fields))
        above = Cat(x.exponent, Const(0, fields))
        odd = kept[0] if fmt.man else normal & ~(x.exponent[0] ^ x.moved[0])
        up = Signal(name="up")
        m.d.comb += up.eq(self._up(m, odd, tail, x.negative, random))
        columns = [("xor", bit, 0, 0, 0) for bit in kept[: fmt.man]]
        columns += [("and", above[k], normal, moved[k], normal) for k in range(fields)]
        total = chain(m, "rounded", columns, up)
        return self._code(m, total, x.sign, x.special)

    def _up(self, m: Module, odd: Value, tail: Value, negative: Value, random) -> Value:
        """Whether ``kept.tail`` rounds up, of a negative difference with 1 at the bottom."""
        low = tail[:-1]
        if self.sum.rounding == "zero":
            return negative & tail.all()
        if self.sum.rounding == "rne":
            return Mux(negative, tail[-1] | (odd & low.all()), tail[-1] & (odd | low.any()))
        high, low = tail[-len(random) :], tail[: -len(random)]
        carry = negative & low.all() if len(low) else negative
        return chain(m, "drawn", plus(Cat(high, Const(0, 1)), random), carry)[-1]

    def _code(self, m: Module, total: Value, sign: Value, special: Value) -> Value:
        """Overflow, special values and the kinds of zero."""
        fmt, size = self.format, self.format.width - 1
        nan, infinite, infinite_sign = special
        top = (1 << fmt.exp) - 1 << fmt.man
        largest = {"ieee": top - 1, "fn": (1 << size) - 2}.get(fmt.specials, (1 << size) - 1)
        code, over = Signal(size, name="code"), Signal(name="over")
        minus = Signal(name="minus")
        some = total[fmt.man :].any() if not fmt.subnormals else total.any()
        high, field = total[size:].any(), total[fmt.man : size]
        beyond = {"ieee": field.all(), "fn": total[:size].all()}.get(fmt.specials, Const(0, 1))
        m.d.comb += [over.eq(high | beyond), code.eq(total), minus.eq(sign)]
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


def _less(bits: Value, one: Value) -> Value:
    """bits - one, at least 0, without a carry chain."""
    out = []
    for bit in bits:
        out.append(bit ^ one)
        one = one & ~bit
    return Cat(*out)


class RoundedMac(wiring.Component):
    """Members: see :class:`.mac.Mac`."""

    def __init__(self, parameters, members: dict):
        self.parameters = parameters
        super().__init__(members)

    @staticmethod
    def counts(parameters) -> tuple[int, ...]:
        """Registers before the product and before every step of the sum."""
        delays = (0.5 * sum(parameters.bits), *parameters.fuse.delays)
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
            exponent=flag(a, "exponent") + flag(w, "exponent") + p.fuse.ahead,
            some=some.all(),
            sign=flag(a, "sign") ^ flag(w, "sign"),
            nan=flag(a, "nan") | flag(w, "nan") | lost,
            infinite=flag(a, "infinite") | flag(w, "infinite"),
        )
        random = self.random if p.sum.bits else None
        line = Line(m, (0, *counts[2:]))
        code = p.fuse.build(m, line, number.__dict__, self.sum_in, random)
        m.d.sync += data_register(m, self.sum_out).eq(code)
        return m
