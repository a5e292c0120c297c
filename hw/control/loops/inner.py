"""The commands that a loop stands for, on their way to the decoder."""

from amaranth.hdl import Cat, Const
from amaranth.lib import data

from ...isa import BY_NAME, Local
from ..fields import field
from ..ops import INDEX_BITS, CommandLayout


class Numbered(data.StructLayout):
    """A command with its index; those of a loop carry the loop's."""

    def __init__(self):
        super().__init__({"command": CommandLayout(), "index": INDEX_BITS})


class Inner(data.StructLayout):
    """A command of loop number `parity` (modulo 2); `free`: it takes no place in a unit's queue."""

    def __init__(self):
        super().__init__({"command": CommandLayout(), "free": 1, "parity": 1})


def local_address(row, acc=0, accumulate=0, full=0, norm=0):
    """A local address from its parts (amaranth values)."""
    row = Cat(row, Const(0, Local.ROW_BITS - len(row)))
    return Cat(row, _bits(norm, 3), _bits(full), _bits(accumulate), _bits(acc))


def _bits(value, width: int = 1):
    return Const(value, width) if isinstance(value, int) else value


def fill(command, name: str, **values):
    """Statements that make `command` the command `name`; fields that are not given stay 0."""
    spec = BY_NAME[name]
    statements = [command.funct.eq(spec.funct)]
    if spec.select is not None:
        statements.append(command.rs1[:2].eq(spec.select))
    statements += [field(command, name, key).eq(value) for key, value in values.items()]
    return statements
