"""Where the registers of a pipeline go: a chain of steps, cut so that delays balance."""

from collections.abc import Sequence
from itertools import combinations
from types import SimpleNamespace

from amaranth.hdl import Module, Signal, Value


def partition(delays: Sequence[float], stages: int) -> tuple[int, ...]:
    """Registers before each step, `stages` - 1 in all, so that the slowest stage is fastest.

    `delays` are those of the steps, in any unit. If there are more registers than steps, the rest
    stands before the first. Behind the last step is one register more, which is not counted.
    """
    steps = len(delays)
    inner = min(stages, steps) - 1

    def slowest(cuts: tuple[int, ...]) -> float:
        edges = (0, *cuts, steps)
        return max(sum(delays[a:b]) for a, b in zip(edges, edges[1:], strict=False))

    best = min(combinations(range(1, steps), inner), key=slowest)
    return (stages - 1 - inner, *(int(n in best) for n in range(1, steps)))


class Line:
    """Named values on their way through a module `m`; `counts` as :func:`partition` gives them."""

    def __init__(self, m: Module, counts: Sequence[int]):
        self._m = m
        self._counts = tuple(counts)
        self._step = 0

    def cut(self, **values: Value) -> SimpleNamespace:
        """The values as the next step sees them; to be called before every step."""
        out = {}
        for name, value in values.items():
            value = Value.cast(value)
            here = Signal(value.shape(), name=f"{name}_{self._step}")
            self._m.d.comb += here.eq(value)
            for n in range(self._counts[self._step]):
                label = f"{name}_{self._step}_r{n}"
                kept = Signal(value.shape(), name=label, reset_less=True)
                self._m.d.sync += kept.eq(here)
                here = kept
            out[name] = here
        self._step += 1
        return SimpleNamespace(**out)
