"""A product in a device's multiplier block, with the block's own registers."""

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Shape, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .chain import device
from .line import partition

ECP5_BITS = 18
"""Of an operand of MULT18X18D."""


STEPS = (6.0, 4.0)
"""Delays of a product as one step, and of a sum."""


def partition_block(stages: int) -> tuple[int, int]:
    """Registers before a product and before the sum, as :func:`.line.partition`: with three stages
    or more those of the block are among them. The next is behind the block, whose place is given,
    the next before it."""
    if stages < 3:
        return partition(STEPS, stages)
    return (stages - 1) // 2, stages // 2


def has_block(platform, a: Value, b: Value) -> bool:
    """Whether the platform's device has a block for operands like these that we know."""
    return device(platform).startswith("LFE5") and max(len(a), len(b)) <= ECP5_BITS


class BlockProduct(wiring.Component):
    """a·b two cycles later: registers before and behind the multiplier, none outside.

    Operands stand at the upper ends of the block's: what lies below is zero, and nothing is
    extended (wires of a sign to ten places hinder routing). See Lattice FPGA-TN-02205.

    Members
    -------
    a, b : In
    o : Out, of both shapes' product
    """

    def __init__(self, a: Shape, b: Shape):
        product = Shape(a.width + b.width, a.signed or b.signed)
        super().__init__({"a": In(a), "b": In(b), "o": Out(product)})

    def elaborate(self, platform):
        m = Module()
        product = Signal(2 * ECP5_BITS)
        ports = {f"o_P{n}": product[n] for n in range(len(product))}
        for name, value in (("A", self.a), ("B", self.b)):
            full = Cat(Const(0, ECP5_BITS - len(value)), value)
            ports |= {f"i_{name}{n}": full[n] for n in range(ECP5_BITS)}
            ports |= {
                f"i_SIGNED{name}": Const(value.shape().signed, 1),
                f"i_SOURCE{name}": Const(0, 1),
            }
            ports |= {f"p_REG_INPUT{name}_CLK": "CLK0"}
        m.submodules.block = Instance(
            "MULT18X18D",
            p_REG_OUTPUT_CLK="CLK0",
            i_CLK0=ClockSignal(),
            i_CE0=Const(1, 1),
            i_RST0=Const(0, 1),
            **ports,
        )
        m.d.comb += self.o.eq(product[-len(self.o) :])
        return m


def block_product(m: Module, a: Value, b: Value) -> Value:
    """The product of two cycles before as a signal."""
    m.submodules.product = unit = BlockProduct(a.shape(), b.shape())
    m.d.comb += [unit.a.eq(a), unit.b.eq(b)]
    return unit.o
