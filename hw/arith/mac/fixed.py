"""Products moved to their place in a fixed-point sum, and added."""

from contextlib import nullcontext
from dataclasses import dataclass
from types import SimpleNamespace

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...control.ops import shape_of
from ...formats import Fixed, Format
from ...register import data_register
from .block import bare_sums, block_product, has_block, partition_block
from .chain import chain
from .line import Line, partition
from .multiplier import product_of
from .operand import Parts, flag


@dataclass(frozen=True)
class Place:
    """``significand * 2**(exponent + least)`` in units of `fixed`, cut off below its lowest bit.

    `bits` of significand, exponents from 0 to `most`; the result has `width` bits, at most those
    of `fixed`, and `overflows` tells whether (saturating) numbers can be larger than that.
    """

    bits: int
    least: int
    most: int
    fixed: Fixed

    @property
    def _below(self) -> int:
        """Bits to drop at exponent 0."""
        return max(self.fixed.lsb - self.least, 0)

    @property
    def _pad(self) -> int:
        return max(self.least - self.fixed.lsb, 0)

    @property
    def _base(self) -> int:
        """Up to this exponent nothing arrives in the units."""
        return min(max(self._below - self.bits, 0), self.most)

    @property
    def drop(self) -> int:
        return self._below - self._base

    @property
    def _limit(self) -> int:
        """From this distance on, everything lies above the units."""
        return max(self.drop + self.fixed.width - self._pad, 0)

    @property
    def _far(self) -> int:
        """The largest distance that the shifter knows."""
        return max(min(self.most - self._base, self._limit - 1), 0)

    @property
    def steps(self) -> int:
        """Levels of the shifter."""
        return self._far.bit_length()

    @property
    def _full(self) -> int:
        return self._pad + self.bits + self._far

    @property
    def width(self) -> int:
        return max(min(self._full - self.drop, self.fixed.width), 1)

    @property
    def zeros(self) -> int:
        """Units below the lowest that arrives."""
        return min(max(self._pad - self.drop, 0), self.fixed.width - 1)

    @property
    def overflows(self) -> bool:
        above = self._full > self.drop + self.fixed.width or self._limited
        return self.fixed.overflow == "saturate" and above

    @property
    def _limited(self) -> bool:
        return self.most - self._base >= self._limit

    @property
    def absorbed(self) -> int:
        """Levels of the shifter that the adder does: the last one, if nothing can overflow."""
        return int(self.steps > 0 and not self.overflows)

    def start(self, m: Module, significand: Value, exponent: Value, sign: Value | None = None):
        """What goes through the steps: bits, inverted if `sign` (by the adder, if there are no
        steps), distance, and what is too large already."""
        base, limit, largest = self._base, self._limit, self.most - self._base
        distance, beyond = Signal(range(largest + 1)), Const(0, 1)
        if not base:
            m.d.comb += distance.eq(exponent)
        else:
            m.d.comb += distance.eq(Mux(exponent < base, 0, exponent - base))
        sign = Const(0, 1) if sign is None else sign
        inverts = sign if self.steps else Const(0, 1)
        bits, over = significand, Const(0, 1)
        if self._limited:
            beyond = Signal()
            m.d.comb += beyond.eq(distance >= limit)
            bits = Mux(beyond, 0, significand)
            if self.fixed.overflow == "saturate":
                over = beyond & significand.any()
        return {
            "bits": Cat(Const(0, self._pad), bits) ^ inverts.replicate(self._pad + len(bits)),
            "distance": distance[: self.steps],
            "sign": sign,
            "over": over,
        }

    def step(self, n: int, bits: Value, distance: Value, sign: Value) -> Value:
        """`bits` moved by 2**n if bit n of the distance says so."""
        near, far = self._both(n, bits, sign)
        return Mux(distance[n], far, near)

    def _both(self, n: int, bits: Value, sign: Value) -> tuple[Value, Value]:
        """`bits` as they are, and moved by 2**n."""
        width = min(len(bits) + (1 << n), self._full)
        if self.fixed.overflow == "wrap":
            width = min(width, self.drop + self.fixed.width)
        fill = sign.replicate(1 << n)
        return Cat(bits, fill)[:width], Cat(fill, bits)[:width]

    def last(self, x) -> list:
        """Addends of the units (see :func:`add`), after all steps but the absorbed one."""
        if not self.absorbed:
            units = x.bits[self.drop : self.drop + self.fixed.width]
            return [("xor", bit, 0 if self.steps else x.sign, 0) for bit in units]
        near, far = (v[self.drop :] for v in self._both(self.steps - 1, x.bits, x.sign))
        return [("mux", x.distance[-1], *bits) for bits in zip(far, near, strict=True)]

    def above(self, x) -> Value:
        """Whether there are more than `width` bits of units, after all steps."""
        top = self.drop + self.fixed.width
        if self.fixed.overflow == "saturate" and len(x.bits) > top:
            high = x.bits[top:]
            if self.steps:
                high = high ^ x.sign.replicate(len(high))
            return x.over | high.any()
        return x.over


