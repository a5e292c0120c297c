"""Products moved to their place in a fixed-point sum, and added."""

from contextlib import nullcontext
from dataclasses import dataclass
from types import SimpleNamespace

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...control.ops import shape_of
from ...formats import Fixed, Format
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
    def _drop(self) -> int:
        return self._below - self._base

    @property
    def _limit(self) -> int:
        """From this distance on, everything lies above the units."""
        return max(self._drop + self.fixed.width - self._pad, 0)

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
        return max(min(self._full - self._drop, self.fixed.width), 1)

    @property
    def overflows(self) -> bool:
        above = self._full > self._drop + self.fixed.width or self._limited
        return self.fixed.overflow == "saturate" and above

    @property
    def _limited(self) -> bool:
        return self.most - self._base >= self._limit

    def start(self, m: Module, significand: Value, exponent: Value) -> dict[str, Value]:
        """What goes through the steps: bits, distance, and what is too large already."""
        base, limit, largest = self._base, self._limit, self.most - self._base
        distance, beyond = Signal(range(largest + 1)), Const(0, 1)
        if not base:
            m.d.comb += distance.eq(exponent)
        else:
            m.d.comb += distance.eq(Mux(exponent < base, 0, exponent - base))
        bits, over = significand, Const(0, 1)
        if self._limited:
            beyond = Signal()
            m.d.comb += beyond.eq(distance >= limit)
            bits = Mux(beyond, 0, significand)
            if self.fixed.overflow == "saturate":
                over = beyond & significand.any()
        return {
            "bits": Cat(Const(0, self._pad), bits),
            "distance": distance[: self.steps],
            "over": over,
        }

    def step(self, n: int, bits: Value, distance: Value) -> Value:
        """`bits` moved by 2**n if bit n of the distance says so."""
        width = min(len(bits) + (1 << n), self._full)
        if self.fixed.overflow == "wrap":
            width = min(width, self._drop + self.fixed.width)
        return Mux(distance[n], Cat(Const(0, 1 << n), bits), bits)[:width]

    def end(self, bits: Value, over: Value) -> tuple[Value, Value]:
        """The units, and whether there were more than `width` bits of them."""
        top = self._drop + self.fixed.width
        if self.fixed.overflow == "saturate" and len(bits) > top:
            over = over | bits[top:].any()
        units = bits[self._drop : top]
        return (units if len(units) else Const(0, 1)), over


def sum_layout(fixed: Fixed, nan: bool):
    """What travels from one multiply-add to the next."""
    number = signed(fixed.width)
    return data.StructLayout({"value": number, "nan": 1}) if nan else number


def number_of(total) -> Value:
    return total.value if isinstance(total, data.View) else total


def add(m: Module, fixed: Fixed, total: Value, size: Value, sign: Value, over: Value) -> Value:
    """total ± size, where `size` comes inverted if `sign`; `over`: it was 2**width or more."""
    width = fixed.width + (fixed.overflow == "saturate") * 2
    size = Cat(size, sign.replicate(max(width - len(size), 0)))[:width]
    both = Signal(signed(width + 1), name="both")
    # the sign's carry enters through a bit below
    m.d.comb += both.eq(Cat(sign, size).as_signed() + Cat(sign, total).as_signed())
    result = both[1:]
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
        shifts = [0.8] * (0 if parameters.whole else parameters.place.steps)
        steps = [1.0 + 0.6 * sum(parameters.bits), *shifts]
        return partition((*steps, 2.5 + fixed.width / 16), parameters.stages)

    def elaborate(self, platform):
        m = Module()
        p, fixed = self.parameters, self.parameters.sum
        line = Line(m, self.counts(p))
        x = line.cut(a=self.input, w=self.weight)
        x = self._whole(m, line, x) if p.whole else self._parts(m, line, x)
        total = number_of(self.sum_in)
        result = add(m, fixed, total, x.size, x.sign, x.over)
        holds = "hold" in self.signature.members
        with m.If(~self.hold) if holds else nullcontext():
            m.d.sync += number_of(self.sum_out).eq(result)
            if p.has_nan:
                m.d.sync += self.sum_out.nan.eq(self.sum_in.nan | x.nan)
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
            return line.cut(size=moved, sign=moved[-1] & over, over=over, nan=none)
        size = Signal(signed(max(width, len(moved))), name="size")
        m.d.comb += size.eq(moved)
        return line.cut(size=size, sign=none, over=none, nan=none)

    def _parts(self, m: Module, line: Line, x):
        p, place = self.parameters, self.parameters.place
        a, w = (data.View(o.layout, v) for o, v in zip(p.operands, (x.a, x.w), strict=True))
        product = product_of(m, p.multiplier, a.significand, w.significand, signed=False)
        exponent = flag(a, "exponent") + flag(w, "exponent")
        sign = flag(a, "sign") ^ flag(w, "sign")
        nan = flag(a, "nan") | flag(w, "nan")
        if place.steps:
            x = line.cut(product=product, exponent=exponent, sign=sign, nan=nan)
            x.__dict__.update(place.start(m, x.product, x.exponent))
        else:
            x = SimpleNamespace(sign=sign, nan=nan, **place.start(m, product, exponent))
        for n in range(place.steps):
            bits, over = place.step(n, x.bits, x.distance), x.over
            if n == place.steps - 1:
                break
            x = line.cut(bits=bits, distance=x.distance, sign=x.sign, over=over, nan=x.nan)
        else:
            bits, over = x.bits, x.over
        units, over = place.end(bits, over)
        size = Cat(units ^ x.sign.replicate(len(units)))
        return line.cut(size=size, sign=x.sign, over=over, nan=x.nan)


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
        bits = x["bits"]
        for n in range(place.steps):
            moved = Signal(len(place.step(n, bits, x["distance"])), name=f"moved{n}")
            m.d.comb += moved.eq(place.step(n, bits, x["distance"]))
            bits = moved
        units, over = place.end(bits, x["over"])
        sign, size = flag(decode.o, "sign"), Signal(fixed.width)
        m.d.comb += size.eq(units)
        if fixed.overflow == "saturate":
            size = Mux(over | size[-1], fixed.max, size)
        m.d.comb += number_of(self.o).eq(Mux(sign, -size, size))
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
