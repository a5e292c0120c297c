"""Lists of commands in memory, as firmware carries them out, and what it says of each."""

import struct
from collections.abc import Callable, Sequence

from hw.isa import Command, ErrorCode
from sim.engine import Run

COMMAND_BYTES = 24
OUTCOME = struct.Struct("<4IQ")
"""``alh_outcome`` of runtime.h: commands answered, error, its index, 0, cycles."""


def pack_commands(commands: Sequence[Command]) -> bytes:
    """Commands as the firmware's ``alh_run`` reads them: funct, 0, rs1, rs2."""
    return b"".join(struct.pack("<IIQQ", c.funct, 0, c.rs1, c.rs2) for c in commands)


def run_in_batches(
    commands: Sequence[Command], most: int, run_batch: Callable[[Sequence[Command], Run], None]
) -> Run:
    """What `run_batch` adds up over lists of at most `most` commands; one if there are none."""
    commands, total = list(commands), Run(cycles=0)
    for start in range(0, max(len(commands), 1), most):
        run_batch(commands[start : start + most], total)
    return total


def add_outcome(total: Run, outcome: bytes, answers: Callable[[int], bytes]) -> None:
    """Add what one list came to; `answers` reads that many answers (4 bytes each)."""
    answered, error, index, _, cycles = OUTCOME.unpack(outcome)
    total.responses += struct.unpack(f"<{answered}I", answers(answered))
    total.error, total.error_index = ErrorCode(error), index
    total.cycles += cycles
