"""The three float32 steps of the output path, each with its golden model.

Inside the hardware a number is `Unpacked`: no bias, no hidden bit, no special values. A product
beyond float32's range keeps its exponent (it saturates in the next step) and one below the normal
range is smaller than any integer's half, so neither subnormals nor infinities need gates.

Every unit is a pipeline that moves when `enable` is 1.
"""

from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import ArrayLike, NDArray

from ..control.ops import shape_of
from ..formats import Int

SIGNIFICAND = 24
"""Bits of float32's significand, the hidden one included."""

BIAS = 127


class Unpacked(data.StructLayout):
    """``(-1)**sign * significand * 2**(exponent - bits + 1)`` with `bits` of significand.

    The top bit of the significand is 1, or all of it is 0 and the number is zero.
    """

    def __init__(self, exponent, bits: int = SIGNIFICAND):
        super().__init__({"sign": 1, "exponent": exponent, "significand": bits})


FACTOR = Unpacked(signed(8))
"""A finite float32 taken apart."""

PRODUCT = Unpacked(signed(9))
"""A float32 times an integer of at most 32 bits."""


def take_apart(code: Value) -> dict[str, Value]:
    """Fields of `FACTOR` from the 32 bits of a finite float32; subnormals become zero."""
    mantissa, field, sign = code[:23], code[23:31], code[31]
    normal = field.any()
    return {
        "sign": sign,
        "exponent": (field - BIAS)[:8].as_signed(),
        "significand": Mux(normal, Cat(mantissa, 1), 0),
    }


def _rounds_up(odd: Value, tail: Value) -> Value:
    """Whether rounding to nearest even increments, given the bits below the last one kept."""
    return tail[-1] & (odd | tail[:-1].any())


def _round(m: Module, bits: Value, exponent: Value) -> tuple[Value, Value]:
    """A normalised significand rounded to 24 bits, and its exponent."""
    kept, tail = bits[-SIGNIFICAND:], bits[:-SIGNIFICAND]
    total = Signal(SIGNIFICAND + 1, name="rounded")
    m.d.comb += total.eq(kept + _rounds_up(kept[0], tail))
    carry = total[-1]
    return Cat(total[: SIGNIFICAND - 1], total[SIGNIFICAND - 1] | carry), exponent + carry


@dataclass(frozen=True)
class IntToFloat32:
    """float32(x) of an integer, rounded to nearest even."""

    source: Int

    @property
    def exact(self) -> bool:
        """Every value of the source is a float32."""
        return max(-self.source.min, self.source.max) <= 1 << SIGNIFICAND

    @property
    def latency(self) -> int:
        return 1 if self.exact else 2

    @property
    def result(self) -> Unpacked:
        """Layout of the result; narrow sources need fewer bits of significand."""
        return Unpacked(range(self.source.width + 1), min(self.source.width, SIGNIFICAND))

    def golden(self, values: ArrayLike) -> NDArray[np.float32]:
        return np.asarray(values, dtype=np.int64).astype(np.float32)

    def create(self) -> "IntToFloat32Unit":
        return IntToFloat32Unit(self)


class IntToFloat32Unit(wiring.Component):
    """Magnitude and shift, then (wide sources) the rounding.

    Members
    -------
    enable : In(1)
    i : In(source)
    o : Out(parameters.result), `latency` enabled cycles later
    """

    def __init__(self, parameters: IntToFloat32):
        self.parameters = parameters
        source = shape_of(parameters.source)
        super().__init__({"enable": In(1), "i": In(source), "o": Out(parameters.result)})

    def elaborate(self, platform):
        m = Module()
        width = self.parameters.source.width
        negative = self.i[-1] if self.parameters.source.signed else 0
        magnitude = Signal(width)
        m.d.comb += magnitude.eq(Mux(negative, -self.i, self.i))
        normal = Signal(Unpacked(range(width + 1), width))
        bits, exponent = self._normalise(m, magnitude)
        with m.If(self.enable):
            m.d.sync += [
                normal.sign.eq(negative),
                normal.exponent.eq(exponent),
                normal.significand.eq(bits),
            ]
        if self.parameters.exact:
            kept = self.o.significand.shape().width
            m.d.comb += [
                self.o.sign.eq(normal.sign),
                self.o.exponent.eq(normal.exponent),
                self.o.significand.eq(normal.significand[-kept:]),
            ]
        else:
            significand, exponent = _round(m, normal.significand, normal.exponent)
            with m.If(self.enable):
                m.d.sync += [
                    self.o.sign.eq(normal.sign),
                    self.o.exponent.eq(exponent),
                    self.o.significand.eq(significand),
                ]
        return m

    @staticmethod
    def _normalise(m: Module, magnitude: Signal) -> tuple[Value, Value]:
        """The magnitude shifted left until its top bit is 1, and that bit's weight."""
        width = len(magnitude)
        shifts = []
        for k in reversed(range((width - 1).bit_length())):
            step = 1 << k
            empty = Signal(name=f"empty_{step}")
            shifted = Signal(width, name=f"shifted_{step}")
            m.d.comb += [
                empty.eq(~magnitude[width - step :].any()),
                shifted.eq(Mux(empty, magnitude << step, magnitude)),
            ]
            shifts.insert(0, empty)
            magnitude = shifted
        # A zero may shift further than its width; its exponent means nothing.
        return magnitude, (width - 1 - Cat(shifts))[: (width - 1).bit_length()]


