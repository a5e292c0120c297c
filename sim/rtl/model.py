"""The Verilated accelerator's C interface in Python (ctypes mirror of engine.cpp)."""

from collections.abc import Sequence
from ctypes import POINTER, Structure, c_double, c_uint32, c_uint64, c_void_p
from pathlib import Path

import numpy as np

from hw.isa import Command
from sim.breakdown import BOUNDS, STATES, UNITS
from sim.rtl.build import Design, build_library
from sim.rtl.simulation import HEADERS, MemoryOptions, Simulation, clock_flags

HERE = Path(__file__).parent
STATES_HEADER = HERE.parent / "timing" / "states.h"
COMMAND = np.dtype([("funct", "<u8"), ("rs1", "<u8"), ("rs2", "<u8")])
"""One command of a batch."""
TIMES = np.dtype([(name, "<u8") for name in ("index", "unit", "dispatched", "issued", "done")])
"""What became of a dispatched command: index since reset, unit, and cycles."""


class Options(Structure):
    """Mirror of `Options` in engine.cpp."""

    _fields_ = [
        ("memory", MemoryOptions),
        ("command_stall", c_double),
        ("patience", c_uint64),
        ("cycle_limit", c_uint64),
        ("command_gap", c_uint32),
        ("record_activity", c_uint32),
    ]


class Outcome(Structure):
    """Mirror of `Outcome` in engine.cpp: how a run ended and what it took."""

    IDLE, NO_PROGRESS, CYCLE_LIMIT, VIOLATION = range(4)
    _fields_ = [
        *((name, c_uint64) for name in ("start_cycle", "cycles", "commands")),
        *((name, c_uint64) for name in ("load_cycles", "execute_cycles", "store_cycles")),
        ("states", c_uint64 * len(STATES) * len(UNITS)),
        ("bounds", c_uint64 * len(BOUNDS)),
        *((name, c_uint32) for name in ("ending", "error", "error_index", "accepted")),
        *((name, c_uint32) for name in ("busy", "reads_pending", "acks_pending")),
        ("command_waits", c_uint32),
    ]


def build_model(verilog: str, name: str, trace: bool = False, times: int = 1) -> Path:
    """The library of an accelerator given as `verilog` of ``Flat(accelerator, False, times)``."""
    headers, flags = (*HEADERS, STATES_HEADER), clock_flags(times)
    return build_library(Design(name, verilog, HERE / "engine.cpp", headers, (), flags, trace))


_SIGNATURES = {
    "create": (c_void_p, [POINTER(Options)]),
    "run": (None, [c_void_p, c_void_p, c_uint64, POINTER(Outcome)]),
    "responses": (c_uint64, [c_void_p, POINTER(POINTER(c_uint64))]),
    "times": (c_uint64, [c_void_p, POINTER(POINTER(c_uint64))]),
}


def as_batch(commands: Sequence[Command] | np.ndarray) -> np.ndarray:
    """Commands as an array of `COMMAND`."""
    if isinstance(commands, np.ndarray):
        return np.ascontiguousarray(commands, dtype=COMMAND)
    return np.array([(c.funct, c.rs1, c.rs2) for c in commands], dtype=COMMAND)


class Model(Simulation):
    """One instance of a Verilated accelerator with its memory."""

    def __init__(self, library: Path, options: Options):
        super().__init__(library, "engine", _SIGNATURES, options, options.memory.size)

    def run(self, commands: Sequence[Command] | np.ndarray) -> Outcome:
        """Send the commands and run until idle, or until something is wrong (`ending`)."""
        batch = as_batch(commands)
        outcome = Outcome()
        self.call("run", batch.ctypes.data, len(batch), outcome)
        return outcome

    def responses(self) -> list[int]:
        """Answers of the last run, in order."""
        first = POINTER(c_uint64)()
        count = self.call("responses", first)
        return [first[i] for i in range(count)]

    def times(self) -> np.ndarray:
        """`TIMES` of the commands dispatched in the last run, where recorded."""
        first = POINTER(c_uint64)()
        count = self.call("times", first)
        if not count:
            return np.zeros(0, TIMES)
        return np.ctypeslib.as_array(first, shape=(5 * count,)).copy().view(TIMES)
