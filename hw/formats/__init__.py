"""Number formats: frozen objects that know their codes, limits and rounding.

A format is the only place that says what a bit pattern means. It imports nothing of ours and
nothing from the RTL language; the hardware asks it for widths, the golden models for values.
"""

from .accumulator import Fixed, Rounded
from .base import Format, pack, pack_codes, row_bytes, unpack, unpack_codes
from .block import Block, Blocks, element_of
from .block_scale import BlockScale
from .codebook import Codebook, entry
from .draws import Draws
from .e8m0 import E8M0
from .float import Float
from .integer import Int
from .log import Log
from .multiplier import Multiplier
from .names import parse_accumulator, parse_format
from .pairing import (
    HALF,
    Accumulator,
    Element,
    Weight,
    aligns,
    holds,
    integral,
    mismatch,
    packed_bits,
    packs,
    stored_as,
    suited,
    suited_in_block,
    unfit,
)
from .posit import Posit
from .sums import Sums, sums, widened
from .ternary import Binary, Ternary

__all__ = [
    "HALF",
    "E8M0",
    "Accumulator",
    "Binary",
    "Block",
    "BlockScale",
    "Blocks",
    "Codebook",
    "Draws",
    "Element",
    "Fixed",
    "Float",
    "Format",
    "Int",
    "Log",
    "Multiplier",
    "Posit",
    "Rounded",
    "Sums",
    "Ternary",
    "Weight",
    "aligns",
    "element_of",
    "entry",
    "integral",
    "holds",
    "mismatch",
    "packed_bits",
    "packs",
    "pack",
    "pack_codes",
    "parse_accumulator",
    "parse_format",
    "row_bytes",
    "stored_as",
    "suited",
    "suited_in_block",
    "sums",
    "unfit",
    "unpack",
    "unpack_codes",
    "widened",
]
