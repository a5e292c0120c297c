"""A Verilated design with its memory in Python: what the C interfaces of all harnesses share."""

import ctypes
from ctypes import POINTER, Structure, c_char_p, c_double, c_uint8, c_uint32, c_uint64, c_void_p
from pathlib import Path

import numpy as np

HEADERS = tuple(Path(__file__).parent / name for name in ("harness.h", "memory.h"))
"""What the C++ of every harness includes."""


def clock_flags(times: int) -> tuple[str, ...]:
    """What tells a harness that there are `times` cycles of the array's clock in one of its own."""
    return (f"-DARRAY_CLOCK={times}",) if times > 1 else ()


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


class MemoryStatistics(Structure):
    """Mirror of `MemoryStatistics` in memory.h; counts since the simulation was made."""

    _fields_ = [
        (name, c_uint64) for name in ("read_requests", "read_words", "write_words", "errors")
    ]


_SHARED = {
    "destroy": (None, [c_void_p]),
    "reset": (None, [c_void_p]),
    "waves": (None, [c_void_p, c_char_p]),
    "memory": (POINTER(c_uint8), [c_void_p]),
    "violation": (c_char_p, [c_void_p]),
    "statistics": (POINTER(MemoryStatistics), [c_void_p]),
    "activity": (c_uint64, [c_void_p, POINTER(POINTER(c_uint64))]),
}


class Library:
    """What a harness's C interface made: its functions take a handle first, and `call` knows it.

    `signatures` are (result, arguments) of the functions without that handle, by their names
    without ``<prefix>_``; `create` is given `creation`, `destroy` is called at the end.
    """

    def __init__(self, library: Path, prefix: str, signatures: dict, *creation):
        loaded = ctypes.CDLL(str(library))
        self._functions = {}
        for name, (result, arguments) in signatures.items():
            function = getattr(loaded, f"{prefix}_{name}")
            function.restype, function.argtypes = result, arguments
            self._functions[name] = function
        self._handle = self._functions["create"](*creation)

    def call(self, name: str, *arguments):
        """Result of ``<prefix>_<name>(handle, *arguments)``."""
        return self._functions[name](self._handle, *arguments)

    def taken(self, name: str) -> bytes:
        """What a function (buffer, size) -> count of bytes gives, and forgets."""
        size = self.call(name, None, 0)
        buffer = ctypes.create_string_buffer(size + 1)
        self.call(name, buffer, size)
        return buffer.raw[:size]

    def close(self):
        """Free it."""
        if self._handle:
            self.call("destroy")
            self._handle = None

    def __del__(self):
        if getattr(self, "_handle", None):
            self.close()

    def violation(self) -> str:
        """What the design did that it must not, an assertion that fails too; empty if nothing."""
        return self.call("violation").decode()


class Simulation(Library):
    """One instance of a Verilated design with a memory.

    Parameters
    ----------
    library, prefix
        See :class:`Library`.
    signatures
        Of the functions that only this design has, `create` among them.
    options, memory_bytes
        What `create` is given, and how much memory that asks for.

    Attributes
    ----------
    memory : numpy array of bytes, the simulation's own
    """

    def __init__(
        self, library: Path, prefix: str, signatures: dict, options: Structure, memory_bytes: int
    ):
        super().__init__(library, prefix, _SHARED | signatures, options)
        if not self._handle:
            raise MemoryError(f"cannot map {memory_bytes} bytes for the simulated memory")
        self.memory = np.ctypeslib.as_array(self.call("memory"), shape=(memory_bytes,))

    def close(self):
        """Free it; its memory must not be used afterwards."""
        self.memory = None
        super().close()

    def reset(self):
        """Power-up state; the memory keeps its bytes."""
        self.call("reset")

    def waves(self, path: Path | str):
        """Reset, and write a VCD file from then on (libraries built with `trace` only)."""
        self.call("waves", str(path).encode())

    def statistics(self) -> dict[str, int]:
        """The memory's counters since the simulation was made."""
        counts = self.call("statistics").contents
        return {name: getattr(counts, name) for name, _ in MemoryStatistics._fields_}

    def activity(self) -> list[tuple[int, int]]:
        """(cycle, bits) of every change in the last run, where recorded."""
        first = POINTER(c_uint64)()
        count = self.call("activity", first)
        if not count:
            return []
        pairs = np.ctypeslib.as_array(first, shape=(2 * count,)).reshape(-1, 2)
        return [(int(cycle), int(bits)) for cycle, bits in pairs]
