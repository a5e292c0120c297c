"""Codes to codes of an accumulator, without an operation: partial sums D and shrunk loads."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import ArrayLike, NDArray

from ..control.ops import shape_of
from ..formats import Accumulator, Fixed, Format, Int, Ternary, integral, sums
from .number import shift_left
from .order import element_format, is_nan
from .pack import Pack
from .to24 import exponents
from .unpack import Unpack


@dataclass(frozen=True)
class Widen:
    """What an accumulator makes of an element that enters it, or of a narrower sum.

    `Int`: modulo its width. `Fixed`: cut off below its lowest bit; beyond the range it wraps or
    saturates, and no number is the lowest code. `Rounded`: the nearest, ties to even.
    """

    source: Format | Accumulator
    target: Accumulator

    def __post_init__(self):
        source, target = self.source, self.target
        same = isinstance(source, Fixed) and isinstance(target, Fixed)
        if isinstance(target, Int) and (isinstance(source, Fixed) or not integral(source)):
            raise ValueError(f"{source.name} does not enter {target.name}; integers do")
        if same and (source.lsb != target.lsb or source.width > target.width):
            raise ValueError(
                f"{source.name} does not enter {target.name}; a Fixed of lsb {target.lsb} and at "
                f"most {target.width} bits does"
            )
        if isinstance(source, Fixed) and not isinstance(target, Fixed):
            raise ValueError(f"{source.name} does not enter {target.name}; it does a Fixed")

    def golden(self, codes: ArrayLike) -> NDArray:
        """Codes of the target for codes of the source."""
        into = sums(self.target)
        if isinstance(self.source, Fixed):
            units = self.source.decode(codes)
            lost = units == self.source.nan
            units = units.astype(self.target.dtype)
            units[lost] = self.target.nan
            return into.codes(units)
        return into.codes(into.enter(element_format(self.source).decode(codes)))

    def create(self) -> "WidenUnit":
        return WidenUnit(self)


class WidenUnit(wiring.Component):
    """Members: i : In(shape_of(source)); o : Out(shape_of(target)), in the same cycle."""

    def __init__(self, parameters: Widen):
        self.parameters = parameters
        source, target = parameters.source, parameters.target
        super().__init__({"i": In(shape_of(source)), "o": Out(shape_of(target))})

    def elaborate(self, platform):
        m = Module()
        source, target = element_format(self.parameters.source), self.parameters.target
        if isinstance(target, Int) and isinstance(source, Ternary):
            m.d.comb += self.o.eq(Cat(self.i[0], self.i.all()).as_signed())
        elif isinstance(target, Int):
            m.d.comb += self.o.eq(self.i)
        elif isinstance(target, Fixed) and isinstance(source, Fixed):
            nan = is_nan(source, self.i)
            m.d.comb += self.o.eq(Mux(nan, target.nan_code, self.i.as_signed()))
        elif isinstance(target, Fixed) and isinstance(source, Int):
            sign, size = self.i[-1] & source.signed, Signal(source.width)
            m.d.comb += size.eq(Mux(sign, -self.i, self.i))
            moved = Cat(Const(0, -target.lsb), size) if target.lsb <= 0 else size[target.lsb :]
            self._units(m, target, sign, moved, 0, 0)
        else:
            m.submodules.unpack = unpack = Unpack(source).create()
            m.d.comb += unpack.i.eq(self.i)
            if isinstance(target, Fixed):
                self._place(m, target, unpack.o)
            else:
                m.submodules.pack = pack = Pack(unpack.o.shape(), target, latency=0).create()
                m.d.comb += [pack.i.eq(unpack.o), self.o.eq(pack.o)]
        return m

    def _place(self, m: Module, target: Fixed, x):
        """The significand moved to its place; the bits below `lsb` are at the bottom."""
        layout = x.shape()
        reach = exponents(layout)
        top = min(target.width, max(reach[-1] - target.lsb + 1, 1))  # bits of units
        width = layout.bits + top
        least, most = reach[0] - target.lsb + 1, reach[-1] - target.lsb + 1
        place = Signal(range(min(least, 0), max(most, 0) + 1))
        amount = Signal(range(min(max(most, 0), width) + 1))
        m.d.comb += [
            place.eq(x.exponent - target.lsb + 1),
            amount.eq(Mux(place < 0, 0, Mux(place > width, width, place))),
        ]
        moved = shift_left(m, x.significand, amount, width, "place")
        nan = x.nan | x.infinite if layout.specials else 0
        over = (place >= target.width) & x.significand[-1] if most >= target.width else 0
        self._units(m, target, x.sign, moved[layout.bits :], over, nan)

    def _units(self, m: Module, target: Fixed, sign: Value, size: Value, over: Value, nan: Value):
        """The code of ±`size`; `over` if it is 2**(width-1) or more, whatever `size` says."""
        width, units, code = target.width, Signal(target.width), Signal(target.width)
        if target.overflow == "saturate":
            over = over | size[width - 1 :].any()
            size = Mux(over, target.max, size[: width - 1])
        m.d.comb += units.eq(Mux(sign, -size, size))
        m.d.comb += code.eq(Cat(units[0] | (units == target.nan_code), units[1:]))
        m.d.comb += self.o.eq(Mux(nan, target.nan_code, code))
