"""Where the cycles of a run went: what every unit did, and what kept the array from its work."""

from dataclasses import dataclass

UNITS = ("load", "execute", "store", "commands")
STATES = (
    *("idle", "on load", "on execute", "on store", "requests", "memory", "local", "rows"),
    *("weights", "distance", "scaler", "acks", "drain", "answer", "active"),
)
"""What a unit does in a cycle, in the order of hw.control.states.UnitState."""
BOUNDS = ("compute", "memory in", "memory out", "commands", "dependency")
"""What keeps the array from the rest of its work in a cycle."""


@dataclass(frozen=True)
class Timing:
    """Where the cycles of a program go.

    Members
    -------
    cycles
        From the first command to idle.
    units
        Cycles of `load`, `execute`, `store` and `commands` (queue and decoder) by what they did;
        those of one unit add up to `cycles`. "on load": the next command waits for one of load;
        of `commands`: that unit's queue is full.
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

    @classmethod
    def sum(cls, timings) -> "Timing":
        """Of runs one after another."""
        units: dict[str, dict[str, int]] = {unit: {} for unit in UNITS}
        bounds: dict[str, int] = {}
        cycles = 0
        for timing in timings:
            cycles += timing.cycles
            for unit, states in timing.units.items():
                for state, count in states.items():
                    units[unit][state] = units[unit].get(state, 0) + count
            for bound, count in timing.bounds.items():
                bounds[bound] = bounds.get(bound, 0) + count
        return cls(cycles, units, bounds)
