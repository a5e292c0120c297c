"""What arithmetic on floating-point numbers is made of: layout, shifts and roundings.

Every function adds combinational logic to a module and returns values; `name` is the prefix of
the signals that it makes.
"""

from amaranth.hdl import Cat, Const, Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import data


class Number(data.StructLayout):
    """``(-1)**sign * significand * 2**(exponent - bits + 1)`` with `bits` of significand.

    The top bit of the significand is 1, or all of it is 0 and the number is zero; where `nan` or
    `infinite` is set, exponent and significand mean nothing. A number without specials has neither
    field.
    """

    def __init__(self, exponent: ShapeLike, bits: int, specials: bool = True):
        fields = {"sign": 1, "exponent": exponent, "significand": bits}
        super().__init__(fields | ({"nan": 1, "infinite": 1} if specials else {}))
        self.bits = bits
        self.specials = specials


def normalise(
    m: Module, bits: Value, name: str, most: int | None = None, fill: Value | None = None
) -> tuple[Value, Value]:
    """`bits` shifted left until the top bit is 1, and by how many places.

    At most `most` leading zeros are looked for (by default all); a zero may be shifted further
    than its width, its count means nothing. What moves in is `fill` (0): if that is 1, a zero's
    count is its width, `most` willing.
    """
    width = len(bits)
    most = width - 1 if most is None else min(most, width)
    count = []
    fill = Const(0, 1) if fill is None else fill
    for step in (1 << k for k in reversed(range(most.bit_length()))):
        empty, moved = Signal(name=f"{name}_empty{step}"), Signal(width, name=f"{name}_by{step}")
        m.d.comb += [
            empty.eq(~bits[max(width - step, 0) :].any()),
            moved.eq(Mux(empty, Cat(fill.replicate(step), bits), bits)),
        ]
        bits = moved
        count.insert(0, empty)
    return bits, Cat(count) if count else Const(0, 1)


def shift_left(m: Module, bits: Value, amount: Value, width: int, name: str) -> Value:
    """`bits` shifted left by `amount` (unsigned), the `width` lowest bits of it."""
    for k in reversed(range(len(amount))):
        step = min(1 << k, width)
        moved = Signal(width, name=f"{name}_by{1 << k}")
        m.d.comb += moved.eq(Mux(amount[k], Cat(Const(0, step), bits), bits))
        bits = moved
    return bits


def shift_right(
    m: Module, bits: Value, amount: Value, name: str, fill: Value | None = None
) -> tuple[Value, Value]:
    """`bits` shifted right by `amount` (unsigned, any size), and whether a 1 fell off.

    What moves in is `fill` (0).
    """
    width, lost = len(bits), Const(0)
    fill = Const(0, 1) if fill is None else fill
    if 1 << len(amount) > 2 * width:  # the highest bits of the amount do the same
        limit = Signal(range(width + 1), name=f"{name}_amount")
        m.d.comb += limit.eq(Mux(amount > width, width, amount))
        amount = limit
    for k in range(len(amount)):
        step = 1 << k
        moved, dropped = Signal(width, name=f"{name}_by{step}"), Signal(name=f"{name}_lost{step}")
        m.d.comb += [
            moved.eq(Mux(amount[k], Cat(bits[step:], fill.replicate(min(step, width))), bits)),
            dropped.eq(lost | (amount[k] & bits[:step].any())),
        ]
        bits, lost = moved, dropped
    return bits, lost


def increments(rounding: str, odd: Value, tail: Value, random: Value | None = None) -> Value:
    """Whether a magnitude rounds up: `tail` are the bits below the last one kept, `odd` that one.

    As :func:`hw.formats.rounding.rounded`: ``rne``, ``zero``, or ``stochastic`` with `random` (the
    tail then has at least as many bits, of which the highest count).
    """
    if rounding == "zero":
        return Const(0, 1)
    if rounding == "rne":
        return tail[-1] & (odd | tail[:-1].any())
    total = tail[-len(random) :] + random
    return total[-1]
