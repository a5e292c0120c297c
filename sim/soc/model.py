"""The Verilated system in Python: firmware in, console, exit code and cycles out."""

import ctypes
from ctypes import POINTER, Structure, c_char_p, c_uint8, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hw.config import Config
from hw.soc.cpu import verilog_file
from hw.soc.map import FIRMWARE, MEMORY
from hw.soc.system import System
from hw.verilog import emit
from sim.cache import build_directory, content_key, made_once, sources
from sim.engine import EngineError, check_memory_bytes, check_range
from sim.rtl.build import Design, build_library
from sim.rtl.flat import Flat
from sim.rtl.model import MemoryOptions, MemoryStatistics

HERE = Path(__file__).parent
UNITS = ("load", "execute", "store", "accelerator", "core waits")


class Outcome(Structure):
    """Mirror of `Outcome` in soc.cpp."""

    EXITED, CYCLE_LIMIT, VIOLATION = range(3)
    _fields_ = [
        *((name, c_uint64) for name in ("start_cycle", "cycles")),
        *((name, c_uint32) for name in ("ending", "exit_code")),
    ]


_SIGNATURES = {
    "create": (c_void_p, [POINTER(MemoryOptions)]),
    "destroy": (None, [c_void_p]),
    "reset": (None, [c_void_p]),
    "waves": (None, [c_void_p, c_char_p]),
    "record": (None, [c_void_p, c_uint32]),
    "memory": (POINTER(c_uint8), [c_void_p]),
    "violation": (c_char_p, [c_void_p]),
    "type": (None, [c_void_p, c_char_p, c_uint64]),
    "run": (None, [c_void_p, c_uint64, POINTER(Outcome)]),
    "statistics": (POINTER(MemoryStatistics), [c_void_p]),
    "console": (c_uint64, [c_void_p, c_char_p, c_uint64]),
    "activity": (c_uint64, [c_void_p, POINTER(POINTER(c_uint64))]),
}


def system_verilog(config: Config, attach: str = "cfu") -> str:
    """Verilog of the system with flat ports (without the core's own file); cached."""
    key = content_key(repr(config), attach, *sources("hw"), HERE.parent / "rtl" / "flat.py")

    def make(directory: Path):
        (directory / "top.v").write_text(emit(Flat(System(config, attach))))

    final = build_directory("verilog") / f"{config.name}-{attach}-{key}"
    return (made_once(final, make, f"Elaborating {config.name}") / "top.v").read_text()


def build_system(verilog: str, name: str, attach: str, trace: bool = False) -> Path:
    """The shared library of a system whose flat ports are in `verilog`."""
    memory = HERE.parent / "rtl" / "memory.h"
    design = Design(
        f"{name}-{attach}",
        verilog,
        HERE / "soc.cpp",
        headers=(memory,),
        extra=(verilog_file(cfu=attach == "cfu"),),
        flags=(f"-I{memory.parent}",),
        trace=trace,
    )
    return build_library(design)


@dataclass
class FirmwareRun:
    """What a program did until it ended.

    `marks` are (cycle, marker) pairs, `activity` (unit, start, end) stretches where recorded.
    """

    console: str
    exit_code: int
    cycles: int
    marks: list[tuple[int, int]] = field(default_factory=list)
    activity: list[tuple[str, int, int]] = field(default_factory=list)


