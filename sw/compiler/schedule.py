"""The order of commands: three units work at once, fed by one stream.

The dispatcher takes commands in program order into the queues of load, execute and store, and a
full queue holds up everything behind. So the best program order is the order in which the units
would take their work: this scheduler keeps a clock, the time each unit is free and the filling of
its queue, and always emits the job whose unit would run dry first.
"""

import enum
from dataclasses import dataclass

from hw.config import Config
from hw.isa import Command


class Unit(enum.IntEnum):
    """The units that work side by side; each keeps the order of its own jobs."""

    LOAD = 0
    EXECUTE = 1
    STORE = 2


LATENCY = {Unit.LOAD: 10, Unit.EXECUTE: 40, Unit.STORE: 12}
"""Cycles from a job's last beat to its effect, roughly; only the order depends on it."""


@dataclass
class Job:
    """One command for a unit (or a preload with its compute).

    Attributes
    ----------
    settings
        Configuration commands that must be in force, by the register set they write.
    cycles
        How long the unit is occupied.
    after
        For every unit the number of its jobs that must come before this one.
    fetch
        Cycles to fetch new weights, which overlap with the computes before.
    """

    unit: Unit
    commands: tuple[Command, ...]
    settings: tuple[tuple[str, Command], ...]
    cycles: int
    after: tuple[int, int, int]
    fetch: int = 0


class _Queue:
    """One unit's jobs, those already emitted and when they finish by the model."""

    def __init__(self, unit: Unit, jobs: list[Job], depth: int):
        self.unit, self.jobs, self.depth = unit, jobs, depth
        self.finish: list[int] = []
        self.free = 0
        self.weights_free = 0

    @property
    def head(self) -> Job | None:
        return self.jobs[len(self.finish)] if len(self.finish) < len(self.jobs) else None

    @property
    def opens(self) -> int:
        """When the queue has room for one more job."""
        return self.finish[-self.depth] if len(self.finish) >= self.depth else 0

    def push(self, now: int, ready: int) -> None:
        job = self.head
        start = max(now, self.free, ready)
        if job.fetch:
            start = max(start, max(now, self.weights_free, ready) + job.fetch)
            self.weights_free = start
        self.free = start + job.cycles
        self.finish.append(self.free + LATENCY[self.unit])


def schedule(config: Config, jobs: list[list[Job]]) -> tuple[list[Command], int]:
    """Commands in program order, and the cycles the model expects; `jobs` by unit."""
    depths = (config.load_queue, config.execute_queue, config.store_queue)
    queues = [_Queue(unit, jobs[unit], depths[unit]) for unit in Unit]
    commands: list[Command] = []
    settings: dict[str, Command] = {}
    clock = 0
    while True:
        legal = [q for q in queues if q.head is not None and _may_follow(q.head, queues)]
        if not legal:
            break
        open_now = [q for q in legal if q.opens <= clock]
        if not open_now:
            clock = min(q.opens for q in legal)
            continue
        queue = min(open_now, key=lambda q: q.free)
        job = queue.head
        for name, command in job.settings:
            if settings.get(name) != command:
                settings[name] = command
                commands.append(command)
                clock += 1
        commands += job.commands
        clock += len(job.commands)
        ready = max((queues[u].finish[n - 1] for u, n in enumerate(job.after) if n), default=0)
        queue.push(clock, ready)
    left = sum(len(q.jobs) - len(q.finish) for q in queues)
    if left:
        raise AssertionError(f"{left} jobs wait for one another")
    return commands, max((q.finish[-1] for q in queues if q.finish), default=0)


def _may_follow(job: Job, queues: list[_Queue]) -> bool:
    return all(len(queue.finish) >= n for queue, n in zip(queues, job.after, strict=True))
