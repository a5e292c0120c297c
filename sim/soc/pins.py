"""A board's top in simulation, with nothing but its clock and serial line."""

import ctypes
from collections.abc import Sequence
from ctypes import c_char_p, c_uint32, c_uint64, c_void_p
from pathlib import Path

from sim.engine import EngineError
from sim.rtl.build import Design, build_library

_SIGNATURES = {
    "create": (c_void_p, [c_uint32]),
    "destroy": (None, [c_void_p]),
    "type": (None, [c_void_p, c_char_p, c_uint64]),
    "run": (None, [c_void_p, c_uint64]),
    "console": (c_uint64, [c_void_p, c_char_p, c_uint64]),
    "violation": (c_char_p, [c_void_p]),
}


class Pins:
    """`verilog` holds module `top` with ports clk, rx, tx and busy; `divisor` cycles make a bit.

    It may be the design as it was written or a netlist of it; `files` are what either instantiates.
    It does what :class:`.line.SimulatedLine` wants of a system.
    """

    def __init__(self, verilog: str, name: str, divisor: int, files: Sequence[Path] = ()):
        harness = Path(__file__).parent / "pins.cpp"
        library = ctypes.CDLL(str(build_library(Design(name, verilog, harness, extra=files))))
        self._functions = {}
        for function, (result, arguments) in _SIGNATURES.items():
            found = getattr(library, f"pins_{function}")
            found.restype, found.argtypes = result, arguments
            self._functions[function] = found
        self._handle = self._functions["create"](divisor)

    def __del__(self):
        if getattr(self, "_handle", None):
            self._call("destroy")

    def _call(self, name: str, *arguments):
        return self._functions[name](self._handle, *arguments)

    def type(self, data: bytes):
        """Bytes for the line to the board."""
        self._call("type", data, len(data))

    def step(self, cycles: int) -> bytes:
        """Simulate so many cycles; the bytes that came from the board. EngineError if an assertion
        of the design fails."""
        self._call("run", cycles)
        if text := self._call("violation").decode():
            raise EngineError(text)
        buffer = ctypes.create_string_buffer(self._call("console", None, 0) + 1)
        count = self._call("console", buffer, len(buffer) - 1)
        return buffer.raw[:count]