def sum_layout(fixed: Fixed, nan: bool):
    """What travels from one multiply-add to the next."""
    number = signed(fixed.width)
    return data.StructLayout({"value": number, "nan": 1}) if nan else number


def number_of(total) -> Value:
    return total.value if isinstance(total, data.View) else total


def add(m: Module, fixed: Fixed, total: Value, addend: list, sign: Value, over: Value) -> Value:
    """total ± size. The `addend` has a kind and inputs b, c, d (see :mod:`.chain`) for every bit,
    lowest first, of size, inverted if `sign`; `over`: it was 2**width or more."""
    width = fixed.width + (fixed.overflow == "saturate") * 2
    addend = [*addend, *[("xor", sign, 0, 0)] * (width - len(addend))][:width]
    total = Cat(total, total[-1].replicate(width - len(total)))
    columns = [(kind, t, *rest) for t, (kind, *rest) in zip(total, addend, strict=True)]
    result = chain(m, "adder", columns, sign).as_signed()
    if fixed.overflow == "wrap":
        return result
    top, low = result[fixed.width - 1 :], result[: fixed.width - 1]
    above, below = Signal(name="above"), Signal(name="below")
    m.d.comb += [
        above.eq((~top[-1] & top.any()) | (over & ~sign)),
        below.eq((top[-1] & (~top.all() | ~low.any())) | (over & sign)),
    ]
    return Mux(above, fixed.max, Mux(below, fixed.min, result[: fixed.width].as_signed()))


class FixedMac(wiring.Component):
    """Members: see :class:`.mac.Mac`."""

    def __init__(self, parameters, members: dict):
        self.parameters = parameters
        super().__init__(members)

    @staticmethod
    def counts(parameters) -> tuple[int, ...]:
        """Registers before product, shifter levels and sum."""
        fixed = parameters.sum
        if parameters.aligned:
            return partition_block(parameters.stages)
        place = None if parameters.whole else parameters.place
        shifts = [0.8] * (place.steps - place.absorbed if place else 0)
        steps = [1.0 + 0.6 * sum(parameters.bits), *shifts]
        return partition((*steps, 2.5 + fixed.width / 16), parameters.stages)

    def elaborate(self, platform):
        m = Module()
        p, fixed = self.parameters, self.parameters.sum
        counts = self.counts(p)
        line = Line(m, counts)
        block = p.aligned and min(counts) > 0
        block = block and has_block(platform, self.input.significand, self.weight.significand)
        x = line.cut(a=self.input, w=self.weight)
        x, addend = self._whole(m, line, x) if p.whole else self._parts(m, line, x, block)
        result = add(m, fixed, number_of(self.sum_in), addend, x.sign, x.over)
        kept = data_register(m, self.sum_out, reset_less=bare_sums(platform))
        holds = "hold" in self.signature.members
        with m.If(~self.hold) if holds else nullcontext():
            m.d.sync += number_of(kept).eq(result)
            if p.has_nan:
                m.d.sync += kept.nan.eq(self.sum_in.nan | x.nan)
        return m

    def _whole(self, m: Module, line: Line, x):
        """Signed products: nothing to invert, no carry."""
        p = self.parameters
        product = product_of(m, p.multiplier, x.a, x.w, signed=True)
        up = p.operands[0].least + p.operands[1].least - p.sum.lsb
        moved = Cat(Const(0, up), product).as_signed()
        none, width = Const(0, 1), p.sum.width + 2
        if p.sum.overflow == "saturate" and len(moved) > width:
            high = moved[width - 1 :]
            over = ~(high.all() | ~high.any())
            x = line.cut(size=moved, sign=moved[-1] & over, over=over, nan=none)
        else:
            size = Signal(signed(max(width, len(moved))), name="size")
            m.d.comb += size.eq(moved)
            x = line.cut(size=size, sign=none, over=none, nan=none)
        return x, [("xor", bit, 0, 0) for bit in x.size]

    def _parts(self, m: Module, line: Line, x, block: bool):
        """Units, inverted if negative, and what the sum needs besides."""
        p, place = self.parameters, self.parameters.place
        a, w = (data.View(o.layout, v) for o, v in zip(p.operands, (x.a, x.w), strict=True))
        factors, product = (a.significand, w.significand), Const(0, 1)
        if not block:
            product = product_of(m, p.multiplier, *factors, signed=p.aligned)
        x = line.cut(
            product=product,
            exponent=flag(a, "exponent") + flag(w, "exponent"),
            sign=flag(a, "sign") ^ flag(w, "sign"),
            nan=flag(a, "nan") | flag(w, "nan"),
        )
        if block:
            x.product = self._block(m)
        x.__dict__.update(place.start(m, x.product, x.exponent, x.sign))
        for n in range(place.steps - place.absorbed):
            bits = place.step(n, x.bits, x.distance, x.sign)
            x = line.cut(bits=bits, distance=x.distance, sign=x.sign, over=x.over, nan=x.nan)
        x.over = place.above(x)
        return x, place.last(x)

    def _block(self, m: Module) -> Value:
        """The product in a multiplier block, whose registers are two of the line's."""
        line = Line(m, [count - 1 for count in self.counts(self.parameters)])
        x = line.cut(left=self.input.significand, right=self.weight.significand)
        return line.cut(whole=block_product(m, x.left, x.right)).whole


