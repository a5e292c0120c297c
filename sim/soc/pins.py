"""A board's top in simulation, with its clock, its serial line and its SDRAM's chip."""

from collections.abc import Sequence
from ctypes import POINTER, c_char_p, c_double, c_uint8, c_uint32, c_uint64, c_void_p
from pathlib import Path

import numpy as np

from sim.engine import EngineError
from sim.rtl.build import Design, build_library
from sim.rtl.simulation import Library, clock_flags

_SIGNATURES = {
    "create": (c_void_p, [c_uint32, c_double]),
    "destroy": (None, [c_void_p]),
    "type": (None, [c_void_p, c_char_p, c_uint64]),
    "run": (None, [c_void_p, c_uint64]),
    "console": (c_uint64, [c_void_p, c_char_p, c_uint64]),
    "history": (POINTER(c_uint64), [c_void_p]),
    "violation": (c_char_p, [c_void_p]),
    "sdram": (POINTER(c_uint8), [c_void_p]),
}
LEVELS = {
    **{"tx": 1, "busy": 1, "sdram_dq": 16, "sdram_dq's enable": 16, "sdram_dm": 2, "sdram_a": 13},
    **{"sdram_ba": 2, "sdram_we_n": 1, "sdram_cas_n": 1, "sdram_ras_n": 1, "sdram_cs_n": 1},
    **{"sdram_cke": 1},
}
"""Names and widths of a history's pins, the lowest first."""

HERE = Path(__file__).parent
SDRAM_BYTES = 32 << 20
"""What the chip of sdram.h has."""


class Pins(Library):
    """`verilog` holds module `top` with ports clk, rx, tx and busy; `divisor` cycles make a bit.

    It may be the design as it was written or a netlist of it; `files` are what either instantiates.
    A top with the pins of an SDRAM (``sdram_clk`` and so on) has the chip of sdram.h at them, whose
    times are checked for a clock of `mhz`. With a clock for the array, `times` cycles at the pin
    are one of the system. It does what :class:`.line.SimulatedLine` wants of a system.

    Attributes
    ----------
    sdram : numpy array of the chip's bytes, None if there is no chip
        Rows follow each other bank by bank.
    """

    def __init__(
        self,
        verilog: str,
        name: str,
        divisor: int,
        files: Sequence[Path] = (),
        mhz: float = 25,
        times: int = 1,
    ):
        headers, flags = (HERE / "sdram.h",), clock_flags(times)
        design = Design(name, verilog, HERE / "pins.cpp", headers, tuple(files), flags)
        self._cycles = 0
        library = build_library(design)
        super().__init__(library, "pins", _SIGNATURES, divisor, 1000 / mhz)
        chip = self.call("sdram")
        self.sdram = np.ctypeslib.as_array(chip, shape=(SDRAM_BYTES,)) if chip else None

    def close(self):
        """Free it; the chip's bytes must not be used afterwards."""
        self.sdram = None
        super().close()

    def type(self, data: bytes):
        """Bytes for the line to the board."""
        self.call("type", data, len(data))

    def step(self, cycles: int) -> bytes:
        """Simulate so many cycles; the bytes that came from the board. EngineError if an assertion
        of the design fails, or it does what the chip forbids."""
        self.call("run", cycles)
        self._cycles = cycles
        if text := self.violation():
            raise EngineError(text)
        return self.taken("console")

    @property
    def history(self) -> np.ndarray:
        """Levels of the pins out in every cycle of the last step, as :data:`LEVELS`."""
        return np.ctypeslib.as_array(self.call("history"), shape=(self._cycles,)).copy()


class Lockstep:
    """A netlist beside the design that it was made of: the same goes into both, and every pin out
    must be the same in every cycle.

    Each has a chip of its own.
    """

    def __init__(self, design: Pins, netlist: Pins):
        self.both = design, netlist
        self.cycles = 0

    @property
    def chips(self) -> list[np.ndarray]:
        """Bytes of both SDRAM chips, none if there are none."""
        return [each.sdram for each in self.both if each.sdram is not None]

    def type(self, data: bytes):
        """Bytes for both lines."""
        for each in self.both:
            each.type(data)

    def step(self, cycles: int) -> bytes:
        """Simulate both; the bytes that came. EngineError names the first cycle in which they
        differ, and the pins."""
        sent, _ = [each.step(cycles) for each in self.both]
        ours, theirs = [each.history for each in self.both]
        if (differ := np.flatnonzero(ours != theirs)).size:
            first = differ[0]
            names = ", ".join(_pins(int(ours[first] ^ theirs[first])))
            raise EngineError(f"netlist and design differ in cycle {self.cycles + first}: {names}")
        self.cycles += cycles
        return sent

    def close(self):
        """Free both."""
        for each in self.both:
            each.close()


def _pins(levels: int):
    """Names of the pins that have a bit in `levels`."""
    for name, width in LEVELS.items():
        if levels & ((1 << width) - 1):
            yield name
        levels >>= width
