"""The `timing` engine: results of the instruction-set simulator, cycles of the cycle model."""

from collections.abc import Sequence

from hw.config import Config
from hw.isa import Command
from sim.breakdown import Timing
from sim.engine import EngineError, Run
from sim.machine import Machine

from .model import Model, shape_of
from .predict import timing_of


class TimingEngine(Machine):
    """An :class:`sim.engine.Engine` that computes on the machine and predicts the time.

    `latency`, `bytes_per_cycle` and `command_gap` are those of the rtl engine; with `timeline`
    `Run.commands` and `Run.activity` hold the time from issue to completion of every command.

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
        if latency < 1:
            raise EngineError(f"latency is {latency}; it must be at least 1 cycle")
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
        if times is not None:
            run.commands = times.commands()
            run.activity = [command[1:] for command in run.commands]
        return run