class FixedEnter(wiring.Component):
    """Element to sum, combinational: cut off, wrapped or saturated; no number sets `nan`.

    Members
    -------
    i : In(shape_of(source))
    o : Out(layout)
    """

    def __init__(self, source: Format, fixed: Fixed, layout):
        self.source = Parts(source, normal=False, infinities=False)
        self.fixed = fixed
        super().__init__({"i": In(shape_of(source)), "o": Out(layout)})

    def elaborate(self, platform):
        m = Module()
        source, fixed = self.source, self.fixed
        m.submodules.decode = decode = source.create()
        m.d.comb += decode.i.eq(self.i)
        place = Place(source.bits, source.least, source.most, fixed)
        x = place.start(m, decode.o.significand, flag(decode.o, "exponent"))
        x = SimpleNamespace(**x)
        for n in range(place.steps):
            bits = place.step(n, x.bits, x.distance, x.sign)
            x.bits = Signal(len(bits), name=f"moved{n}")
            m.d.comb += x.bits.eq(bits)
        over = place.above(x)
        size, low = Signal(fixed.width), place.zeros
        m.d.comb += size.eq(x.bits[place.drop :])
        if fixed.overflow == "saturate":
            size, low = Mux(over | size[-1], fixed.max, size)[: fixed.width], 0
        sign, size = flag(decode.o, "sign"), size[low : place.width + 1]
        number = chain(m, "negated", [("xor", 0, bit, sign, 0) for bit in size], sign)
        m.d.comb += number_of(self.o).eq(Cat(Const(0, low), number).as_signed())
        if isinstance(self.o, data.View):
            m.d.comb += self.o.nan.eq(flag(decode.o, "nan"))
        return m


class FixedLeave(wiring.Component):
    """Sum to code, combinational: the lowest code is no number.

    Members
    -------
    i : In(layout)
    o : Out(shape_of(fixed))
    """

    def __init__(self, fixed: Fixed, layout):
        self.fixed = fixed
        super().__init__({"i": In(layout), "o": Out(shape_of(fixed))})

    def elaborate(self, platform):
        m = Module()
        fixed, number = self.fixed, number_of(self.i)
        code = number[:]
        if fixed.overflow == "wrap":
            code = Cat(code[0] | (code == fixed.nan_code), code[1:])
        if isinstance(self.i, data.View):
            code = Mux(self.i.nan, fixed.nan_code, code)
        m.d.comb += self.o.eq(code)
        return m
