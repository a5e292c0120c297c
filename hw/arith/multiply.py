"""Second step of the scale path: times a float32."""

from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import ArrayLike, NDArray

from ..formats.scaling import SIGNIFICAND, to24
from ..register import data_register
from .number import Number
from .to24 import exponents, rounded24

BIAS = 127

FACTOR = Number(range(1 - BIAS, BIAS + 1), SIGNIFICAND, specials=False)
"""A finite float32 taken apart."""


def take_apart(code: Value) -> dict[str, Value]:
    """Fields of `FACTOR` from the 32 bits of a finite float32; subnormals become zero."""
    mantissa, field, sign = code[:23], code[23:31], code[31]
    return {
        "sign": sign,
        "exponent": (field - BIAS)[:8].as_signed(),
        "significand": Mux(field.any(), Cat(mantissa, 1), 0),
    }


@dataclass(frozen=True)
class Multiply:
    """a·b rounded to 24 bits, ties to even; `a` has the layout `operand`, `b` is a `FACTOR`.

    The exponent has no limits. Infinity times zero is NaN.
    """

    operand: Number

    latency = 2

    @property
    def layout(self) -> Number:
        """Of the product."""
        a, b = exponents(self.operand), exponents(FACTOR)
        reach = range(a.start + b.start, a[-1] + b[-1] + 3)
        return Number(reach, SIGNIFICAND, self.operand.specials)

    def golden(self, a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore"):
            return to24(np.multiply(a, b, dtype=np.float64))

    def create(self) -> "MultiplyUnit":
        return MultiplyUnit(self)


class MultiplyUnit(wiring.Component):
    """Product, then one shift and the rounding. It moves when `enable` is 1.

    Members
    -------
    enable : In(1)
    a : In(parameters.operand)
    b : In(FACTOR)
    o : Out(parameters.layout), two enabled cycles later
    """

    def __init__(self, parameters: Multiply):
        self.parameters = parameters
        super().__init__(
            {
                "enable": In(1),
                "a": In(parameters.operand),
                "b": In(FACTOR),
                "o": Out(parameters.layout),
            }
        )

    def elaborate(self, platform):
        m = Module()
        a, b, o = self.a, self.b, data_register(m, self.o)
        width = len(a.significand) + SIGNIFICAND
        product, normal = Signal(width, reset_less=True), Signal(width)
        sign = Signal(reset_less=True)
        exponent = Signal.like(o.exponent, reset_less=True)
        m.d.comb += normal.eq(Mux(product[-1], product, product << 1))
        significand, final = rounded24(m, normal, exponent + product[-1])
        with m.If(self.enable):
            m.d.sync += [
                product.eq(a.significand * b.significand),
                sign.eq(a.sign ^ b.sign),
                exponent.eq(a.exponent + b.exponent),
                o.sign.eq(sign),
                o.exponent.eq(final),
                o.significand.eq(significand),
            ]
        if self.parameters.operand.specials:
            nan, infinite = Signal(reset_less=True), Signal(reset_less=True)
            some = b.significand[-1]
            with m.If(self.enable):
                m.d.sync += [
                    nan.eq(a.nan | (a.infinite & ~some)),
                    infinite.eq(a.infinite & some),
                    o.nan.eq(nan),
                    o.infinite.eq(infinite),
                ]
        return m
