"""An exact multiplier for FPGAs without a multiplier block: rows of the product, added in pairs.

One carry chain makes every pair; for 8 by 8 bits that is less than half the LUTs of what synthesis
makes of ``*``.
"""

from amaranth.hdl import Cat, Const, Module, Shape, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .chain import chain, plus


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
        a, b = (self.a, self.b) if len(self.a) >= len(self.b) else (self.b, self.a)
        minus = len(b) - 1 if b.shape().signed else None  # this row counts negative
        done, above = [], Const(0, 0)  # lowest bits of the product, and all others so far
        for k in range(0, len(b), 2):
            if k + 1 < len(b):
                term = Cat(a[0] & b[k], self._pair(m, a, b, k, k + 1 == minus))
                if k:
                    term = chain(m, f"sum{k}", plus(term, _wide(a, above, len(term))))
            elif k == 0 and minus is None:
                term = _wide(a, a[:] & b[0].replicate(len(a)), len(a) + 1)
            else:
                term = self._row(m, a, b[k], _wide(a, above, len(a) + 1), k == minus)
            done.append(term[:2])
            above = term[2:]
        product = Cat(*done, above)
        signed = a.shape().signed or b.shape().signed
        m.d.comb += self.o.eq(product.as_signed() if signed else product)
        return m

    @staticmethod
    def _pair(m: Module, a: Value, b: Value, k: int, minus: bool) -> Value:
        """a * (b[k] + 2 * b[k + 1]) but for its lowest bit, or a * (b[k] - 2 * b[k + 1])."""
        kind, wide = "nand" if minus else "and", _wide(a, a, len(a) + 2)
        columns = [(kind, wide[n], b[k + 1], wide[n + 1], b[k]) for n in range(len(a) + 1)]
        return chain(m, f"pair{k}", columns, int(minus))

    @staticmethod
    def _row(m: Module, a: Value, bit: Value, above: Value, minus: bool) -> Value:
        """above + a * bit, or above - a * bit."""
        kind, wide = "nand" if minus else "and", _wide(a, a, len(above))
        columns = [(kind, wide[n], bit, above[n], 1) for n in range(len(above))]
        return chain(m, "row", columns, int(minus))


def _wide(a: Value, value: Value, width: int) -> Value:
    """`value` as `width` bits, signed if a is."""
    sign = value[-1] if a.shape().signed and len(value) else Const(0, 1)
    return Cat(value, sign.replicate(width - len(value)))
