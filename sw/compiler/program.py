"""What the compiler hands out."""

from dataclasses import dataclass

from hw.config import Config
from hw.isa import Command


@dataclass(frozen=True)
class Program:
    """Commands that compute one layer; operands lie at the addresses it was compiled for.

    Attributes
    ----------
    macs
        Multiply-accumulates of the layer as a user counts them (no padding to tiles).
    """

    config: Config
    commands: tuple[Command, ...]
    macs: int

    @property
    def ideal_cycles(self) -> int:
        """Cycles if every multiplier worked in every cycle."""
        return -(-self.macs // self.config.macs)