class Soc:
    """One simulated system: RAM at [0, memory_bytes), firmware memory at `FIRMWARE`.

    `stall` is the probability that each of the memory's four streams pauses in a cycle.
    `verilog` replaces the generated system (same ports), for tests of parts.
    """

    def __init__(
        self,
        config: Config,
        memory_bytes: int = 1 << 24,
        attach: str = "cfu",
        *,
        latency: int = 1,
        stall: float = 0.0,
        seed: int = 0,
        timeline: bool = False,
        waves: Path | str | None = None,
        verilog: str | None = None,
    ):
        if check_memory_bytes(memory_bytes) > MEMORY.size:
            raise EngineError(
                f"memory_bytes is {memory_bytes}; the system's map has room for {MEMORY.size}"
            )
        self.config = config
        self.memory_bytes = memory_bytes
        options = MemoryOptions(
            size=FIRMWARE.base + FIRMWARE.size,
            seed=seed,
            stall=(stall,) * 4,
            word_bytes=config.bus_bytes,
            latency=latency,
            hole=(memory_bytes, FIRMWARE.base),
        )
        text = verilog or system_verilog(config, attach)
        library = build_system(text, config.name, attach, trace=waves is not None)
        loaded = ctypes.CDLL(str(library))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(loaded, f"soc_{name}")
            function.restype, function.argtypes = result, arguments
            setattr(self, f"_{name}", function)
        self._handle = self._create(options)
        if not self._handle:
            raise MemoryError(f"cannot map {options.size} bytes for the system's memory")
        self._bytes = np.ctypeslib.as_array(self._memory(self._handle), shape=(options.size,))
        self._record(self._handle, timeline)
        if waves is not None:
            self._waves(self._handle, str(waves).encode())

    def close(self):
        """Free the system."""
        if self._handle:
            self._bytes = None
            self._destroy(self._handle)
            self._handle = None

    def __del__(self):
        if getattr(self, "_handle", None):
            self.close()

    def reset(self):
        """Power-up state; memory keeps its bytes."""
        self._reset(self._handle)

    def read(self, address: int, count: int) -> bytes:
        """`count` bytes from an address of RAM or firmware memory."""
        self._check(address, count)
        return self._bytes[address : address + count].tobytes()

    def write(self, address: int, data: bytes) -> None:
        """Store bytes; the core's data cache may hold older ones until it is invalidated."""
        self._check(address, len(data))
        self._bytes[address : address + len(data)] = np.frombuffer(data, np.uint8)

    def _check(self, address: int, count: int):
        firmware = address - FIRMWARE.base
        if not (0 <= firmware and firmware + count <= FIRMWARE.size):
            check_range(self.memory_bytes, address, count)

    def load(self, segments):
        """Write (address, bytes) pairs, a program's segments, and reset the core."""
        for address, data in segments:
            self.write(address, data)
        self.reset()

    def type(self, text: str):
        """Characters for the console's receiver."""
        data = text.encode()
        self._type(self._handle, data, len(data))

    def run(self, cycle_limit: int = 100_000_000) -> FirmwareRun:
        """Simulate until the program writes its exit register; again to go on after it.

        EngineError if it has not after `cycle_limit` cycles, with the console's last lines.
        """
        outcome = Outcome()
        self._run(self._handle, cycle_limit, outcome)
        size = self._console(self._handle, None, 0)
        buffer = ctypes.create_string_buffer(size + 1)
        self._console(self._handle, buffer, size)
        console = buffer.raw[:size].decode(errors="replace")
        if outcome.ending != Outcome.EXITED:
            what = {
                Outcome.CYCLE_LIMIT: f"the program has not ended after {cycle_limit} cycles",
                Outcome.VIOLATION: f"the memory saw {self._violation(self._handle).decode()}",
            }[outcome.ending]
            tail = "\n".join(console.splitlines()[-10:]) or "(nothing)"
            raise EngineError(f"{self.config.name}: {what}; console:\n{tail}")
        marks, activity = self._stretches(outcome)
        return FirmwareRun(console, outcome.exit_code, outcome.cycles, marks, activity)

    def statistics(self) -> dict[str, int]:
        """The memory's counters since the system was made."""
        counts = self._statistics(self._handle).contents
        return {name: getattr(counts, name) for name, _ in MemoryStatistics._fields_}

    def _stretches(self, outcome: Outcome):
        first = POINTER(c_uint64)()
        count = self._activity(self._handle, first)
        pairs = np.ctypeslib.as_array(first, shape=(2 * count,)).reshape(-1, 2) if count else []
        changes = [(int(cycle) - outcome.start_cycle, int(bits)) for cycle, bits in pairs]
        marks, activity, since, mark = [], [], {}, 0
        for cycle, bits in [*changes, (outcome.cycles, mark << 32)]:
            for bit, unit in enumerate(UNITS):
                if bits >> bit & 1:
                    since.setdefault(unit, cycle)
                elif unit in since:
                    activity.append((unit, since.pop(unit), cycle))
            if bits >> 32 != mark and cycle != outcome.cycles:
                mark = bits >> 32
                marks.append((cycle, mark))
        return marks, sorted(activity, key=lambda stretch: stretch[1:])
