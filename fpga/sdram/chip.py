"""What an SDRAM on a board is: pure data."""

from dataclasses import dataclass, field

BOTH_WAYS = "dq"
"""The pins that the device and the chip drive in turn."""

CLOCK = "clk"
"""The pin that gives the chip its clock: the system's, half a cycle later."""

PINS = (CLOCK, "cke", "cs_n", "ras_n", "cas_n", "we_n", "ba", "a", "dm", BOTH_WAYS)

LATENCY = 13
"""Cycles from a request at the memory port to its first word, on the average of lines that a core
reads one after the other."""


@dataclass(frozen=True)
class Sdram:
    """A chip of single data rate at the device's pins."""

    module: str
    """LiteDRAM's name for the chip (``litedram.modules``): geometry and timing come from there."""

    size: int
    """Its bytes, a power of two."""

    sites: dict[str, str] = field(hash=False)
    """By name in `PINS`: the sites of its bits, lowest first, with blanks between."""

    closes: float = 0
    opens: float = 0
    """Nanoseconds that a row takes to close (tRP) and to open (tRCD), where boards have chips that
    are slower than `module`."""

    def __post_init__(self):
        if set(self.sites) != set(PINS):
            raise ValueError(
                f"Sdram.sites has {', '.join(sorted(self.sites))}; it must have {', '.join(PINS)}"
            )

    def width(self, name: str) -> int:
        """Bits of a pin."""
        return len(self.sites[name].split())

    @property
    def beat(self) -> int:
        """Bits of data in a cycle."""
        return self.width(BOTH_WAYS)

    @property
    def address_bits(self) -> int:
        """What counts its beats."""
        return (self.size // (self.beat // 8) - 1).bit_length()

    @property
    def named(self) -> dict[str, str]:
        """Sites by the name of the bit at the board's top."""
        found = {}
        for name in PINS:
            sites = self.sites[name].split()
            bits = [f"sdram_{name}[{n}]" for n in range(len(sites))]
            found |= zip(bits if len(sites) > 1 else [f"sdram_{name}"], sites, strict=True)
        return found
