"""Addition whose bits are small functions: what fits the look-up table before every carry.

An ECP5 cell CCU2C (Lattice FPGA-TN-02200, section "Ripple mode") adds two bits, each behind a
look-up table of four inputs; synthesis uses two of them and puts any function of the operands
into a table of its own. Where the platform's device is an ECP5 the cells are instantiated, so that
rows of a product, or the last step of a shifter, cost nothing beyond the sum.
"""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Instance, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

KINDS = {
    "xor": (lambda a, b: a, lambda a, b, c, d: b ^ c),
    "and": (lambda a, b: a & b, lambda a, b, c, d: c & d),
    "nand": (lambda a, b: a & b ^ 1, lambda a, b, c, d: c & d),
    "mux": (lambda a, b: a, lambda a, b, c, d: (b & c) | ((b ^ 1) & d)),
}
"""The two addends of one place: a + (b ^ c); (a & b) or its inverse + (c & d); a + (b ? c : d).

The first may only depend on a and b, and the second is 0 where c and d are: with that a table
holds both the place's sum and the carry that it makes."""

Column = tuple[str, Value, Value, Value, Value]
"""Kind and inputs a, b, c, d of one place; integers 0 and 1 for what is constant."""


def device(platform) -> str:
    """Vendor's name of the platform's device, empty without a platform."""
    return str(getattr(platform, "device", ""))


class Chain(wiring.Component):
    """The sum of two addends bit by bit, and a carry, combinational; modulo 2**n for n columns.

    Members
    -------
    carry : In(1)
    a, b, c, d : In(n)
        Inputs of the columns, lowest first.
    o : Out(n)
    """

    def __init__(self, kinds: Sequence[str]):
        self.kinds = tuple(kinds)
        inputs = {name: In(len(self.kinds)) for name in "abcd"}
        super().__init__({"carry": In(1), **inputs, "o": Out(len(self.kinds))})

    def elaborate(self, platform):
        m = Module()
        if device(platform).startswith("LFE5"):
            self._cells(m)
            return m
        columns = [
            (x(a, b), y(a, b, c, d))
            for kind, a, b, c, d in zip(self.kinds, self.a, self.b, self.c, self.d, strict=True)
            for x, y in (KINDS[kind],)
        ]
        first, second = (Cat(*bits) for bits in zip(*columns, strict=True))
        m.d.comb += self.o.eq(first + second + self.carry)
        return m

    def _cells(self, m: Module):
        zero, one = Const(0, 1), Const(1, 1)
        places = []
        for n, kind in enumerate(self.kinds):
            d = one if kind == "xor" else self.d[n]
            places.append((table(kind), self.a[n], self.b[n], self.c[n], d, self.o[n]))
        if len(places) % 2:
            places.append((0, zero, zero, zero, zero, Signal(name="above")))
        carry = self.carry
        for n in range(0, len(places), 2):
            ports = {"i_CIN": carry}
            if n + 2 < len(places):
                carry = Signal(name=f"carry{n}")
                ports["o_COUT"] = carry
            for k, (init, a, b, c, d, o) in enumerate(places[n : n + 2]):
                ports |= {f"p_INIT{k}": Const(init, 16), f"p_INJECT1_{k}": "NO", f"o_S{k}": o}
                ports |= {f"i_{x}{k}": v for x, v in zip("ABCD", (a, b, c, d), strict=True)}
            m.submodules[f"cell{n}"] = Instance("CCU2C", **ports)


def table(kind: str) -> int:
    """A place's table: the sum of both addends, and the first alone where c and d are 0."""
    x, y = KINDS[kind]
    init = 0
    for n in range(16):
        a, b, c, d = (n >> k & 1 for k in range(4))
        init |= (x(a, b) ^ (y(a, b, c, d) if c | d else 0)) << n
    return init


def chain(m: Module, name: str, columns: Sequence[Column], carry: Value | int = 0) -> Value:
    """The sum of `columns` as a signal; adds submodule `name`."""
    unit = Chain([kind for kind, *_ in columns])
    m.submodules[name] = unit
    m.d.comb += unit.carry.eq(carry)
    for k, port in enumerate((unit.a, unit.b, unit.c, unit.d)):
        bits = (column[k + 1] for column in columns)
        m.d.comb += port.eq(Cat(Const(v, 1) if isinstance(v, int) else v for v in bits))
    return unit.o


def plus(a: Value, b: Value) -> list[Column]:
    """Columns of a + b, as wide as the wider one; both unsigned or of one width."""
    width = max(len(a), len(b))
    return [("xor", _bit(a, n), _bit(b, n), 0, 0) for n in range(width)]


def _bit(value: Value, n: int):
    return value[n] if n < len(value) else 0
