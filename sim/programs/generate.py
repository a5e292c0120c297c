"""Random programs, biased towards rows that units share and towards the corners of every field."""

from collections.abc import Callable

from hw.config import Config
from hw.isa import Command, encode

from . import loops_conv, loops_ws, moves, norms, tiles
from .draw import Drawer
from .illegal import illegal
from .program import TestProgram

LONGEST = 150
"""Commands that one draw may run, those inside loops included."""


def _query(g: Drawer) -> list[Command]:
    """Commands that answer, and the one that does nothing."""
    if g.chance(0.2):
        return [encode("flush", skip=g.rng.randrange(2))]
    if g.config.stochastic and g.chance(0.5):
        return [encode("random_seed", seed=g.rng.choice((0, g.rng.getrandbits(32))))]
    if g.chance(0.3) and g.config.counters:
        fields = {"reset": g.rng.randrange(2), "snapshot": g.rng.randrange(2)}
        return [encode("counter", **fields)]
    return [encode("error", clear=g.rng.randrange(2))]


def _wrong(g: Drawer) -> list[Command]:
    """A command that is not executed, often with a look at the error register."""
    out = [illegal(g.config, g.rng)]
    if g.chance(0.5):
        out.append(encode("error", clear=1))
    return out


Draw = Callable[[Drawer], list[Command]]
KINDS: tuple[tuple[int, Draw, str | None], ...] = (
    (28, moves.mvin, None),
    (16, moves.mvout, None),
    (26, tiles.tile, None),
    (6, tiles.compute, None),
    (8, moves.config_ld, None),
    (4, moves.config_st, None),
    (4, tiles.config_ex, None),
    (2, _query, None),
    (3, _wrong, None),
    (5, moves.mvout_spad, "spad_store"),
    (5, tiles.depthwise, "depthwise"),
    (8, tiles.weight_table, "weight_table"),
    (4, norms.config_norm, "normalisation"),
    (5, norms.statistics, "normalisation"),
    (8, loops_ws.loop_ws, "loop_ws"),
    (8, loops_conv.loop_conv, "loop_conv"),
)
"""How often what is drawn, and the option that it needs."""


def _kinds(config: Config) -> tuple[list[Draw], list[int]]:
    known = [(draw, weight) for weight, draw, needs in KINDS if not needs or getattr(config, needs)]
    return [draw for draw, _ in known], [weight for _, weight in known]


def _drawn(g: Drawer, kinds: list[Draw], weights: list[int]) -> list[Command]:
    """One command, or a few that belong together, that keep to the pages of the segment."""
    while True:
        saved = g.tracker.save()
        draw = g.rng.choices(kinds, weights)[0]
        commands = draw(g)
        good = g.tracker.follow(commands)
        tame = good or draw is _wrong or g.chance(0.3)
        if commands and tame and g.allowed() and g.tracker.ran <= LONGEST:
            return commands
        g.tracker.restore(saved)


def random_program(
    config: Config, seed: int, length: int = 60, bus_errors: bool | None = None
) -> TestProgram:
    """About `length` commands in one to four segments, a function of the arguments only.

    A loop counts with its configuration. `bus_errors` lets some moves leave the memory; None:
    every fourth seed does.
    """
    bus_errors = seed % 4 == 3 if bus_errors is None else bus_errors
    g = Drawer(config, seed, bus_errors)
    kinds, weights = _kinds(config)
    segments, total = [], 0
    for _ in range(g.rng.randint(1, 4)):
        segment = [encode("error", clear=1)] if bus_errors else []
        while len(segment) < length // 2 and total + len(segment) < length:
            segment += _drawn(g, kinds, weights)
        segments.append(tuple(segment))
        total += len(segment)
        g.new_segment()
        if total >= length:
            break
    return TestProgram(config, seed, tuple(segments))
