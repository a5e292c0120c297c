"""Local addresses: rows of the scratchpad and of the accumulator memory."""

import struct
from dataclasses import dataclass

GARBAGE = 0xFFFF_FFFF
"""Local address of nothing: zeros when read, discarded when written."""


@dataclass(frozen=True)
class Local:
    """A local address taken apart (isa.md, "Local addresses")."""

    row: int
    acc: bool = False
    accumulate: bool = False
    full: bool = False
    norm: int = 0

    ACC = 1 << 31
    ACCUMULATE = 1 << 30
    FULL = 1 << 29
    NORM_LSB = 26
    ROW_BITS = 26

    @classmethod
    def parse(cls, address: int) -> "Local | None":
        """The parts of `address`, or None for garbage."""
        if address == GARBAGE:
            return None
        return cls(
            row=address & ((1 << cls.ROW_BITS) - 1),
            acc=bool(address & cls.ACC),
            accumulate=bool(address & cls.ACCUMULATE),
            full=bool(address & cls.FULL),
            norm=address >> cls.NORM_LSB & 7,
        )

    def __int__(self) -> int:
        flags = self.acc * self.ACC | self.accumulate * self.ACCUMULATE | self.full * self.FULL
        return flags | self.norm << self.NORM_LSB | self.row


def float_bits(value: float) -> int:
    """The float32 pattern of a scale, as the scale fields want it."""
    return struct.unpack("<I", struct.pack("<f", value))[0]
