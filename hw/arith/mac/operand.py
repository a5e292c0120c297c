"""Operands taken apart at the array's edge, so that no processing element decodes."""

from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import ArrayLike

from ...control.ops import shape_of
from ...formats import Binary, Codebook, Float, Format, Int, Log, Posit, Ternary
from ..log import exponents_of, log_parts, significand_bits
from ..number import normalise
from ..rom import rom

TOGETHER = 8
"""Bits of a codebook's entries, as integers, up to which they need no exponents."""


def flag(view, name: str) -> Value:
    """Field `name` of a structure, 0 where the structure has none."""
    return getattr(view, name) if name in dict(view.shape()) else Const(0, 1)


@dataclass(frozen=True)
class Whole:
    """Integers as operands: they travel as they are; `Binary` and `Ternary` as -1, 0 and 1."""

    format: Int | Binary | Ternary | Codebook

    least = 0

    @property
    def layout(self):
        fmt = self.format
        if isinstance(fmt, Codebook):
            return Whole(fmt.format).layout
        return signed(2) if isinstance(fmt, Binary | Ternary) else shape_of(fmt)

    def golden(self, codes: ArrayLike):
        """The integers, ``int64``."""
        return self.format.decode(codes)

    def create(self) -> "WholeUnit":
        return WholeUnit(self)


class WholeUnit(wiring.Component):
    """Code to integer, combinational.

    Members
    -------
    i : In(format.width)
    o : Out(parameters.layout)
    """

    def __init__(self, parameters: Whole):
        self.parameters = parameters
        super().__init__({"i": In(parameters.format.width), "o": Out(parameters.layout)})

    def elaborate(self, platform):
        m = Module()
        fmt, code, value = self.parameters.format, self.i, self.i
        if isinstance(fmt, Binary):
            value = Cat(1, ~code)
        elif isinstance(fmt, Ternary):
            value = Cat(code[0], code.all())
        elif isinstance(fmt, Codebook):
            words = fmt.decode(np.arange(1 << fmt.width)) % (1 << len(self.o))
            value = rom(m, "table", words, len(self.o), code)
        m.d.comb += self.o.eq(value)
        return m


