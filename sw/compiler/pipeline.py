"""What a sequence of loops takes: a small model of three units that work side by side."""

from collections.abc import Iterable
from dataclasses import dataclass

START, DRAIN, BETWEEN = 45, 50, 16
"""Cycles from a loop's first load to its first result, from the last one to idle, and from the end
of a loop's loads to the next one's."""


@dataclass(frozen=True)
class Work:
    """Cycles that one loop keeps each unit busy.

    Attributes
    ----------
    first
        Cycles of the loads that its first compute waits for.
    last
        Cycles of execute in which outputs become final, so that stores may run beside it.
    a, after_a
        Cycles until all of A is there, and of the computes that come after that at least.
    after_load
        Cycles of execute that remain when all loads are done at least.
    tail
        Cycles of stores that wait for the last outputs.
    plan
        Cycles from the start of the computes of the loop before to the first load.
    """

    load: int
    execute: int
    store: int
    first: int
    last: int
    a: int = 0
    after_a: int = 0
    after_load: int = 0
    tail: int | None = None
    plan: int = 0


def total_cycles(works: Iterable[Work]) -> int:
    """Cycles of loops one after another, each operand in the half that the last one left."""
    load = store = start = 0
    executed, stored = [0, 0], [0, 0]
    for work in works:
        begin = max(load, executed[-2], start + work.plan)
        load = begin + work.load + BETWEEN
        start = max(executed[-1], begin + work.first + START, stored[-2])
        end = max(
            start + work.execute,
            begin + work.a + START + work.after_a,
            begin + work.load + START + work.after_load,
        )
        executed.append(end)
        if work.store:
            tail = work.store if work.tail is None else work.tail
            store = max(store + work.store, end - work.last + tail, end)
            stored.append(store)
    return max(executed[-1], store) + DRAIN