@dataclass(frozen=True)
class Float32Multiply:
    """float32(a·b), rounded to nearest even; `a` has `bits` of significand, `b` is a `FACTOR`."""

    operand: Unpacked

    latency = 2

    def golden(self, a: ArrayLike, b: ArrayLike) -> NDArray[np.float32]:
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(a, dtype=np.float32) * np.asarray(b, dtype=np.float32)

    def create(self) -> "Float32MultiplyUnit":
        return Float32MultiplyUnit(self)


class Float32MultiplyUnit(wiring.Component):
    """Product, then one shift and the rounding.

    Members
    -------
    enable : In(1)
    a : In(parameters.operand)
    b : In(FACTOR)
    o : Out(PRODUCT), two enabled cycles later
    """

    def __init__(self, parameters: Float32Multiply):
        self.parameters = parameters
        super().__init__(
            {
                "enable": In(1),
                "a": In(parameters.operand),
                "b": In(FACTOR),
                "o": Out(PRODUCT),
            }
        )

    def elaborate(self, platform):
        m = Module()
        a, b, o = self.a, self.b, self.o
        width = len(a.significand) + SIGNIFICAND
        product = Signal(width)
        sign = Signal()
        exponent = Signal(signed(9))
        with m.If(self.enable):
            m.d.sync += [
                product.eq(a.significand * b.significand),
                sign.eq(a.sign ^ b.sign),
                exponent.eq(a.exponent + b.exponent),
            ]
        normal = Signal(width)
        m.d.comb += normal.eq(Mux(product[-1], product, product << 1))
        significand, final = _round(m, normal, exponent + product[-1])
        with m.If(self.enable):
            m.d.sync += [o.sign.eq(sign), o.exponent.eq(final), o.significand.eq(significand)]
        return m


@dataclass(frozen=True)
class Float32ToInt:
    """The nearest integer, ties to even, saturating to the target's limits."""

    target: Int

    latency = 2

    def golden(self, values: ArrayLike) -> NDArray[np.int64]:
        rounded = np.rint(np.asarray(values, dtype=np.float64))
        return np.clip(rounded, self.target.min, self.target.max).astype(np.int64)

    def create(self) -> "Float32ToIntUnit":
        return Float32ToIntUnit(self)


class Float32ToIntUnit(wiring.Component):
    """Shift to the integer's place, then rounding, sign and saturation in one addition.

    Members
    -------
    enable : In(1)
    i : In(PRODUCT)
    o : Out(target), two enabled cycles later
    """

    def __init__(self, parameters: Float32ToInt):
        self.parameters = parameters
        super().__init__({"enable": In(1), "i": In(PRODUCT), "o": Out(shape_of(parameters.target))})

    def elaborate(self, platform):
        m = Module()
        width = self.parameters.target.width
        whole, increment, sign, over = Signal(width), Signal(), Signal(), Signal()
        aligned, lost = self._align(m)
        fraction = len(aligned) - width
        tail = Cat(lost, aligned[:fraction])
        with m.If(self.enable):
            m.d.sync += [
                whole.eq(aligned[fraction:]),
                increment.eq(_rounds_up(aligned[fraction], tail)),
                sign.eq(self.i.sign),
                over.eq((self.i.exponent >= width) & self.i.significand[-1]),
            ]
        # -(w + r) = ~w + (1 - r)
        total = Signal(signed(width + 2))
        m.d.comb += total.eq((whole ^ sign.replicate(width + 2)).as_signed() + (increment ^ sign))
        low, high = self.parameters.target.min, self.parameters.target.max
        with m.If(self.enable):
            m.d.sync += self.o.eq(total)
            with m.If(sign & (over | (total < low))):
                m.d.sync += self.o.eq(low)
            with m.Elif(~sign & (over | (total > high))):
                m.d.sync += self.o.eq(high)
        return m

    def _align(self, m: Module) -> tuple[Value, Value]:
        """The significand with `width` integer bits at the top, and whether ones fell off."""
        width = self.parameters.target.width
        most = width + 1  # further right, nothing but a lost one remains
        bits = max(SIGNIFICAND, width + 1)
        distance = Signal(signed(10))
        amount = Signal(range(most + 1))
        m.d.comb += [
            distance.eq(width - 1 - self.i.exponent),
            amount.eq(Mux(distance > most, most, distance)),
        ]
        value, lost = self.i.significand << (bits - SIGNIFICAND), 0
        for k, move in enumerate(amount):
            step = 1 << k
            shifted = Signal(bits, name=f"shifted_{step}")
            dropped = Signal(name=f"dropped_{step}")
            m.d.comb += [
                shifted.eq(Mux(move, value >> step, value)),
                dropped.eq(lost | (move & value[:step].any())),
            ]
            value, lost = shifted, dropped
        return value, lost
