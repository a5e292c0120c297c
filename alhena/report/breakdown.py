"""Tables that say where cycles went."""

from collections.abc import Iterable

from sim.breakdown import BOUNDS, UNITS, Timing

from . import console

MEANING = {
    "idle": "no command",
    "on load": "its next command waits for a load",
    "on execute": "its next command waits for a compute",
    "on store": "its next command waits for a store",
    "requests": "memory takes no request, or too many are under way",
    "memory": "waits for memory",
    "local": "a row stands ready, the local memory is taken",
    "rows": "waits for rows of the local memory",
    "weights": "a row stands ready, its weights do not",
    "distance": "waits for the last sum of the same row",
    "scaler": "rows are being scaled or pooled",
    "acks": "waits for acknowledgements",
    "drain": "the last command ends",
    "answer": "waits for an answer",
    "active": "works",
}
OF_COMMANDS = {
    "idle": "nothing to decode",
    "on load": "load's queue is full",
    "on execute": "execute's queue is full",
    "on store": "store's queue is full",
    "active": "decodes",
}


def _percent(count: int, cycles: int) -> str:
    return f"{100 * count / max(1, cycles):.1f} %"


def show_layers(title: str, layers: Iterable[tuple[str, Timing]]):
    """One line per layer: what bounds it, and the shares."""
    columns = ("layer", "cycles", "bound by", *BOUNDS, "load", "array", "store")
    rows = []
    for name, timing in layers:
        shares = [_percent(timing.bounds.get(bound, 0), timing.cycles) for bound in BOUNDS]
        busy = [f"{100 * timing.share(unit):.1f} %" for unit in UNITS[:3]]
        rows.append((name, timing.cycles, timing.bound, *shares, *busy))
    console.out.print(console.table(title, columns, rows), soft_wrap=True)
    console.out.print(
        "[dim]bound by: what kept the array from the rest of its work; load, array, store: "
        "cycles in which a row or word moved[/]",
        highlight=False,
    )


def show_units(title: str, timing: Timing):
    """Every state of every unit."""
    rows = []
    for unit in UNITS:
        states = sorted(timing.units[unit].items(), key=lambda item: -item[1])
        for n, (state, count) in enumerate(states):
            meaning = OF_COMMANDS.get(state) if unit == "commands" else None
            what = meaning or MEANING[state]
            rows.append((unit if n == 0 else "", what, count, _percent(count, timing.cycles)))
    columns = ("unit", "what it does", "cycles", "share")
    console.out.print(console.table(title, columns, rows), soft_wrap=True)


def record(timing: Timing) -> dict:
    """As it stands in JSON."""
    return {
        "cycles": timing.cycles,
        "bound": timing.bound,
        "bounds": timing.bounds,
        "units": timing.units,
    }
