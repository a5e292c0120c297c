"""A board's top in simulation, with its clock, its serial line and its SDRAM's chip."""

from collections.abc import Sequence
from ctypes import POINTER, c_char_p, c_double, c_uint8, c_uint32, c_uint64, c_void_p
from pathlib import Path

import numpy as np

from sim.engine import EngineError
from sim.rtl.build import Design, build_library
from sim.rtl.simulation import Library

_SIGNATURES = {
    "create": (c_void_p, [c_uint32, c_double]),
    "destroy": (None, [c_void_p]),
    "type": (None, [c_void_p, c_char_p, c_uint64]),
    "run": (None, [c_void_p, c_uint64]),
    "console": (c_uint64, [c_void_p, c_char_p, c_uint64]),
    "violation": (c_char_p, [c_void_p]),
    "sdram": (POINTER(c_uint8), [c_void_p]),
}
HERE = Path(__file__).parent
SDRAM_BYTES = 32 << 20
"""What the chip of sdram.h has."""


class Pins(Library):
    """`verilog` holds module `top` with ports clk, rx, tx and busy; `divisor` cycles make a bit.

    It may be the design as it was written or a netlist of it; `files` are what either instantiates.
    A top with the pins of an SDRAM (``sdram_clk`` and so on) has the chip of sdram.h at them, whose
    times are checked for a clock of `mhz`. It does what :class:`.line.SimulatedLine` wants of a
    system.

    Attributes
    ----------
    sdram : numpy array of the chip's bytes, None if there is no chip
        Rows follow each other bank by bank.
    """

    def __init__(
        self, verilog: str, name: str, divisor: int, files: Sequence[Path] = (), mhz: float = 25
    ):
        design = Design(name, verilog, HERE / "pins.cpp", (HERE / "sdram.h",), extra=tuple(files))
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
        if text := self.violation():
            raise EngineError(text)
        return self.taken("console")
