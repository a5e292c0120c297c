"""Places of the block RAMs beside an array."""

import pytest

from fpga import floorplan
from fpga.families import FAMILIES
from fpga.memory_places import beside, parts, where
from tests.support.trellis import grid

ECP5 = FAMILIES["ecp5"]
DEVICE = "LFE5U-85F"
BLOCKS = {"LFE5U-25F": 56, "LFE5U-45F": 108, "LFE5U-85F": 208}


def blocks(memory: str, banks: int, count: int) -> dict[str, dict]:
    return {
        f"board.accelerator.{memory}.banks.bank{bank}.0.{part}": {"type": "DP16KD"}
        for bank in range(banks)
        for part in range(count)
    }


def array(dim: int, device: str = DEVICE) -> dict[str, str]:
    found = [(r, c, f"unit.pe_{r}_{c}.mac") for r in range(dim) for c in range(dim)]
    return floorplan.places(found, ECP5.blocks(device))


@pytest.mark.parametrize("device", ECP5.devices)
def test_places_are_where_the_tools_know_them(device):
    # the first tile of a block beside a clock's spine has another name, those after it have not
    tiles = grid(device)
    there = [place for row in ECP5.memories(device) for place in row]
    assert len(set(there)) == len(there) == BLOCKS[device]
    for place in there:
        (x, y), block = where(place), int(place[-1])
        assert (f"MIB_R{y}C{x + 1}", f"MIB_EBR{2 * block + 1}") in tiles
    assert sum(kind in {f"MIB_EBR{n}" for n in (1, 3, 5, 7)} for _, kind in tiles) == len(there)


def test_sums_are_in_the_order_of_their_lanes_and_operands_between_first_column_and_middle():
    cells = blocks("accumulator", 2, 8) | blocks("scratchpad", 2, 3)
    at = array(12)
    found = beside(at, cells, ECP5, ECP5.memories(DEVICE))
    assert found.keys() == cells.keys() and len(set(found.values())) == len(cells)
    places = {name: where(place) for name, place in found.items()}
    for bank in range(2):
        name = f"board.accelerator.accumulator.banks.bank{bank}.0."
        lanes = [places[f"{name}{lane}"] for lane in range(8)]
        assert lanes == sorted(lanes) and {y for _, y in lanes} == {46}
    first, last = (where(at[f"unit.pe_0_{column}.mac"])[0] for column in (0, 11))
    for name, (x, y) in places.items():
        share = (x - first) / (last - first)
        if "scratchpad" in name:
            assert y == 22 and 0.15 < share < 0.35
        else:
            assert y == 46 and 0.29 < share < 0.71


@pytest.mark.parametrize(
    "device, dim, rows",
    [
        *((DEVICE, dim, {"accumulator": 46, "scratchpad": 22}) for dim in (4, 8, 12)),
        ("LFE5U-45F", 6, {"accumulator": 34, "scratchpad": 58}),
        ("LFE5U-25F", 4, {"accumulator": 25, "scratchpad": 37}),  # the nearer row is taken
    ],
)
def test_each_memory_has_a_row_of_places(device, dim, rows):
    cells = blocks("accumulator", 1, 4) | blocks("scratchpad", 1, 1)
    found = beside(array(dim, device), cells, ECP5, ECP5.memories(device))
    assert len(set(found.values())) == 5
    for name, place in found.items():
        (memory,) = [memory for memory in rows if memory in name]
        assert where(place)[1] == rows[memory]


def test_a_memory_too_large_for_a_row_is_left_to_nextpnr():
    cells = blocks("accumulator", 5, 12) | blocks("scratchpad", 1, 3)
    found = beside(array(12), cells, ECP5, ECP5.memories(DEVICE))
    assert found and all("scratchpad" in name for name in found)


def test_only_blocks_of_the_memories_are_placed():
    names = {
        "unit.scratchpad.banks.bank0.0.10": "DP16KD",
        "scratchpad.banks.bank0.0.0": "DP16KD",
        "scratchpad.banks.bank0.0.1": "TRELLIS_DPR16X4",
        "board.firmware.storage.0.0": "DP16KD",
        "board.system.cpu.core.RegFilePlugin_regFile.0.0": "DP16KD",
    }
    cells = {name: {"type": kind} for name, kind in names.items()}
    assert parts(cells, "DP16KD", "scratchpad") == [*names][1::-1]
    assert beside({}, cells, ECP5, ECP5.memories(DEVICE)) == {}
    assert beside(array(2), cells, ECP5, ()) == {}
