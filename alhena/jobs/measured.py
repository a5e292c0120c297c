"""What `alhena sim` learns about one engine."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hw.config import Config


@dataclass
class Measured:
    """Cycles, wall time and mismatches of one engine over `images` images.

    `scores` are the outputs of the last layer; `layers` holds the cycles of each layer;
    `simulated` counts what was simulated besides (start-up of a core), None for nothing.
    """

    name: str
    config: Config
    images: int
    scores: NDArray
    cycles: int | None = None
    seconds: float = 0.0
    mismatches: int = 0
    layers: dict[str, int | None] = field(default_factory=dict)
    simulated: int | None = None

    @property
    def rate(self) -> float | None:
        """Simulated cycles per second of wall time."""
        cycles = self.simulated or self.cycles
        return cycles / self.seconds if cycles and self.seconds else None

    def utilisation(self, macs: int) -> float | None:
        """Share of the array's multiply-accumulates that the network needed."""
        return macs * self.images / (self.cycles * self.config.macs) if self.cycles else None

    def record(self, macs: int) -> dict:
        """As it stands in the summary."""
        return {
            "config": self.config.name,
            "images": self.images,
            "cycles_per_image": self.cycles / self.images if self.cycles else None,
            "utilisation": self.utilisation(macs),
            "simulated_cycles_per_second": self.rate,
            "mismatches": self.mismatches,
            "seconds": round(self.seconds, 2),
            "layers": self.layers,
        }


def differences(got: list[NDArray], want: list[NDArray]) -> int:
    """Values that differ between two lists of layer outputs; a wrong shape counts whole."""
    return sum(
        int(np.count_nonzero(g != w)) if g.shape == w.shape else w.size
        for g, w in zip(got, want, strict=True)
    )
