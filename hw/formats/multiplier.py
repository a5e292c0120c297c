"""Multipliers of one's own, as numpy has them: a function or a table, its rules and its errors.

The hardware of the same multiplier is a component, or its truth table as a ROM
(`hw/arith/mac/multiplier.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .integer import Int

OPERAND_BITS = 22
"""Bits of both operands together up to which every product is checked and kept."""

SAMPLES = 1 << 20
"""Random pairs that :meth:`Multiplier.errors` takes where there are more than that many bits."""


class Products:
    """Every product of a multiplier: ``table[a, b]`` by bit patterns, ``int64`` operands.

    Two are equal if operands and digest are.
    """

    def __init__(self, operands: tuple[Int, Int], normal: bool, table: NDArray):
        self.operands, self.normal, self.table = operands, normal, table
        self.digest = sha256(np.ascontiguousarray(table, "<i4").tobytes()).hexdigest()[:16]

    def __call__(self, a: ArrayLike, b: ArrayLike) -> NDArray[np.int64]:
        rows, columns = self.table.shape
        a, b = np.asarray(a, np.int64), np.asarray(b, np.int64)
        return self.table[a & (rows - 1), b & (columns - 1)].astype(np.int64)

    @property
    def _identity(self):
        return self.operands, self.normal, self.digest

    def __eq__(self, other) -> bool:
        return isinstance(other, Products) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)


@dataclass(frozen=True, eq=False)
class TruthTable:
    """``table[a][b]`` as a function; negative integers count from the end, as numpy's indices."""

    table: NDArray[np.int64]

    def __call__(self, a: NDArray, b: NDArray) -> NDArray[np.int64]:
        return self.table[a, b]


