"""Places for the block RAMs of scratchpad and accumulator memory, beside an array that has some."""

import re
from collections.abc import Mapping, Sequence

from .families import Family

BLOCK = re.compile(r"(?:^|\.)(scratchpad|accumulator)\.banks\.bank\d+\.\d+\.(\d+)$")
"""A block of a bank of either memory, in the cell's name: the last number is its part of a row."""

PLACE = re.compile(r"X(\d+)/Y(\d+)/")
"""Where a place is, in the name that nextpnr has for it."""

SHARES = {"accumulator": (1 / 3, 2 / 3), "scratchpad": (1 / 4, 1 / 4)}
"""Where the first and the last block of each memory are, in widths of the array from its first
column (decision 43)."""

Rows = Sequence[Sequence[str]]


def where(place: str) -> tuple[int, int]:
    """Column and row of a place."""
    return tuple(map(int, PLACE.match(place).groups()))


def parts(cells: Mapping[str, dict], kind: str, memory: str) -> list[str]:
    """The cells of a `kind` that are blocks of `memory`, in the order of the parts of a row that
    they hold: those with the first lanes of all banks come first."""
    blocks = [(BLOCK.search(name), name) for name in cells if cells[name]["type"] == kind]
    of_memory = [(int(found[2]), name) for found, name in blocks if found and found[1] == memory]
    return [name for _, name in sorted(of_memory)]


def beside(
    array: Mapping[str, str], cells: Mapping[str, dict], family: Family, rows: Rows
) -> dict[str, str]:
    """Places for blocks of the memories from `rows` of places, of an array whose blocks are at the
    places `array`.

    Results leave the array's last row: the accumulator memory has the row of places nearest to
    that. Operands come in at the first row, inputs from the first column: the scratchpad is near,
    in another row of places. How far the blocks of each lie apart is a compromise of the way of
    data to the columns and that of addresses and masks to all blocks (:data:`SHARES`). A memory
    with more blocks than a row of places is left to nextpnr.
    """
    if not array or not rows:
        return {}
    xs, ys = zip(*map(where, array.values()), strict=True)
    middle = sum(where(row[0])[1] for row in rows) / len(rows)
    left, result = list(rows), {}
    for memory, y in (("accumulator", max(ys)), ("scratchpad", min(ys))):
        blocks = parts(cells, family.cells["bram"][0], memory)
        heights = {where(row[0])[1]: row for row in left}
        nearest = min(heights, key=lambda at: (abs(at - y), abs(at - middle)), default=None)
        if nearest is None or not 0 < len(blocks) <= len(heights[nearest]):
            continue
        left.remove(heights[nearest])
        first, last = (min(xs) + share * (max(xs) - min(xs)) for share in SHARES[memory])
        room = _around(heights[nearest], first, last, len(blocks))
        for n, name in enumerate(blocks):
            result[name] = room[(2 * n + 1) * len(room) // (2 * len(blocks))]
    return result


def _around(row: Sequence[str], first: float, last: float, count: int) -> list[str]:
    """The places of a `row` from column `first` to `last`, but at least `count`, in their order."""
    middle, reach = (first + last) / 2, (last - first) / 2
    away = {place: abs(where(place)[0] - middle) for place in row}
    nearest = sorted(row, key=away.get)
    return sorted(nearest[: max(count, sum(x <= reach for x in away.values()))], key=where)
