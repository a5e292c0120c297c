"""A board's top in simulation, with nothing but its clock and serial line."""

from collections.abc import Sequence
from ctypes import c_char_p, c_uint32, c_uint64, c_void_p
from pathlib import Path

from sim.engine import EngineError
from sim.rtl.build import Design, build_library
from sim.rtl.simulation import Library

_SIGNATURES = {
    "create": (c_void_p, [c_uint32]),
    "destroy": (None, [c_void_p]),
    "type": (None, [c_void_p, c_char_p, c_uint64]),
    "run": (None, [c_void_p, c_uint64]),
    "console": (c_uint64, [c_void_p, c_char_p, c_uint64]),
    "violation": (c_char_p, [c_void_p]),
}


class Pins(Library):
    """`verilog` holds module `top` with ports clk, rx, tx and busy; `divisor` cycles make a bit.

    It may be the design as it was written or a netlist of it; `files` are what either instantiates.
    It does what :class:`.line.SimulatedLine` wants of a system.
    """

    def __init__(self, verilog: str, name: str, divisor: int, files: Sequence[Path] = ()):
        harness = Path(__file__).parent / "pins.cpp"
        library = build_library(Design(name, verilog, harness, extra=files))
        super().__init__(library, "pins", _SIGNATURES, divisor)

    def type(self, data: bytes):
        """Bytes for the line to the board."""
        self.call("type", data, len(data))

    def step(self, cycles: int) -> bytes:
        """Simulate so many cycles; the bytes that came from the board. EngineError if an assertion
        of the design fails."""
        self.call("run", cycles)
        if text := self.violation():
            raise EngineError(text)
        return self.taken("console")
