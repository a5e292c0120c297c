"""Codes taken apart: any format to a normalised :class:`.number.Number`."""

from contextlib import nullcontext
from dataclasses import dataclass

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import ArrayLike, NDArray

from ..control.ops import shape_of
from ..formats import E8M0, Fixed, Float, Format, Int, Log, Posit, Ternary
from .log import exponents_of, log_parts, significand_bits
from .number import Number, normalise
from .order import element_format, is_nan


@dataclass(frozen=True)
class Unpack:
    """The value of a code, exactly.

    The significand has the bits that the format needs: ``man + 1`` of a `Float`, those of the
    longest fraction of a `Posit`, the width of an `Int`, one less of a `Fixed`; 1 of a `Ternary`
    and of an `E8M0`, and a `Log` has those of its values. A NaN's other
    fields and a zero's exponent mean nothing; zeros keep their sign where the format has two.

    With `staged` (`Int` and `Fixed` only) a register lies between magnitude and normalising.
    """

    format: Format
    staged: bool = False

    def __post_init__(self):
        if self.staged and not isinstance(self.format, Int | Fixed):
            raise ValueError(f"staged Unpack is for Int and Fixed, not for {self.format.name}")

    @property
    def layout(self) -> Number:
        fmt = element_format(self.format)
        if isinstance(fmt, Int):
            return Number(range(fmt.width), fmt.width, specials=False)
        if isinstance(fmt, Fixed):
            return Number(range(fmt.lsb, fmt.lsb + fmt.width - 1), fmt.width - 1)
        if isinstance(fmt, Ternary):
            return Number(range(1), 1, specials=False)
        if isinstance(fmt, E8M0):
            return Number(range(fmt.least_exponent, fmt.emax + 2), 1)
        if isinstance(fmt, Log):
            return Number(exponents_of(fmt), significand_bits(fmt))
        if isinstance(fmt, Posit):
            most = (fmt.n - 2) << fmt.es
            return Number(range(-most, most + 1), max(fmt.n - 2 - fmt.es, 1))
        least = fmt.emin - (fmt.man if fmt.subnormals else 0)
        return Number(range(least, fmt.emax + 1), fmt.man + 1, specials=fmt.has_nan)

    def golden(self, codes: ArrayLike) -> NDArray:
        """Values of codes."""
        fmt = element_format(self.format)
        return fmt.values(fmt.decode(codes)) if isinstance(fmt, Fixed) else fmt.decode(codes)

    def create(self) -> "UnpackUnit":
        return UnpackUnit(self)


class UnpackUnit(wiring.Component):
    """
    Members
    -------
    enable : In(1), if `staged`
    i : In(shape_of(format))
    o : Out(parameters.layout), in the same cycle; one enabled cycle later if `staged`
    """

    def __init__(self, parameters: Unpack):
        self.parameters = parameters
        ports = {"i": In(shape_of(parameters.format)), "o": Out(parameters.layout)}
        super().__init__(ports | ({"enable": In(1)} if parameters.staged else {}))

    def elaborate(self, platform):
        m = Module()
        fmt = element_format(self.parameters.format)
        code = Signal(fmt.width)
        m.d.comb += code.eq(self.i)
        if isinstance(fmt, Float):
            self._float(m, fmt, code)
        elif isinstance(fmt, Posit):
            self._posit(m, fmt, code)
        elif isinstance(fmt, Ternary):
            m.d.comb += [self.o.sign.eq(code.all()), self.o.significand.eq(code[0])]
        elif isinstance(fmt, E8M0):
            m.d.comb += [
                self.o.exponent.eq(code + fmt.least_exponent),
                self.o.significand.eq(1),
                self.o.nan.eq(is_nan(fmt, code)),
            ]
        elif isinstance(fmt, Log):
            sign, exponent, significand, nan = log_parts(m, fmt, code)
            m.d.comb += [
                self.o.sign.eq(sign),
                self.o.exponent.eq(exponent + exponents_of(fmt).start),
                self.o.significand.eq(significand),
                self.o.nan.eq(nan),
            ]
        else:
            self._integer(m, fmt, code)
        return m

    def _integer(self, m: Module, fmt: Int | Fixed, code: Value):
        """Magnitude, then normalised: Int, and Fixed whose lowest code has none."""
        o, lsb = self.o, fmt.lsb if isinstance(fmt, Fixed) else 0
        width = len(o.significand)
        sign, magnitude, nan = (
            Signal(bits, name=name, reset_less=True)
            for name, bits in (("sign", 1), ("magnitude", width), ("nan", 1))
        )
        domain = m.d.sync if self.parameters.staged else m.d.comb
        with m.If(self.enable) if self.parameters.staged else nullcontext():
            domain += [
                sign.eq(code[-1] & fmt.signed),
                magnitude.eq(Mux(code[-1] & fmt.signed, -code, code)),
                nan.eq(is_nan(fmt, code)),
            ]
        bits, count = normalise(m, magnitude, "normal")
        m.d.comb += [
            o.sign.eq(sign),
            o.exponent.eq(lsb + width - 1 - count),
            o.significand.eq(bits),
        ]
        if o.shape().specials:
            m.d.comb += o.nan.eq(nan)

    def _float(self, m: Module, fmt: Float, code: Value):
        o = self.o
        sign, field, fraction = code[-1], code[fmt.man : -1], code[: fmt.man]
        normal = Signal()
        m.d.comb += [normal.eq(field.any()), o.sign.eq(sign)]
        if fmt.subnormals:
            bits, count = normalise(m, Cat(fraction, normal), "normal")
            exponent = Mux(normal, field, 1) - fmt.bias - count
        else:
            bits, exponent = Cat(fraction, 1) & normal.replicate(fmt.man + 1), field - fmt.bias
        m.d.comb += [o.significand.eq(bits), o.exponent.eq(exponent)]
        if fmt.specials == "fnuz":
            m.d.comb += o.sign.eq(sign & o.significand.any())
        if fmt.has_nan:
            m.d.comb += o.nan.eq(is_nan(fmt, code))
        if fmt.has_infinity:
            m.d.comb += o.infinite.eq(field.all() & ~fraction.any())

    def _posit(self, m: Module, fmt: Posit, code: Value):
        """The regime's run is counted like leading zeros; behind it, zeros are shifted in."""
        o, n, es = self.o, fmt.n, fmt.es
        sign, magnitude, some = code[-1], Signal(n - 1), Signal()
        first, tail = magnitude[-1], Signal(n - 2)
        m.d.comb += [
            magnitude.eq(Mux(sign, -code[:-1], code[:-1])),
            some.eq(magnitude.any()),
            tail.eq(magnitude[:-1] ^ first.replicate(n - 2)),
        ]
        moved, count = normalise(m, tail, "regime", most=n - 2, fill=first)
        rest = Signal(max(n - 3, es))
        unused = len(rest) - (n - 3)
        m.d.comb += rest[unused:].eq(moved[:-1] ^ first.replicate(n - 3))
        regime = Cat(count ^ (~first).replicate(len(count)), ~first)  # count, or -1 - count
        power = Cat(rest[len(rest) - es :], regime).as_signed()
        fraction = rest[: len(rest) - es] if n - 3 > es else ()
        m.d.comb += [
            o.sign.eq(sign),
            o.exponent.eq(power),
            o.significand.eq(Cat(fraction, some)),
            o.nan.eq(sign & ~some),
        ]
