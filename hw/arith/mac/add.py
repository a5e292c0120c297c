"""The adder of the accumulator memory."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import ArrayLike, NDArray

from ...control.ops import shape_of
from ...formats import Accumulator, Fixed, Float, Int, Rounded, sums
from ...register import data_register
from .fixed import add
from .line import Line, partition
from .operand import float_parts
from .rounded import Fuse

PRODUCT = 2
"""Stages of a product."""


@dataclass(frozen=True)
class Add:
    """x + y of accumulator codes, one sum per cycle, `latency` cycles.

    `Int`: modulo. `Fixed`: wraps or saturates, no number if one of both is none. `Rounded`: the
    exact sum rounded once, to nearest even, or toward zero if the accumulator is.

    `stages` are those of the multiply-accumulates whose sums these are: all but the product's two
    are for the sum.
    """

    accumulator: Accumulator
    stages: int = 1

    def __post_init__(self):
        acc = self.accumulator
        if isinstance(acc, Rounded) and not isinstance(acc.format, Float):
            raise ValueError(f"Add of {acc.name}; it must be rounded to a Float")

    @property
    def latency(self) -> int:
        """1; of rounded sums 2, or 3 above 16 bits, or more with so many `stages`."""
        if not isinstance(self.accumulator, Rounded):
            return 1
        return max(2 + (self.accumulator.width > 16), self.stages - PRODUCT)

    @property
    def neutral(self) -> int:
        """The code that changes no sum: 0, or minus zero where there is one."""
        acc = self.accumulator
        signed_zero = isinstance(acc, Rounded) and acc.format.specials != "fnuz"
        return 1 << (acc.width - 1) if signed_zero else 0

    def golden(self, x: ArrayLike, y: ArrayLike) -> NDArray:
        """Codes of the sums."""
        stored = sums(self.accumulator)
        return stored.codes(stored.add(stored.raw(x), stored.raw(y)))

    def create(self) -> "AddUnit":
        return AddUnit(self)


class AddUnit(wiring.Component):
    """
    Members
    -------
    x, y : In(shape_of(accumulator))
    o : Out(shape_of(accumulator)), from a register, `latency` cycles later
    """

    def __init__(self, parameters: Add):
        self.parameters = parameters
        code = shape_of(parameters.accumulator)
        super().__init__({"x": In(code), "y": In(code), "o": Out(code)})

    def elaborate(self, platform):
        m = Module()
        acc = self.parameters.accumulator
        if isinstance(acc, Int):
            total = self.x + self.y
        elif isinstance(acc, Fixed):
            total = self._fixed(m, acc)
        else:
            total = self._rounded(m, acc)
        m.d.sync += data_register(m, self.o).eq(total)
        return m

    def _fixed(self, m: Module, acc: Fixed) -> Value:
        x, y, none = self.x, self.y, Const(0, 1)
        addend = [("xor", bit, 0, 0) for bit in Cat(y, y[-1], y[-1])]
        code, nan = Signal(acc.width), Signal()
        m.d.comb += [
            code.eq(add(m, acc, x, addend, none, none)),
            nan.eq((x == acc.nan_code) | (y == acc.nan_code)),
        ]
        kept = Cat(code[0] | (code == acc.nan_code), code[1:])
        return Mux(nan, acc.nan_code, kept)

    def _rounded(self, m: Module, acc: Rounded) -> Value:
        fmt = acc.format
        once = Rounded(fmt, "zero" if acc.rounding == "zero" else "rne")
        fuse = Fuse(once, fmt.man + 2, fmt.emin - fmt.man, (1 << fmt.exp) - 2)
        x = float_parts(fmt, self.x)
        number = {
            "size": Cat(x.significand, Const(0, 1)),
            "exponent": (x.exponent + fuse.ahead).as_signed(),
            "some": Const(1, 1),
            "sign": x.sign,
            "nan": x.nan,
            "infinite": x.infinite,
        }
        line = Line(m, partition(fuse.delays, self.parameters.latency))
        return fuse.build(m, line, number, self.y, None)
