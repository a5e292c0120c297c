"""Zeros from look-up tables near the blocks that want them.

nextpnr brings all from one table. Where hundreds of pins of multiplier blocks want one that nothing
but a wire can bring, `router1` does not always come to an end with that net.
"""

from collections.abc import Iterable, Mapping, Sequence

from .families import Family


def near(cells: dict[str, dict], groups: Iterable[Sequence[str]], family: Family):
    """The pins `family.zeros` of each group of cells take their zeros from a table of the group's
    own; `cells` are a module's, as yosys writes them, and are changed."""
    free = 1 + max(_nets(cells), default=1)
    for number, group in enumerate(groups):
        pins = [
            (cell, pin)
            for cell in group
            for pin in family.zeros
            if cells[cell]["connections"].get(pin) == ["0"]
        ]
        for cell, pin in pins:
            cells[cell]["connections"][pin] = [free + number]
        if pins:
            cells[f"zero_{number}"] = _table(free + number)


def _nets(cells: Mapping[str, dict]) -> Iterable[int]:
    for cell in cells.values():
        for bits in cell["connections"].values():
            yield from (bit for bit in bits if isinstance(bit, int))


def _table(net: int) -> dict:
    """A LUT4 that is always 0."""
    return {
        "hide_name": 0,
        "type": "LUT4",
        "parameters": {"INIT": f"{0:016b}"},
        "attributes": {},
        "port_directions": {**dict.fromkeys("ABCD", "input"), "Z": "output"},
        "connections": {**{pin: ["0"] for pin in "ABCD"}, "Z": [net]},
    }
