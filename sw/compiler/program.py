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
    steps
        (first row of the weights, rows) of every tile of K in the order in which they are summed,
        which shows where sums are rounded; empty if it does not say.
    """

    config: Config
    commands: tuple[Command, ...]
    macs: int
    steps: tuple[tuple[int, int], ...] = ()

    @property
    def ideal_cycles(self) -> int:
        """Cycles if every multiplier worked in every cycle."""
        return -(-self.macs // self.config.macs)
