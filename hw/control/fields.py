"""Fields of a command as signals, taken from the one table in ``hw/isa``."""

from amaranth.hdl import Cat, Module

from ..config import Config
from ..isa import BY_NAME, RESPONDS, Local
from .ops import row_bits


def field(command, name: str, key: str):
    """The bits of field `key` of command `name` in a `CommandLayout` view."""
    spec = BY_NAME[name].field(key)
    operand = command.rs1 if spec.rs == 1 else command.rs2
    return operand[spec.lsb : spec.lsb + spec.width]


def near(config: Config, rows):
    """A count of rows, not negative, in one bit more than local rows need: what lies beyond both
    memories still does, and so does every sum with it (not what is subtracted from it)."""
    bits = row_bits(config)
    return Cat(rows[:bits], rows[bits:].any()) if len(rows) > bits + 1 else rows


class LocalView:
    """A 32-bit local address taken apart (isa.md, "Local addresses"); its row is a near one."""

    def __init__(self, config: Config, bits):
        self.garbage = bits.all()
        self.acc = bits[31]
        self.accumulate = bits[30]
        self.full = bits[29]
        self.norm = bits[Local.NORM_LSB : Local.NORM_LSB + 3]
        self.row = near(config, bits[: Local.ROW_BITS])


def funct(name: str) -> int:
    """Function code of a command."""
    return BY_NAME[name].funct


def responds(code):
    """Whether a command of function code `code` answers with a value."""
    return Cat(code == each for each in sorted(RESPONDS)).any()


def first_failure(m: Module, code, *checks):
    """Sets `code` to the error of the first condition that holds."""
    for condition, error in reversed(checks):
        with m.If(condition):
            m.d.comb += code.eq(error)
