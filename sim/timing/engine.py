"""The `timing` engine: results of the instruction-set simulator, cycles of the cycle model."""

from collections.abc import Sequence

from hw.config import Config
from hw.isa import Command
from sim.breakdown import Timing
from sim.engine import CommandTime, Run, check_surroundings
from sim.machine import Machine
from sim.trace import Stretch

from .model import Model, shape_of, times_of
from .predict import timing_of


def merged(commands: Sequence[CommandTime]) -> list[Stretch]:
    """Stretches in which each unit had work, in order of their starts."""
    out: dict[str, list[tuple[int, int]]] = {}
    for _, unit, start, end in commands:
        stretches = out.setdefault(unit, [])
        if stretches and start < stretches[-1][1]:
            stretches[-1] = stretches[-1][0], end
        else:
            stretches.append((start, end))
    flat = [(unit, *stretch) for unit, stretches in out.items() for stretch in stretches]
    return sorted(flat, key=lambda stretch: stretch[1:])


class TimingEngine(Machine):
    """An :class:`sim.engine.Engine` that computes on the machine and predicts the time.

    `latency`, `bytes_per_cycle` and `command_gap` are those of the rtl engine; with `timeline`
    `Run.commands` and `Run.activity` are recorded.

    Members
    -------
    last : Timing | None
        Where the cycles of the last run went.
    """

    def __init__(
        self,
        config: Config,
        memory_bytes: int = 1 << 24,
        *,
        latency: int = 1,
        bytes_per_cycle: float | None = None,
        command_gap: int = 0,
        timeline: bool = False,
    ):
        check_surroundings(latency, bytes_per_cycle, command_gap)
        self._shape = shape_of(config, latency, bytes_per_cycle, command_gap)
        self._timeline = timeline
        self.last: Timing | None = None
        super().__init__(config, memory_bytes)

    def reset(self) -> None:
        """Back to the state after power-up; the memory keeps its bytes."""
        super().reset()
        self._model = Model(self._shape)

    def run(self, commands: Sequence[Command]) -> Run:
        """Execute `commands`; `cycles` are predicted."""
        run = super().run(commands)
        outcome, times = self._model.run(commands, record=self._timeline)
        self.last = timing_of(self.config, outcome)
        run.cycles = self.last.cycles
        run.timing = self.last
        if self._timeline:
            run.commands = times_of(times)
            run.activity = merged(run.commands)
        return run
