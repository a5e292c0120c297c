"""An exact multiplier for FPGAs without a multiplier block: rows of the product, added in pairs.

One carry chain makes every pair, others add neighbours until one is left; for 8 by 8 bits that is
less than half the LUTs of what synthesis makes of ``*``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from amaranth.hdl import Cat, Const, Module, Shape, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .chain import chain, plus


@dataclass(frozen=True)
class Term:
    """The product of a and `bits` neighbouring bits of b, signed as a is.

    A last bit without a neighbour is not a sum yet (`lone`): `value` is a and the bit, and the
    next addition takes their product with it. In two's complement it counts negative (`minus`).
    """

    value: Value
    bits: int
    signed: bool
    lone: bool = False
    minus: bool = False


def levels(a: Shape, b: Shape) -> int:
    """Additions one after another behind those that make the pairs."""
    return ((min(a.width, b.width) + 1) // 2 - 1).bit_length()


def tree(
    m: Module, a: Value, b: Value, cut: Callable[[list[Value]], Sequence[Value]] = list
) -> Value:
    """a · b. Before each of the :func:`levels`, `cut` gives what is to be added as it is when the
    level sees it: later, if there are registers."""
    signed = a.shape().signed or b.shape().signed
    terms = _pairs(m, *((a, b) if len(a) >= len(b) else (b, a)))
    level = 0
    while len(terms) > 1:
        values = cut([term.value for term in terms])
        terms = [replace(term, value=v) for term, v in zip(terms, values, strict=True)]
        both = [terms[n : n + 2] for n in range(0, len(terms), 2)]
        terms = [_joined(m, f"sum{level}_{n}", *pair) for n, pair in enumerate(both)]
        level += 1
    product = terms[0]
    if product.lone:
        product = _joined(m, "row", Term(Const(0, 0), 0, False), product)
    return product.value.as_signed() if signed else product.value


def _pairs(m: Module, a: Value, b: Value) -> list[Term]:
    """a times every two bits of b."""
    terms, signed, wide = [], a.shape().signed, _wide(a, len(a) + 2, a.shape().signed)
    for k in range(0, len(b), 2):
        minus = b.shape().signed and k + 2 >= len(b)
        if k + 1 == len(b):
            terms.append(Term(Cat(a, b[k]), 1, signed, True, minus))
            continue
        kind = "nand" if minus else "and"
        columns = [(kind, wide[n], b[k + 1], wide[n + 1], b[k]) for n in range(len(a) + 1)]
        total = chain(m, f"pair{k}", columns, int(minus))
        terms.append(Term(Cat(a[0] & b[k], total), 2, signed))
    return terms


def _joined(m: Module, name: str, low: Term, high: Term | None = None) -> Term:
    """Two neighbours; one without a neighbour stays."""
    if high is None:
        return low
    above = low.value[low.bits :]
    if high.lone:
        a, bit = high.value[:-1], high.value[-1]
        wide, above = (_wide(v, len(a) + 1, high.signed) for v in (a, above))
        kind = "nand" if high.minus else "and"
        columns = [(kind, x, bit, y, 1) for x, y in zip(wide, above, strict=True)]
    else:
        columns = plus(high.value, _wide(above, len(high.value), high.signed))
    total = chain(m, name, columns, int(high.lone and high.minus))
    return Term(Cat(low.value[: low.bits], total), low.bits + high.bits, high.signed)


def _wide(value: Value, width: int, signed: bool) -> Value:
    sign = value[-1] if signed and len(value) else Const(0, 1)
    return Cat(value, sign.replicate(width - len(value)))


class Rows(wiring.Component):
    """The product of integers, combinational.

    Members
    -------
    a, b : In
    o : Out
    """

    def __init__(self, a: Shape, b: Shape, o: Shape):
        super().__init__({"a": In(a), "b": In(b), "o": Out(o)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(tree(m, self.a, self.b))
        return m
