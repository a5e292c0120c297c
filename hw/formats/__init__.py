"""Number formats: frozen objects that know their codes, limits and rounding.

A format is the only place that says what a bit pattern means. It imports nothing of ours and
nothing from the RTL language; the hardware asks it for widths, the golden models for values.
"""

from .accumulator import Fixed, Rounded
from .base import Format, pack, pack_codes, row_bytes, unpack, unpack_codes
from .float import Float
from .integer import Int
from .pairing import Accumulator, mismatch, suited
from .posit import Posit
from .sums import Sums, sums

__all__ = [
    "Accumulator",
    "Fixed",
    "Float",
    "Format",
    "Int",
    "Posit",
    "Rounded",
    "Sums",
    "mismatch",
    "pack",
    "pack_codes",
    "row_bytes",
    "suited",
    "sums",
    "unpack",
    "unpack_codes",
]
