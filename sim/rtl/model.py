"""The Verilated accelerator's C interface in Python (ctypes mirror of engine.cpp)."""

import ctypes
from collections.abc import Sequence
from ctypes import POINTER, Structure, c_char_p, c_double, c_uint8, c_uint32, c_uint64, c_void_p
from pathlib import Path

import numpy as np

from hw.isa import Command
from sim.rtl.build import Design, build_library

HERE = Path(__file__).parent
COMMAND = np.dtype([("funct", "<u8"), ("rs1", "<u8"), ("rs2", "<u8")])
"""One command of a batch."""


class MemoryOptions(Structure):
    """Mirror of `MemoryOptions` in memory.h."""

    _fields_ = [
        ("size", c_uint64),
        ("seed", c_uint64),
        ("bytes_per_cycle", c_double),
        ("stall", c_double * 4),
        ("word_bytes", c_uint32),
        ("latency", c_uint32),
        ("max_outstanding", c_uint32),
        ("hole", c_uint64 * 2),
    ]


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
        *((name, c_uint32) for name in ("ending", "error", "error_index", "accepted")),
        *((name, c_uint32) for name in ("busy", "reads_pending", "acks_pending")),
        ("command_waits", c_uint32),
    ]


class MemoryStatistics(Structure):
    """Mirror of `MemoryStatistics` in memory.h; counts since the engine was made."""

    _fields_ = [
        (name, c_uint64) for name in ("read_requests", "read_words", "write_words", "errors")
    ]


def build_model(verilog: str, name: str, trace: bool = False) -> Path:
    """The library of an accelerator given as `verilog` of ``Flat(accelerator, reset=False)``."""
    harness, headers = HERE / "engine.cpp", (HERE / "memory.h",)
    return build_library(Design(name, verilog, harness, headers, trace=trace))


_SIGNATURES = {
    "create": (c_void_p, [POINTER(Options)]),
    "destroy": (None, [c_void_p]),
    "reset": (None, [c_void_p]),
    "waves": (None, [c_void_p, c_char_p]),
    "memory": (POINTER(c_uint8), [c_void_p]),
    "violation": (c_char_p, [c_void_p]),
    "run": (None, [c_void_p, c_void_p, c_uint64, POINTER(Outcome)]),
    "statistics": (POINTER(MemoryStatistics), [c_void_p]),
    "responses": (c_uint64, [c_void_p, POINTER(POINTER(c_uint64))]),
    "activity": (c_uint64, [c_void_p, POINTER(POINTER(c_uint64))]),
}


def as_batch(commands: Sequence[Command] | np.ndarray) -> np.ndarray:
    """Commands as an array of `COMMAND`."""
    if isinstance(commands, np.ndarray):
        return np.ascontiguousarray(commands, dtype=COMMAND)
    return np.array([(c.funct, c.rs1, c.rs2) for c in commands], dtype=COMMAND)


class Model:
    """One instance of a Verilated accelerator with its memory.

    Attributes
    ----------
    memory : numpy array of bytes, the model's own
    """

    def __init__(self, library: Path, options: Options):
        self._library = ctypes.CDLL(str(library))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(self._library, f"engine_{name}")
            function.restype, function.argtypes = result, arguments
            setattr(self, f"_{name}", function)
        self._handle = self._create(options)
        if not self._handle:
            raise MemoryError(f"cannot map {options.memory.size} bytes for the model's memory")
        size = options.memory.size
        self.memory = np.ctypeslib.as_array(self._memory(self._handle), shape=(size,))

    def close(self):
        """Free the model; its memory must not be used afterwards."""
        if self._handle:
            self.memory = None
            self._destroy(self._handle)
            self._handle = None

    def __del__(self):
        if getattr(self, "_handle", None):
            self.close()

    def reset(self):
        """Power-up state; the memory keeps its bytes."""
        self._reset(self._handle)

    def waves(self, path: Path):
        """Write a VCD file from now on (libraries built with `trace` only)."""
        self._waves(self._handle, str(path).encode())

    def run(self, commands: Sequence[Command] | np.ndarray) -> Outcome:
        """Send the commands and run until idle, or until something is wrong (`ending`)."""
        batch = as_batch(commands)
        outcome = Outcome()
        self._run(self._handle, batch.ctypes.data, len(batch), outcome)
        return outcome

    def violation(self) -> str:
        """What the accelerator did that a memory port forbids; empty if nothing."""
        return self._violation(self._handle).decode()

    def statistics(self) -> dict[str, int]:
        """The memory's counters since the model was made."""
        counts = self._statistics(self._handle).contents
        return {name: getattr(counts, name) for name, _ in MemoryStatistics._fields_}

    def responses(self) -> list[int]:
        """Answers of the last run, in order."""
        first = POINTER(c_uint64)()
        count = self._responses(self._handle, first)
        return [first[i] for i in range(count)]

    def activity(self) -> list[tuple[int, int]]:
        """(cycle, busy bits) of every change in the last run, where recorded."""
        first = POINTER(c_uint64)()
        count = self._activity(self._handle, first)
        if not count:
            return []
        pairs = np.ctypeslib.as_array(first, shape=(2 * count,)).reshape(-1, 2)
        return [(int(cycle), int(bits)) for cycle, bits in pairs]
