"""One line of a performance table."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """What is measured, and what others reach.

    `measure` returns our figure; None means that we cannot run it yet, and `note` says why.
    `weight` estimates the simulated cycles, so that quick runs can leave large rows out.
    """

    suite: str
    name: str
    config: str
    reference: float | None
    reference_source: str
    unit: str
    measure: Callable[[], float] | None
    note: str = ""
    weight: int = 0

    @property
    def command(self) -> str:
        return f'.venv/bin/alhena bench --suite {self.suite} --only "{self.name}"'

    def record(self, ours: float | None) -> dict:
        """The row as it stands in build/bench.json."""
        return {
            "suite": self.suite,
            "name": self.name,
            "config": self.config,
            "ours": ours,
            "reference": self.reference,
            "reference_source": self.reference_source,
            "unit": self.unit,
            "command": self.command,
            "note": self.note,
        }
