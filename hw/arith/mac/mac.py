"""The multiply-accumulate of a processing element, for any formats."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import ArrayLike, NDArray

from ...control.ops import shape_of
from ...formats import Fixed, Float, Format, Int, Rounded, aligns, integral, unfit
from ..widen import Widen
from .fixed import FixedEnter, FixedLeave, FixedMac, Place, sum_layout
from .golden import golden
from .integer import IntMac
from .multiplier import Multiplier
from .operand import Parts, Whole
from .pair import PairMac
from .rounded import Fuse, RoundedMac


@dataclass(frozen=True)
class Mac:
    """sum + input · weight, one per cycle, `stages` cycles.

    Operands arrive taken apart (`decode_input`, `decode_weight`, once per lane of the array); the
    sum joins `before` cycles later and leaves `hop` cycles after that. Integer and fixed-point
    sums always hop in one cycle; of a rounded one, stages lie where they balance the delays.

    Integer sums wrap. A fixed-point sum (docs/numbers.md) is an integer in units, full range when
    it wraps, with a flag `nan` if an operand's format has codes that are no numbers. A rounded
    sum travels as its code.

    Parameters
    ----------
    input, weight : Format
        As :func:`hw.formats.unfit` allows.
    sum : Int (both operands must be integers), Fixed or Rounded to a Float
    stages : int
        1 to 8.
    multiplier : Multiplier, optional
        In place of the exact product.
    aligned : bool
        Of integers or floats in fixed point: operands travel as magnitudes in fixed point of their
        own, at most 18 bits, and one multiplication makes a product that needs no shift.
    """

    input: Format
    weight: Format
    sum: Int | Fixed | Rounded
    stages: int = 1
    multiplier: Multiplier | None = None
    aligned: bool = False

    def __post_init__(self):
        for name in ("input", "weight"):
            fmt = getattr(self, name)
            what = unfit(fmt, weight=name == "weight")
            if what:
                raise ValueError(f"Mac.{name} is {fmt!r}; it must be {what}")
        if not isinstance(self.sum, Int | Fixed | Rounded):
            raise ValueError(f"Mac.sum is {self.sum!r}; it must be an Int, a Fixed or a Rounded")
        both = integral(self.input) and integral(self.weight)
        if isinstance(self.sum, Int) and not both:
            raise ValueError(
                f"Mac.sum is {self.sum.name}; products of {self.input.name} and "
                f"{self.weight.name} need a Fixed or a Rounded"
            )
        if isinstance(self.sum, Rounded) and not isinstance(self.sum.format, Float):
            raise ValueError(
                f"Mac.sum is rounded to {self.sum.format.name}; only a Float, or a Fixed such as "
                f"{Fixed.exact(self.input, self.weight, 256).name}, is summed in hardware"
            )
        if not isinstance(self.stages, int) or not 1 <= self.stages <= 8:
            raise ValueError(f"Mac.stages is {self.stages!r}; it must be an integer from 1 to 8")
        formats = self.input, self.weight
        if self.aligned and not (aligns(*formats, self.sum) and self.multiplier is None):
            raise ValueError(
                f"Mac.aligned is True; {' and '.join(fmt.name for fmt in formats)} in "
                f"{self.sum.name} have no such product"
            )

    # How operands and sums travel

    @cached_property
    def whole(self) -> bool:
        """Operands travel as integers."""
        if isinstance(self.sum, Int):
            return True
        if isinstance(self.sum, Rounded) or not (integral(self.input) and integral(self.weight)):
            return False
        return self.sum.lsb <= 0

    @cached_property
    def operands(self) -> tuple[Whole | Parts, Whole | Parts]:
        """How input and weight are taken apart."""
        if self.whole:
            return Whole(self.input), Whole(self.weight)
        normal = isinstance(self.sum, Rounded)
        both = self.input, self.weight
        return tuple(Parts(fmt, normal, normal, self.aligned) for fmt in both)

    @property
    def input_layout(self):
        return self.operands[0].layout

    @property
    def weight_layout(self):
        return self.operands[1].layout

    @property
    def has_nan(self) -> bool:
        """A fixed-point sum carries the flag."""
        return (
            isinstance(self.sum, Fixed) and not self.whole and any(o.has_nan for o in self.operands)
        )

    @property
    def sum_layout(self):
        if isinstance(self.sum, Fixed):
            return sum_layout(self.sum, self.has_nan)
        return shape_of(self.sum)

    # Latencies

    @property
    def before(self) -> int:
        """Cycles from the operands to where the sum joins."""
        return self.stages - self.hop

    @property
    def hop(self) -> int:
        """Cycles from `sum_in` to `sum_out`."""
        if not isinstance(self.sum, Rounded):
            return 1
        return 1 + sum(RoundedMac.counts(self)[2:])

    # What the units need

    @property
    def bits(self) -> tuple[int, int]:
        """Bits of the two factors."""
        if self.whole:
            return self.input_layout.width, self.weight_layout.width
        return self.operands[0].bits, self.operands[1].bits

    def _product(self) -> dict:
        a, w = self.operands
        return {"bits": a.bits + w.bits, "least": a.least + w.least, "most": a.most + w.most}

    @property
    def place(self) -> Place:
        """Where a product goes in a fixed-point sum."""
        return Place(**self._product(), fixed=self.sum)

    @property
    def fuse(self) -> Fuse:
        """How a product joins a rounded sum."""
        return Fuse(sum=self.sum, **self._product())

    # Both views

    def golden(
        self, a_codes: ArrayLike, w_codes: ArrayLike, sums: ArrayLike, random: ArrayLike = 0
    ) -> NDArray:
        """Bit patterns of `sum_layout` (``uint64``, or Python integers beyond 64 bits) for codes,
        bit patterns of sums, and the integers of stochastic rounding."""
        return golden(self, a_codes, w_codes, sums, random)

    def create(self, hold: bool = False) -> wiring.Component:
        """The unit.

        Members
        -------
        input : In(input_layout)
        weight : In(weight_layout)
        sum_in : In(sum_layout)
            `before` cycles behind its operands.
        random : In(sum.bits), with `sum_in`
            If the sum is rounded stochastically.
        hold : In(1), if asked for
            `sum_out` keeps its value; only if `hop` is 1.
        sum_out : Out(sum_layout)
            From a register, `hop` cycles behind `sum_in`.
        """
        if hold and (self.hop > 1 or isinstance(self.sum, Rounded)):
            raise ValueError(f"no hold with {self.sum.name}; an Int or a Fixed sum holds")
        members = {
            "input": In(self.input_layout),
            "weight": In(self.weight_layout),
            "sum_in": In(self.sum_layout),
            "sum_out": Out(self.sum_layout),
        }
        if hold:
            members["hold"] = In(1)
        if isinstance(self.sum, Rounded):
            if self.sum.bits:
                members["random"] = In(self.sum.bits)
            return RoundedMac(self, members)
        return (FixedMac if isinstance(self.sum, Fixed) else IntMac)(self, members)

    def create_pair(self) -> wiring.Component:
        """Two units with one input and one multiplier, see :class:`.pair.PairMac`; integers."""
        return PairMac(self)

    def decode_input(self) -> wiring.Component:
        """Input code `i` to operand `o`, combinational."""
        return self.operands[0].create()

    def decode_weight(self) -> wiring.Component:
        """Weight code `i` to operand `o`, combinational."""
        return self.operands[1].create()

    def enter(self) -> wiring.Component:
        """Input code `i` to sum `o`, combinational."""
        if isinstance(self.sum, Fixed):
            return FixedEnter(self.input, self.sum, self.sum_layout)
        return Widen(self.input, self.sum).create()

    def leave(self) -> wiring.Component:
        """Sum `i` to accumulator code `o`, combinational."""
        if isinstance(self.sum, Fixed):
            return FixedLeave(self.sum, self.sum_layout)
        return Widen(self.sum, self.sum).create() if isinstance(self.sum, Int) else _Wire(self.sum)


class _Wire(wiring.Component):
    """Members: i : In(code); o : Out(code)."""

    def __init__(self, fmt: Rounded):
        super().__init__({"i": In(shape_of(fmt)), "o": Out(shape_of(fmt))})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(self.i)
        return m


def leaves(mac: Mac, sums: ArrayLike) -> NDArray:
    """Accumulator codes of bit patterns of sums, the golden model of :meth:`Mac.leave`."""
    sums = np.asarray(sums)
    if not isinstance(mac.sum, Fixed):
        return sums
    width = mac.sum.width
    number = sums.astype(object) % (1 << width)
    nan = (sums.astype(object) >> width) % 2 == 1
    kept = np.where((number == mac.sum.nan_code), number + 1, number)
    codes = np.where(nan, mac.sum.nan_code, kept)
    return codes.astype(np.uint64) if width <= 64 else codes
