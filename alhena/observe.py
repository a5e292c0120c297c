"""Who wants to know of every run, wherever it happens."""

from collections.abc import Iterator
from contextlib import contextmanager

from sim.engine import Run

_watched: list[list[Run]] = []


def note(run: Run) -> None:
    """A run is over."""
    for runs in _watched:
        runs.append(run)


@contextmanager
def observed() -> Iterator[list[Run]]:
    """The runs of all :class:`alhena.Accelerator` objects during the block, in order."""
    runs: list[Run] = []
    _watched.append(runs)
    try:
        yield runs
    finally:
        _watched[:] = [others for others in _watched if others is not runs]  # equal ones stay
