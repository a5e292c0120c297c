"""The command set: one table from which checks, decoder, C header, assembler and docs derive.

A command is `funct` (7 bits) with two 64-bit operands, compatible with Gemmini's. What a command
*means* is in ``docs/semantics.md`` and, executable, in ``sim/machine``.
"""

from .codes import ErrorCode, Event
from .command import Command, assemble, disassemble, encode
from .local import GARBAGE, Local, float_bits
from .table import BY_FUNCT, BY_NAME, COMMANDS, GROUPS, RESPONDS, Field, Spec, supported

__all__ = [
    "BY_FUNCT",
    "BY_NAME",
    "COMMANDS",
    "GARBAGE",
    "GROUPS",
    "supported",
    "RESPONDS",
    "Command",
    "ErrorCode",
    "Event",
    "Field",
    "Local",
    "Spec",
    "assemble",
    "disassemble",
    "encode",
    "float_bits",
]
