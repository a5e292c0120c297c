"""Alhena: one configuration, one accelerator, every view of it.

>>> import alhena as al
>>> acc = al.Accelerator("small", engine="machine")
>>> acc.matmul([[1, 2], [3, 4]], [[1, 0], [0, 1]]).tolist()
[[1, 2], [3, 4]]
"""

from hw.config import PRESETS, Config, ConfigError
from hw.formats import Block, Blocks, Codebook, Fixed, Float, Int, Multiplier, Posit, Rounded
from hw.formats.mix import Mix
from hw.formats.multipliers import parse_multiplier
from hw.formats.names import parse_accumulator, parse_format
from hw.isa import Command, ErrorCode, Event, assemble, disassemble, encode
from sim.engine import EngineError, Run

from .accelerator import ENGINES, Accelerator


def __getattr__(name: str):
    """`gemm` and its `Mac`, the fast emulator: loaded when they are asked for (numba is large)."""
    if name in ("Mac", "gemm"):
        from sim import emulator

        return getattr(emulator, name)
    raise AttributeError(f"module 'alhena' has no attribute {name!r}")


__all__ = [
    "ENGINES",
    "PRESETS",
    "Accelerator",
    "Block",
    "Blocks",
    "Codebook",
    "Command",
    "Config",
    "ConfigError",
    "EngineError",
    "ErrorCode",
    "Event",
    "Fixed",
    "Float",
    "Int",
    "Mac",
    "Mix",
    "Multiplier",
    "Posit",
    "Rounded",
    "Run",
    "assemble",
    "disassemble",
    "encode",
    "gemm",
    "parse_accumulator",
    "parse_format",
    "parse_multiplier",
]
