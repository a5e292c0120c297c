"""The Verilated system in Python: firmware in, console, exit code and cycles out."""

from ctypes import POINTER, Structure, c_char_p, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hw.arith.mac.multiplier import netlist
from hw.config import Config
from hw.soc.cores import verilog_files
from hw.soc.host import DEFAULT, Host
from hw.soc.map import BOOT, FIRMWARE, MEMORY
from hw.soc.system import System
from hw.verilog import emit
from sim.cache import build_directory, content_key, made_once, sources
from sim.engine import EngineError, check_memory_bytes, check_range
from sim.rtl.build import Design, build_library
from sim.rtl.flat import Flat
from sim.rtl.simulation import HEADERS, MemoryOptions, Simulation, clock_flags

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
    "record": (None, [c_void_p, c_uint32]),
    "type": (None, [c_void_p, c_char_p, c_uint64]),
    "run": (None, [c_void_p, c_uint64, POINTER(Outcome)]),
    "console": (c_uint64, [c_void_p, c_char_p, c_uint64]),
}


def system_verilog(config: Config, host: Host = DEFAULT, boot: bool = False) -> str:
    """Verilog of the system with flat ports (without the core's own file); cached."""
    own = netlist(config.multiplier)
    key = content_key(
        repr(config), own, host.name, boot, *sources("hw"), HERE.parent / "rtl" / "flat.py"
    )

    def make(directory: Path):
        top = Flat(System(config, host, boot=boot), times=config.array_clock)
        (directory / "top.v").write_text(emit(top))

    final = build_directory("verilog") / f"{config.name}-{host.name}-{key}"
    return (made_once(final, make, f"Elaborating {config.name}") / "top.v").read_text()


def build_system(verilog: str, name: str, host: Host, trace: bool = False, times: int = 1) -> Path:
    """The shared library of a system whose flat ports are in `verilog`; `times` are the array's."""
    design = Design(
        f"{name}-{host.name}",
        verilog,
        HERE / "soc.cpp",
        headers=HEADERS,
        extra=tuple(verilog_files(host)),
        flags=(f"-I{HEADERS[0].parent}", *clock_flags(times)),
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


class Soc(Simulation):
    """One simulated system: RAM at [0, memory_bytes), firmware memory at `FIRMWARE`.

    `stall` is the probability that each of the memory's four streams pauses in a cycle.
    With `boot` the core starts in the boot region, and again after each program, as on boards.
    `verilog` replaces the generated system (same ports), for tests of parts.
    """

    def __init__(
        self,
        config: Config,
        memory_bytes: int = 1 << 24,
        host: Host = DEFAULT,
        *,
        latency: int = 1,
        stall: float = 0.0,
        seed: int = 0,
        timeline: bool = False,
        waves: Path | str | None = None,
        boot: bool = False,
        verilog: str | None = None,
    ):
        if check_memory_bytes(memory_bytes) > MEMORY.size:
            raise EngineError(
                f"memory_bytes is {memory_bytes}; the system's map has room for {MEMORY.size}"
            )
        self.config = config
        self.memory_bytes = memory_bytes
        options = MemoryOptions(
            size=BOOT.base + BOOT.size,
            seed=seed,
            stall=(stall,) * 4,
            word_bytes=config.bus_bytes,
            latency=latency,
            hole=(memory_bytes, FIRMWARE.base),
        )
        text = verilog or system_verilog(config, host, boot)
        library = build_system(text, config.name, host, waves is not None, config.array_clock)
        super().__init__(library, "soc", _SIGNATURES, options, options.size)
        self.call("record", timeline)
        if waves is not None:
            self.waves(waves)

    def read(self, address: int, count: int) -> bytes:
        """`count` bytes from an address of RAM, firmware or boot memory."""
        self._check(address, count)
        return self.memory[address : address + count].tobytes()

    def write(self, address: int, data: bytes) -> None:
        """Store bytes; the core's data cache may hold older ones until it is invalidated."""
        self._check(address, len(data))
        self.memory[address : address + len(data)] = np.frombuffer(data, np.uint8)

    def _check(self, address: int, count: int):
        firmware = address - FIRMWARE.base
        if not (0 <= firmware and firmware + count <= FIRMWARE.size + BOOT.size):
            check_range(self.memory_bytes, address, count)

    def load(self, segments):
        """Write (address, bytes) pairs, a program's segments, and reset the core."""
        for address, data in segments:
            self.write(address, data)
        self.reset()

    def type(self, text: str | bytes):
        """Characters for the console's receiver."""
        data = text.encode() if isinstance(text, str) else text
        self.call("type", data, len(data))

    def step(self, cycles: int) -> bytes:
        """Simulate so many cycles, or until a program ends; what the console sent."""
        self._simulate(cycles)
        return self.taken("console")

    def _simulate(self, cycles: int) -> Outcome:
        outcome = Outcome()
        self.call("run", cycles, outcome)
        if outcome.ending == Outcome.VIOLATION:
            raise self._failure(self.violation(), self.taken("console"))
        return outcome

    def _failure(self, what: str, console: bytes) -> EngineError:
        tail = "\n".join(console.decode(errors="replace").splitlines()[-10:]) or "(nothing)"
        return EngineError(f"{self.config.name}: {what}; console:\n{tail}")

    def run(self, cycle_limit: int = 100_000_000) -> FirmwareRun:
        """Simulate until the program writes its exit register; again to go on after it.

        EngineError if it has not after `cycle_limit` cycles, with the console's last lines.
        """
        outcome = self._simulate(cycle_limit)
        console = self.taken("console")
        if outcome.ending != Outcome.EXITED:
            what = f"the program has not ended after {cycle_limit} cycles"
            raise self._failure(what, console)
        text = console.decode(errors="replace")
        return FirmwareRun(text, outcome.exit_code, outcome.cycles, *self._stretches(outcome))

    def _stretches(self, outcome: Outcome):
        changes = [(cycle - outcome.start_cycle, bits) for cycle, bits in self.activity()]
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
