"""Cycles of a program and where they go."""

from collections.abc import Sequence

import numpy as np

from hw.config import Config
from hw.isa import Command
from sim.breakdown import Timing
from sim.engine import EngineError, check_surroundings

from .model import Model, Outcome, shape_of


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
    errors do not occur; closing the statistics of a normalisation takes a typical time. About
    50 to 100 ns per cycle. Raises EngineError if the commands never end.
    """
    check_surroundings(latency, bytes_per_cycle, command_gap)
    model = Model(shape_of(config, latency, bytes_per_cycle, command_gap))
    return timing_of(config, model.run(commands)[0])


def timing_of(config: Config, outcome: Outcome) -> Timing:
    """A model's outcome; EngineError if the program does not end."""
    if outcome.stuck:
        raise EngineError(f"{config.name}: the cycle model never becomes idle with these commands")
    return Timing.of(outcome.cycles, outcome.states, outcome.bounds)
