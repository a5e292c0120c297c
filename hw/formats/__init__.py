"""Number formats: frozen objects that know their codes, limits and rounding.

A format is the only place that says what a bit pattern means. It imports nothing of ours and
nothing from the RTL language; the hardware asks it for widths, the golden models for values.
"""

from .base import Format, pack, row_bytes, unpack
from .integer import Int

__all__ = ["Format", "Int", "pack", "row_bytes", "unpack"]
