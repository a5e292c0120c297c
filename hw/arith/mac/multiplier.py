"""Multipliers of significands: exact, or a user's own with its error statistics."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from amaranth.hdl import Cat, Module, Shape, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import ArrayLike, NDArray

from .rows import Rows

ROWS_BITS = 8
"""Significands up to this width are multiplied in LUTs, unless there is a multiplier given; wider
ones, and integers, by ``*``, which synthesis may put into a multiplier block."""

TABLE_BITS = 16
"""Bits of both operands of the largest truth table."""


@dataclass(frozen=True)
class Multiplier:
    """A product of one's own, the same in hardware and golden models.

    It sees unsigned significands (floats, posits), or the integers themselves where both operands
    are such. A product with 0 must be 0: idle places of the array hold zeros. In a float
    accumulator the product of two significands with their top bits set must have one of its two
    top bits set. Both are checked wherever a table is made.

    Parameters
    ----------
    name : str
    function : callable
        Two ``int64`` arrays to one; values beyond the product's width are taken modulo.
    component : callable, optional
        ``component(a_shape, b_shape, o_shape)`` gives a combinational component with members
        ``a, b : In`` and ``o : Out``. Without it the function's truth table becomes a ROM (at
        most `TABLE_BITS` bits of operands).
    """

    name: str
    function: Callable[[NDArray, NDArray], NDArray] = field(compare=False)
    component: Callable | None = field(default=None, compare=False)

    @classmethod
    def from_table(cls, name: str, table: ArrayLike, component: Callable | None = None):
        """From ``table[a][b]``; negative integers count from the end, as numpy's indices do."""
        table = np.asarray(table, np.int64)
        return cls(name, lambda a, b: table[a, b], component)

    def golden(self, a: ArrayLike, b: ArrayLike) -> NDArray[np.int64]:
        return np.asarray(self.function(np.asarray(a, np.int64), np.asarray(b, np.int64)), np.int64)

    def create(self, a: Shape, b: Shape, o: Shape, normal: bool) -> wiring.Component:
        """The component for operands of these shapes."""
        if self.component is not None:
            return self.component(a, b, o)
        return Table(self, a, b, o, normal)

    def table(self, a: Shape, b: Shape, o: Shape, normal: bool = False) -> NDArray[np.int64]:
        """Products by bit patterns, [a, b]; ValueError if it breaks the rules above."""
        if a.width + b.width > TABLE_BITS:
            raise ValueError(
                f"Multiplier {self.name} of {a.width} by {b.width} bits has no truth table; give "
                f"it a component, or at most {TABLE_BITS} bits"
            )
        x, y = np.meshgrid(_values(a), _values(b), indexing="ij")
        products = self.golden(x, y)
        wrong = (products != 0) & ((x == 0) | (y == 0))
        if wrong.any():
            raise ValueError(
                f"Multiplier {self.name} makes {products[wrong][0]} of {x[wrong][0]} and "
                f"{y[wrong][0]}; a product with 0 must be 0"
            )
        tops = (x >> (a.width - 1) & 1) & (y >> (b.width - 1) & 1)
        low = (tops == 1) & ((products < 1 << (o.width - 2)) | (products >= 1 << o.width))
        if normal and low.any():
            raise ValueError(
                f"Multiplier {self.name} makes {products[low][0]} of {x[low][0]} and {y[low][0]}; "
                f"a float accumulator needs at least {1 << (o.width - 2)}"
            )
        return products

    def errors(self, a: Shape, b: Shape, samples: int = 1 << 20) -> dict[str, float]:
        """How far it is from exact: ``mean`` and ``worst`` error, ``relative`` (mean of the
        relative errors of products that are not 0), ``rate`` (wrong products); over all
        operands of at most 8 by 8 bits, else over `samples` random ones."""
        a, b = Shape.cast(a), Shape.cast(b)
        if a.width <= 8 and b.width <= 8:
            x, y = (v.ravel() for v in np.meshgrid(_values(a), _values(b), indexing="ij"))
        else:
            rng = np.random.default_rng(0)
            x, y = (_values(s, rng.integers(0, 1 << s.width, samples)) for s in (a, b))
        error = (self.golden(x, y) - x * y).astype(np.float64)
        some = x * y != 0
        return {
            "mean": float(error.mean()),
            "worst": float(np.abs(error).max()),
            "relative": float((np.abs(error[some]) / np.abs(x * y)[some]).mean()),
            "rate": float((error != 0).mean()),
        }


def _values(shape: Shape, patterns: NDArray | None = None) -> NDArray[np.int64]:
    """The numbers that bit patterns stand for; by default all of them."""
    patterns = np.arange(1 << shape.width) if patterns is None else patterns
    patterns = patterns.astype(np.int64)
    if not shape.signed:
        return patterns
    return np.where(patterns >> (shape.width - 1), patterns - (1 << shape.width), patterns)


IN_LUTS = Multiplier("luts", np.multiply, Rows)
"""Exact, on carry chains: what a device without multiplier blocks to spare wants."""


class Table(wiring.Component):
    """A multiplier's truth table as a ROM, combinational.

    Members
    -------
    a, b : In
    o : Out
    """

    def __init__(self, multiplier: Multiplier, a: Shape, b: Shape, o: Shape, normal: bool):
        self.words = multiplier.table(a, b, o, normal).ravel() & ((1 << o.width) - 1)
        super().__init__({"a": In(a), "b": In(b), "o": Out(o)})

    def elaborate(self, platform):
        m = Module()
        words = [int(word) for word in self.words]
        rom = memory.Memory(shape=len(self.o), depth=len(words), init=words)
        m.submodules.rom = rom
        port = rom.read_port(domain="comb")
        m.d.comb += [port.addr.eq(Cat(self.b, self.a)), self.o.eq(port.data)]
        return m


def product_of(m: Module, multiplier, a: Value, b: Value, signed: bool, normal=False) -> Value:
    """The product as a signal: of integers if `signed`, else of unsigned significands."""
    if not signed:
        a, b = a[:], b[:]
    shape = (a * b).shape()
    product = Signal(shape, name="product")
    if multiplier is None and (signed or min(len(a), len(b)) > ROWS_BITS):
        m.d.comb += product.eq(a * b)
        return product
    unit = (multiplier or IN_LUTS).create(a.shape(), b.shape(), shape, normal)
    m.submodules.multiplier = unit
    m.d.comb += [unit.a.eq(a), unit.b.eq(b), product.eq(unit.o)]
    return product
