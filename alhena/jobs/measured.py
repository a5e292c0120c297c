"""What `alhena sim` learns about one engine."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hw.config import Config


@dataclass
class Measured:
    """Cycles of every layer over `images` images, and how long simulating took.

    `simulated` are all cycles, those of a core's start-up included; `seconds` are the
    processor's, which other work on the machine does not lengthen. `mismatches` counts values
    that differ from the instruction-set simulator's, and from the plain-numpy network's.
    """

    config: Config
    images: int
    layers: dict[str, int]
    simulated: int
    seconds: float
    accelerated: bool = True
    mismatches: int = 0

    @property
    def cycles_per_image(self) -> float:
        return sum(self.layers.values()) / self.images

    @property
    def rate(self) -> float:
        """Simulated cycles per second of processor time."""
        return self.simulated / self.seconds

    def utilisation(self, macs: int) -> float:
        """Share of the array's multiply-accumulates that a network of `macs` needed."""
        return macs / (self.cycles_per_image * self.config.macs)

    def record(self, macs: int) -> dict:
        """As it stands in the summary."""
        return {
            "config": self.config.name,
            "images": self.images,
            "cycles_per_image": self.cycles_per_image,
            "utilisation": self.utilisation(macs) if self.accelerated else None,
            "simulated_cycles_per_second": self.rate,
            "mismatches": self.mismatches,
            "seconds": round(self.seconds, 2),
            "layers": self.layers,
        }


def compare(measured: Measured, outputs: list[NDArray], *judges: list[NDArray]):
    """Add to `measured.mismatches` how many values of `outputs` differ from each judge's."""
    measured.mismatches += sum(differences(outputs, judge) for judge in judges)


def differences(outputs: list[NDArray], judge: list[NDArray]) -> int:
    """How many values of all layers differ; NaN is like NaN, a zero like the other."""
    count = 0
    for got, want in zip(outputs, judge, strict=True):
        if got.shape != want.shape:
            count += want.size
            continue
        differ = (got != want) & ~((got != got) & (want != want))
        count += int(np.count_nonzero(differ))
    return count