@dataclass(frozen=True)
class Parts:
    """Operands in parts: ``(-1)**sign * significand * 2**(exponent + least)``.

    The exponent counts from 0 to `most`. With `normal`, the top bit of the significand is 1 for
    all numbers but zero; without, that of subnormals (and integers) is as it comes. With
    `infinities` there is a flag of its own for them, else they count as NaN. Flags, sign and
    exponent that a format cannot need are no fields. All zero bits are the number +0; where a
    flag is set, the rest means nothing but the sign of an infinity. With `aligned`, the significand
    is moved to its place: the magnitude in fixed point, without an exponent.
    """

    format: Format
    normal: bool
    infinities: bool
    aligned: bool = False

    @property
    def bits(self) -> int:
        """Bits of the significand."""
        return self._places + self._range * self.aligned

    @property
    def most(self) -> int:
        """The largest exponent."""
        return 0 if self.aligned else self._range

    @cached_property
    def _places(self) -> int:
        """Bits of the significand where there is an exponent."""
        fmt = self.format
        if isinstance(fmt, Binary | Ternary):
            return 1
        if isinstance(fmt, Codebook):
            return self._table.bits
        if isinstance(fmt, Log):
            return significand_bits(fmt)
        if isinstance(fmt, Int):
            return fmt.max.bit_length() + fmt.signed
        if isinstance(fmt, Posit):
            return max(fmt.n - 2 - fmt.es, 1)
        return fmt.man + 1

    @property
    def _shifts(self) -> bool:
        """Whether small numbers are shifted to the top."""
        fmt = self.format
        return self.normal and (isinstance(fmt, Int) or (isinstance(fmt, Float) and fmt.subnormals))

    @property
    def least(self) -> int:
        """Exponent of the significand's lowest bit where `exponent` is 0."""
        fmt = self.format
        if isinstance(fmt, Codebook):
            return self._table.least
        if isinstance(fmt, Log):
            return exponents_of(fmt).start - self._places + 1
        if isinstance(fmt, Float):
            lowest = fmt.emin - fmt.man
        else:
            lowest = fmt.least_exponent - (self._places - 1) * isinstance(fmt, Posit)
        return lowest - (self._places - 1) * self._shifts

    @property
    def _range(self) -> int:
        """The largest exponent where there is one."""
        fmt = self.format
        if isinstance(fmt, Binary | Ternary):
            return 0
        if isinstance(fmt, Codebook):
            return self._table.most
        if isinstance(fmt, Log):
            return len(exponents_of(fmt)) - 1
        if isinstance(fmt, Int):
            return (self._places - 1) * self._shifts
        if isinstance(fmt, Posit):
            return 2 * (fmt.n - 2) << fmt.es
        return fmt.emax - fmt.emin + (self._places - 1) * self._shifts

    @cached_property
    def _table(self) -> SimpleNamespace:
        """Of a codebook: bits, least, most, and the parts of all codes. Unless they are to be
        normal, entries that fit into `TOGETHER` bits have one exponent."""
        values = self.format.decode(np.arange(1 << self.format.width)).astype(np.float64)
        some, above = values != 0, np.frexp(values)[1]  # values are below 2**above
        least, most = self.format.least_exponent, int(above[some].max())
        together = not self.normal and most - least <= TOGETHER
        whole = np.ldexp(np.abs(np.frexp(values[some])[0]), 53).astype(np.int64)
        longest = 54 - int((whole & -whole).min()).bit_length()
        bits = most - least if together else longest
        exponent = np.where(some, least if together else above - bits, most)
        lowest = int(exponent.min())
        return SimpleNamespace(
            bits=bits,
            least=lowest,
            most=int(exponent[some].max()) - lowest,
            sign=np.signbit(values).astype(int),
            exponent=np.where(some, exponent - lowest, 0),
            significand=np.ldexp(np.abs(values), -exponent).astype(int),
        )

    @property
    def signed(self) -> bool:
        """A codebook's minus zero has a sign, too."""
        if isinstance(self.format, Codebook):
            return bool(self._table.sign.any())
        return self.format.signed

    @property
    def has_nan(self) -> bool:
        fmt = self.format
        if isinstance(fmt, Int):
            return False
        return fmt.has_nan or (fmt.has_infinity and not self.infinities)

    @property
    def has_infinity(self) -> bool:
        return self.infinities and not isinstance(self.format, Int) and self.format.has_infinity

    @cached_property
    def layout(self) -> data.StructLayout:
        fields = {"significand": unsigned(self.bits)}
        if self.most:
            fields["exponent"] = range(self.most + 1)
        if self.signed:
            fields["sign"] = 1
        if self.has_nan:
            fields["nan"] = 1
        if self.has_infinity:
            fields["infinite"] = 1
        return data.StructLayout(fields)

    def golden(self, codes: ArrayLike) -> SimpleNamespace:
        """Arrays sign, exponent, significand (``int64``), nan and infinite (``bool``)."""
        values = self.format.decode(codes).astype(np.float64)
        infinite, nan = np.isinf(values), np.isnan(values)
        if not self.has_infinity:
            nan, infinite = nan | infinite, np.zeros_like(nan)
        size = np.where(np.isfinite(values), np.abs(values), 0.0)
        lowest = np.frexp(size)[1] - self.bits
        exponent = np.clip(lowest - self.least, 0, self.most) * (size > 0)
        significand = np.ldexp(size, -(exponent + self.least)).astype(np.int64)
        sign = np.signbit(values).astype(np.int64)
        return SimpleNamespace(
            sign=sign, exponent=exponent, significand=significand, nan=nan, infinite=infinite
        )

    def create(self) -> "PartsUnit":
        return PartsUnit(self)


