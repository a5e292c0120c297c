"""Places for the array's multiplier blocks and its memories, which nextpnr then places the rest
around."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import memory_places, zeros
from .families import Family
from .memory_places import beside
from .steps import changed
from .zeros import near

ELEMENT = re.compile(r"(?:^|\.)pe_(\d+)_(\d+)\.")
"""The processing element that a cell was made for, in the cell's name: row and column."""

WHOLE = 4
"""Blocks that one tile has: a row's share begins with a whole one."""


def elements(cells: Mapping[str, dict], kind: str) -> list[tuple[int, int, str]]:
    """(row, column, name) of the cells of a `kind` in processing elements, row by row."""
    named = [(ELEMENT.search(name), name) for name in cells if cells[name]["type"] == kind]
    return sorted((int(found[1]), int(found[2]), name) for found, name in named if found)


def places(
    found: Sequence[tuple[int, int, str]], rows: Sequence[Sequence[str]], others: bool = False
) -> dict[str, str]:
    """A place for each of the cells `found`; none if there are more than `rows` of places have.

    As few rows as will do take equal shares of the array, from its upper rows to its lower ones,
    the middle rows first. Within a row of places, columns of the array follow each other, in the
    middle. If there are `others` outside the array, the tile in the very middle is left to them
    where there is room: most of them scale results, which come from all columns.

    ::

        row 34   pe_0_0 pe_1_0 pe_2_0 pe_3_0 pe_0_1 pe_1_1 …
        row 58   pe_4_0 pe_5_0 pe_6_0 pe_7_0 pe_4_1 pe_5_1 …
    """
    room = min(map(len, rows), default=0)
    if others and len(found) <= len(rows) * (room - WHOLE):
        room, middle = room - WHOLE, room // 2 // WHOLE * WHOLE
        rows = [[*row[:middle], *row[middle + WHOLE :]] for row in rows]
    bands = -(-len(found) // room) if room else 0
    if not 0 < bands <= len(rows):
        return {}
    first, share = (len(rows) - bands + 1) // 2, -(-len(found) // bands)
    result = {}
    for band in range(bands):
        part = found[band * share : (band + 1) * share]
        row = rows[first + band]
        start = (len(row) - len(part)) // 2 // WHOLE * WHOLE
        ordered = sorted(part, key=lambda cell: (cell[1], cell[0], cell[2]))
        result |= {name: row[start + n] for n, (_, _, name) in enumerate(ordered)}
    return result


def tiles(found: Mapping[str, str], rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The cells, of those that have places, of each tile."""
    at = {place: name for name, place in found.items()}
    parts = (row[n : n + WHOLE] for row in rows for n in range(0, len(row), WHOLE))
    return [[at[place] for place in part if place in at] for part in parts]


def floorplanned(netlist: Path, family: Family, device: str, clocked: bool = False) -> Path:
    """Directory with ``top.json`` of `netlist`, where the array's multiplier blocks have places;
    `netlist` itself if nothing has. `clocked`: array and memories have a clock of their own; then
    memories have places, too. Else their addresses come from all over the core, which nextpnr
    places better with them (decision 43)."""
    rows, memories = family.blocks(device), family.memories(device) if clocked else ()
    if not rows:
        return netlist

    def change(top: dict):
        cells = top["cells"]
        of_array = elements(cells, family.block)
        blocks = sum(cell["type"] == family.block for cell in cells.values())
        found = places(of_array, rows, others=blocks > len(of_array))
        for name, place in (found | beside(found, cells, family, memories)).items():
            cells[name]["attributes"]["BEL"] = place
        near(cells, tiles(found, rows), family)

    sources = [Path(module.__file__) for module in (memory_places, zeros)]
    return changed(netlist, "floorplans", change, repr((rows, memories)), Path(__file__), *sources)
