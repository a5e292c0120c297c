"""What every engine offers: the simulators, the Verilated RTL, the system, later a board.

An engine owns a byte memory and an accelerator. `run` sends commands and waits until the
accelerator is idle, so memory read afterwards holds the results.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

from hw.config import Config
from hw.isa import Command, ErrorCode
from sim.breakdown import Timing


class EngineError(RuntimeError):
    """An engine that cannot do what was asked; says what happened and what would help."""


class CommandTime(NamedTuple):
    """When a command was at work: `index` in the run's list (that of its loop, for those of a
    loop), `unit`, the cycle in which the unit took it and the one after its completion."""

    index: int
    unit: str
    start: int
    end: int


@dataclass
class Run:
    """What one `Engine.run` reports.

    Members
    -------
    cycles
        Clock cycles from the first command to idle; None where time is not modelled.
    error, error_index
        The error register afterwards: sticky over runs until an `error clear=1` command or
        `reset()`. The index counts commands since reset and is 0 without an error.
    responses
        Answers of the commands that respond (`error`, `counter`), in order.
    activity
        (unit, start cycle, end cycle) of every stretch in which a unit had work, where recorded.
    commands
        When every command was at work, where recorded.
    timing
        Where the cycles went, where known.
    """

    cycles: int | None = None
    error: ErrorCode = ErrorCode.NONE
    error_index: int = 0
    responses: list[int] = field(default_factory=list)
    activity: list[tuple[str, int, int]] = field(default_factory=list)
    commands: list[CommandTime] = field(default_factory=list)
    timing: Timing | None = None

    def check(self) -> "Run":
        """This run; raises EngineError if the error register is not empty."""
        if self.error is not ErrorCode.NONE:
            raise EngineError(
                f"command {self.error_index} since reset ended in {self.error.name}; "
                "docs/semantics.md lists the checks of every command"
            )
        return self


@runtime_checkable
class Engine(Protocol):
    """Memory addresses are [0, memory_bytes); whatever lies outside answers with a bus error."""

    config: Config
    memory_bytes: int

    def read(self, address: int, count: int) -> bytes:
        """`count` bytes from `address`; EngineError outside the memory."""

    def write(self, address: int, data: bytes) -> None:
        """Store bytes from `address` on; EngineError outside the memory."""

    def run(self, commands: Sequence[Command]) -> Run:
        """Execute `commands` to completion."""

    def reset(self) -> None:
        """Back to the state after power-up; the memory keeps its bytes."""


def check_memory_bytes(memory_bytes: int) -> int:
    """`memory_bytes` if an engine can have that much; whole words of the widest bus."""
    if not 0 < memory_bytes <= 1 << 32 or memory_bytes % 64:
        raise EngineError(
            f"memory_bytes is {memory_bytes}; it must be a multiple of 64 from 64 to 2^32"
        )
    return memory_bytes


MOST_WAITING = 100_000
"""Cycles of latency, or between two commands, that engines simulate at most."""


def check_surroundings(latency: int, bytes_per_cycle: float | None, command_gap: int) -> None:
    """Raise EngineError unless a memory and a host can be like this."""
    if not 1 <= latency <= MOST_WAITING:
        raise EngineError(
            f"latency is {latency}; it must be at least 1 cycle, at most {MOST_WAITING}"
        )
    if bytes_per_cycle is not None and not 0 < bytes_per_cycle <= 1 << 20:
        raise EngineError(f"bytes_per_cycle is {bytes_per_cycle}; it must be above 0, or None")
    if not 0 <= command_gap <= MOST_WAITING:
        raise EngineError(
            f"command_gap is {command_gap}; it must be from 0 to {MOST_WAITING} cycles"
        )


def check_range(memory_bytes: int, address: int, count: int) -> None:
    """Raise EngineError unless the bytes are inside the memory."""
    if address < 0 or count < 0 or address + count > memory_bytes:
        raise EngineError(
            f"bytes {address:#x} to {address + count:#x} are outside the memory of "
            f"{memory_bytes:#x} bytes; give the engine a larger memory_bytes"
        )