class PartsUnit(wiring.Component):
    """Code to parts, combinational.

    Members
    -------
    i : In(format.width)
    o : Out(parameters.layout)
    """

    def __init__(self, parameters: Parts):
        self.parameters = parameters
        super().__init__({"i": In(parameters.format.width), "o": Out(parameters.layout)})

    def elaborate(self, platform):
        m = Module()
        parameters, fmt = self.parameters, self.parameters.format
        if isinstance(fmt, Int):
            parts = _int_parts(m, fmt, self.i)
        elif isinstance(fmt, Posit):
            parts = _posit_parts(m, fmt, self.i)
        elif isinstance(fmt, Float):
            parts = float_parts(fmt, self.i)
        else:
            parts = self._listed(m, fmt)
        significand, exponent = parts.significand, parts.exponent
        if parameters._shifts:
            moved, count = normalise(m, significand, "operand")
            base = exponent + (parameters.bits - 1)
            significand, exponent = moved, Mux(significand.any(), base - count, 0)
        if parameters.aligned:
            significand = significand << exponent
        m.d.comb += self.o.significand.eq(significand)
        if parameters.most:
            m.d.comb += self.o.exponent.eq(exponent)
        if parameters.signed:
            m.d.comb += self.o.sign.eq(parts.sign)
        if parameters.has_infinity:
            m.d.comb += [self.o.nan.eq(parts.nan), self.o.infinite.eq(parts.infinite)]
        elif parameters.has_nan:
            m.d.comb += self.o.nan.eq(parts.nan | parts.infinite)
        return m

    def _listed(self, m: Module, fmt: Binary | Ternary | Log | Codebook) -> SimpleNamespace:
        code, nan, exponent = self.i, Const(0, 1), Const(0, 1)
        if isinstance(fmt, Binary):
            sign, significand = ~code, Const(1, 1)
        elif isinstance(fmt, Ternary):
            sign, significand = code.all(), code[0]
        elif isinstance(fmt, Log):
            sign, exponent, significand, nan = log_parts(m, fmt, code)
        else:
            table, bits = self.parameters._table, self.parameters._places
            words = (table.exponent << 1 | table.sign) << bits | table.significand
            places = self.parameters._range.bit_length()
            word = rom(m, "table", words, bits + 1 + places, code)
            significand, sign, exponent = word[:bits], word[bits], word[bits + 1 :]
        return SimpleNamespace(
            sign=sign, exponent=exponent, significand=significand, nan=nan, infinite=Const(0, 1)
        )


def float_parts(fmt: Float, code: Value) -> SimpleNamespace:
    """Sign, exponent (0 with field 0 and 1), significand, nan, infinite of a float's code."""
    fraction, field, sign = code[: fmt.man], code[fmt.man : fmt.man + fmt.exp], code[-1]
    normal = field.any()
    if not fmt.subnormals:
        fraction = Mux(normal, fraction, 0)
    exponent = Mux(normal, field - 1, 0)[: fmt.exp]
    nan, infinite = Const(0, 1), Const(0, 1)
    if fmt.specials == "ieee":
        nan, infinite = field.all() & fraction.any(), field.all() & ~fraction.any()
    elif fmt.specials == "fn":
        nan = code[:-1].all()
    elif fmt.specials == "fnuz":
        nan = code == fmt.nan_code
    return SimpleNamespace(
        sign=sign,
        exponent=exponent,
        significand=Cat(fraction[: fmt.man], normal),
        nan=nan,
        infinite=infinite,
    )


def _int_parts(m: Module, fmt: Int, code: Value) -> SimpleNamespace:
    none = Const(0, 1)
    if not fmt.signed:
        return SimpleNamespace(sign=none, exponent=none, significand=code, nan=none, infinite=none)
    size = Signal(fmt.width, name="size")
    m.d.comb += size.eq(Mux(code[-1], -code, code))
    return SimpleNamespace(sign=code[-1], exponent=none, significand=size, nan=none, infinite=none)


def _posit_parts(m: Module, fmt: Posit, code: Value) -> SimpleNamespace:
    n, es = fmt.n, fmt.es
    sign, number = code[-1], Signal(name="number")
    body, marks = Signal(n - 1, name="body"), Signal(2 * (n - 1), name="marks")
    top = body[-1]
    m.d.comb += [
        number.eq(code[:-1].any()),
        body.eq(Mux(sign, -code, code)),
        marks.eq(Cat(top.replicate(n - 1), body ^ top.replicate(n - 1))),
    ]
    moved, run = normalise(m, marks, "regime", n - 1)  # the top bit ends the regime
    rest = Signal(n - 1, name="rest")
    regime = Signal(range(2 * (n - 2) + 1), name="regime")
    bits = max(n - 2 - es, 1)
    m.d.comb += [
        rest.eq((moved[:-1] ^ top.replicate(2 * n - 3))[-(n - 1) :]),
        regime.eq(Mux(top, run + (n - 3), (n - 2) - run)),
    ]
    exponent = Cat(rest[n - 1 - es :], regime)
    fraction = rest[n - 1 - es - (bits - 1) : n - 1 - es]
    return SimpleNamespace(
        sign=sign & number,
        exponent=Mux(number, exponent, 0),
        significand=Mux(number, Cat(fraction, 1), 0),
        nan=sign & ~number,
        infinite=Const(0, 1),
    )
