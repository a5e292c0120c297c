"""First step of the scale path: any element rounded to a significand of 24 bits."""

from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import ArrayLike, NDArray

from ..control.ops import shape_of
from ..formats import Fixed, Format, Int
from ..formats.scaling import SIGNIFICAND, to24
from ..register import data_register
from .number import Number, increments
from .order import element_format
from .unpack import Unpack

WIDE = 16
"""Bits of a source above which magnitude and shift take a cycle each."""


def exponents(layout: Number) -> range:
    """The exponents that a layout was made for."""
    return layout.members["exponent"]


def rounded24(m: Module, bits: Value, exponent: Value) -> tuple[Value, Value]:
    """A normalised significand rounded to 24 bits, to nearest even, and its exponent."""
    kept, tail = bits[-SIGNIFICAND:], bits[:-SIGNIFICAND]
    total = Signal(SIGNIFICAND + 1, name="rounded")
    m.d.comb += total.eq(kept + increments("rne", kept[0], tail))
    carry = total[-1]
    return Cat(total[: SIGNIFICAND - 1], total[SIGNIFICAND - 1] | carry), exponent + carry


@dataclass(frozen=True)
class To24:
    """A code's value rounded to 24 bits, ties to even; the exponent has no limits."""

    source: Format

    @property
    def unpack(self) -> Unpack:
        source = element_format(self.source)
        return Unpack(source, isinstance(source, Int | Fixed) and source.width > WIDE)

    @property
    def exact(self) -> bool:
        """No value of the source is rounded."""
        source = element_format(self.source)
        if isinstance(source, Int):
            return max(-source.min, source.max) <= 1 << SIGNIFICAND
        return self.unpack.layout.bits <= SIGNIFICAND

    @property
    def latency(self) -> int:
        """1, one more if something can be rounded, one more for integers of more than
        16 bits."""
        return 2 - self.exact + self.unpack.staged

    @property
    def layout(self) -> Number:
        """Of the result; narrow sources need fewer bits of significand."""
        whole = self.unpack.layout
        reach = exponents(whole)
        reach = range(reach.start, reach.stop + (not self.exact))
        return Number(reach, min(whole.bits, SIGNIFICAND), whole.specials)

    def golden(self, values: ArrayLike) -> NDArray[np.float64]:
        return to24(values)

    def create(self) -> "To24Unit":
        return To24Unit(self)


class To24Unit(wiring.Component):
    """Magnitude and shift, then (wide sources) the rounding. It moves when `enable` is 1.

    Members
    -------
    enable : In(1)
    i : In(shape_of(source))
    o : Out(parameters.layout), `latency` enabled cycles later
    """

    def __init__(self, parameters: To24):
        self.parameters = parameters
        super().__init__(
            {"enable": In(1), "i": In(shape_of(parameters.source)), "o": Out(parameters.layout)}
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.unpack = unpack = self.parameters.unpack.create()
        m.d.comb += unpack.i.eq(self.i)
        if self.parameters.unpack.staged:
            m.d.comb += unpack.enable.eq(self.enable)
        normal = Signal(self.parameters.unpack.layout, reset_less=True)
        with m.If(self.enable):
            m.d.sync += normal.eq(unpack.o)
        result = {name: normal[name] for name in self.parameters.layout.members}
        if self.parameters.exact:
            result["significand"] = normal.significand[-self.parameters.layout.bits :]
            m.d.comb += [self.o[name].eq(value) for name, value in result.items()]
            return m
        bits, exponent = rounded24(m, normal.significand, normal.exponent)
        result |= {"significand": bits, "exponent": exponent}
        kept = data_register(m, self.o)
        with m.If(self.enable):
            m.d.sync += [kept[name].eq(value) for name, value in result.items()]
        return m
