"""Cycles of a program and where they go."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hw.config import Config
from hw.isa import Command
from sim.engine import EngineError

from .model import BOUNDS, STATES, UNITS, Model, Outcome, shape_of


@dataclass(frozen=True)
class Timing:
    """Where the cycles of a program go.

    Members
    -------
    cycles
        From the first command to idle.
    units
        Cycles of `load`, `execute`, `store` and `commands` (queue and decoder) by what they did;
        those of one unit add up to `cycles`.
    bounds
        Cycles by what kept the array from the rest of its work; they add up to `cycles`.
    """

    cycles: int
    units: dict[str, dict[str, int]]
    bounds: dict[str, int]

    @property
    def bound(self) -> str:
        """What most cycles are bound by."""
        return max(self.bounds, key=self.bounds.get)

    def share(self, unit: str, state: str = "active") -> float:
        """Part of all cycles (0 to 1) that a unit spent in a state."""
        return self.units[unit].get(state, 0) / max(1, self.cycles)

    @classmethod
    def of(cls, cycles: int, states, bounds) -> "Timing":
        """From counts in the order of `UNITS`, `STATES` and `BOUNDS`; zeros are left out."""
        units = {
            unit: {state: n for state, n in zip(STATES, counts, strict=True) if n}
            for unit, counts in zip(UNITS, states, strict=True)
        }
        return cls(cycles, units, {b: n for b, n in zip(BOUNDS, bounds, strict=True) if n})


def predict(
    config: Config,
    commands: Sequence[Command] | np.ndarray,
    *,
    latency: int = 1,
    bytes_per_cycle: float | None = None,
    command_gap: int = 0,
) -> Timing:
    """Cycles of `commands` (or an array of `sim.rtl.model.COMMAND`), as the rtl engine counts them.

    Parameters are those of :class:`sim.rtl.engine.RtlEngine`. No data are computed: commands that
    the accelerator would refuse are passed over where it shows from their own fields, and bus
    errors do not occur. About 50 ns per cycle. Raises EngineError if the commands never end.
    """
    model = Model(shape_of(config, latency, bytes_per_cycle, command_gap))
    return timing_of(config, model.run(commands)[0])


def timing_of(config: Config, outcome: Outcome) -> Timing:
    """A model's outcome; EngineError if the program does not end."""
    if outcome.stuck:
        raise EngineError(f"{config.name}: the cycle model never becomes idle with these commands")
    return Timing.of(outcome.cycles, outcome.states, outcome.bounds)