@dataclass(frozen=True)
class Multiplier:
    """A product of one's own, the same in hardware and in every engine.

    It sees unsigned significands (floats, posits), or the integers themselves where both operands
    are such (:func:`.products.factors`). Three rules, checked over all pairs of operands:

    - a product with 0 is 0, because idle places of the array hold zeros;
    - products fit into the bits of both operands together;
    - in a rounded accumulator the product of two significands whose top bits are set has one of
      its two top bits set.

    Parameters
    ----------
    name : str
    function : callable
        Two ``int64`` arrays to one.
    component : callable, optional
        ``component(a_shape, b_shape, o_shape)`` gives a combinational component with members
        ``a, b : In`` and ``o : Out``. Without it the truth table becomes a ROM.
    products : Products, optional
        Every product for certain operands; :meth:`over` sets it, as a `Config` does with its own.
    """

    name: str
    function: Callable[[NDArray, NDArray], NDArray]
    component: Callable | None = None
    products: Products | None = field(default=None)

    @classmethod
    def from_table(cls, name: str, table: ArrayLike, component: Callable | None = None):
        """From ``table[a][b]``, by bit patterns of the operands."""
        table = np.asarray(table)
        if table.ndim != 2 or table.dtype.kind not in "iu":
            raise ValueError(
                f"the table of multiplier {name} is {table.dtype} of shape {table.shape}; it must "
                f"hold integers, table[a][b]"
            )
        return cls(name, TruthTable(table.astype(np.int64)), component)

    def __repr__(self) -> str:
        if self.products is None:
            return f"Multiplier({self.name!r})"
        a, b = (x.name for x in self.products.operands)
        normal = ", normal" * self.products.normal
        return f"Multiplier({self.name!r}, {a} x {b}{normal}, {self.products.digest})"

    def golden(self, a: ArrayLike, b: ArrayLike) -> NDArray[np.int64]:
        """Products of integers."""
        function = self.products or self.function
        return np.asarray(function(np.asarray(a, np.int64), np.asarray(b, np.int64)), np.int64)

    def over(self, a: Int, b: Int, normal: bool = False) -> "Multiplier":
        """Itself with all products of these operands; ValueError if it breaks a rule.

        With `normal`, operands are 0 or have their top bits set.
        """
        have = self.products
        if have and (have.operands, have.normal) == ((a, b), normal):
            return self
        made = Products((a, b), normal, self._checked(a, b, normal).astype(np.int32))
        return replace(self, products=made)

    def _checked(self, a: Int, b: Int, normal: bool) -> NDArray[np.int64]:
        if a.width + b.width > OPERAND_BITS:
            raise ValueError(
                f"multiplier {self.name} of {a.name} by {b.name} has 2^{a.width + b.width} "
                f"products; up to 2^{OPERAND_BITS} can be checked: narrower formats would do"
            )
        shape = 1 << a.width, 1 << b.width
        have = self.function.table.shape if isinstance(self.function, TruthTable) else shape
        if have != shape:
            raise ValueError(
                f"the table of multiplier {self.name} is {have[0]} x {have[1]}; {a.name} by "
                f"{b.name} needs {shape[0]} x {shape[1]}"
            )
        x, y = np.meshgrid(patterns(a), patterns(b), indexing="ij")
        products = np.asarray(self.function(x, y))
        if products.shape != shape or products.dtype.kind not in "iu":
            raise ValueError(
                f"multiplier {self.name} makes {products.dtype} of shape {products.shape}; it must "
                f"make integers of the operands' shape, {shape}"
            )
        products = products.astype(np.int64)
        if normal:
            products[~(_tops(x, a) & _tops(y, b))] = 0  # never seen
        self._refuse(x, y, products, (products != 0) & ((x == 0) | (y == 0)), "a product with 0", 0)
        limits = product_format(a, b)
        wide = (products < limits.min) | (products > limits.max)
        what = f"a product of {a.name} by {b.name}"
        self._refuse(x, y, products, wide, what, f"from {limits.min} to {limits.max}")
        if normal:
            least = 1 << (a.width + b.width - 2)
            low = (products < least) & _tops(x, a) & _tops(y, b)
            self._refuse(x, y, products, low, "for a rounded accumulator it", f"at least {least}")
        return products

    def _refuse(self, x, y, products, wrong: NDArray, what: str, wanted):
        if wrong.any():
            raise ValueError(
                f"multiplier {self.name} makes {products[wrong][0]} of {x[wrong][0]} and "
                f"{y[wrong][0]}; {what} must be {wanted}"
            )

    def errors(self, a: Int, b: Int, normal: bool = False) -> dict[str, float]:
        """How far it is from exact.

        `mean` error, `mean_absolute`, `worst` absolute, `relative` (mean of |error / product| where
        the product is not 0: MRED), `normalised` (mean absolute by the largest product: NMED),
        `rate` (share of wrong products), over `pairs` of operands; `exhaustive` if these are all,
        else random ones.
        """
        exhaustive = a.width + b.width <= OPERAND_BITS
        if exhaustive:
            x, y = (v.ravel() for v in np.meshgrid(patterns(a), patterns(b), indexing="ij"))
        else:
            rng = np.random.default_rng(0)
            x, y = (f.decode(rng.integers(0, 1 << f.width, SAMPLES)) for f in (a, b))
        if normal:
            seen = _tops(x, a) & _tops(y, b)
            x, y = x[seen], y[seen]
        product = x * y
        signed = np.asarray(self.function(x, y), np.int64) - product
        error = np.abs(signed).astype(np.float64)
        some = product != 0
        return {
            "mean": float(signed.mean()),
            "mean_absolute": float(error.mean()),
            "worst": float(error.max()),
            "relative": float((error[some] / np.abs(product)[some]).mean()),
            "normalised": float(error.mean() / np.abs(product).max()),
            "rate": float((error != 0).mean()),
            "pairs": len(x),
            "exhaustive": exhaustive,
        }


def patterns(fmt: Int) -> NDArray[np.int64]:
    """The integers of all bit patterns."""
    return fmt.decode(np.arange(1 << fmt.width))


def product_format(a: Int, b: Int) -> Int:
    """What a product has to fit into."""
    return Int(a.width + b.width, a.signed or b.signed)


def _tops(values: NDArray, fmt: Int) -> NDArray[np.bool_]:
    return values >> (fmt.width - 1) & 1 == 1
