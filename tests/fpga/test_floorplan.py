"""Places of the array's multiplier blocks."""

import json
import re

import pytest

from fpga import floorplan, zeros
from fpga.alone import Part, measure, netlist_of
from fpga.families import FAMILIES
from fpga.pieces import PIECES
from fpga.report import read
from hw.config_text import parse_config
from sim.tools import ToolError
from tests.support.trellis import grid

ECP5 = FAMILIES["ecp5"]
PLACE = re.compile(r"X(\d+)/Y(\d+)/(\w+)")
SMALL = Part(device="LFE5U-25F")
ROOM = {"LFE5U-25F": 28, "LFE5U-45F": 72, "LFE5U-85F": 156}


def array(dim: int, columns: int | None = None) -> list[tuple[int, int, str]]:
    return [(r, c, f"unit.pe_{r}_{c}.mac") for r in range(dim) for c in range(columns or dim)]


@pytest.mark.parametrize("device", ECP5.devices)
def test_places_are_where_the_tools_know_them(device):
    tiles = grid(device)
    there = [PLACE.fullmatch(place).groups() for row in ECP5.blocks(device) for place in row]
    assert len(set(there)) == len(there) == ROOM[device]
    for x, y, cell in there:
        assert (f"MIB_R{y}C{x}", f"MIB_DSP{cell[-1]}") in tiles
    assert sum(kind.startswith("MIB_DSP") and kind[-1] in "0145" for _, kind in tiles) == len(there)


@pytest.mark.parametrize("device", ECP5.devices)
@pytest.mark.parametrize("dim", [2, 4, 5, 8, 12])
def test_every_element_has_a_place_of_its_own(device, dim):
    rows = ECP5.blocks(device)
    found = floorplan.places(array(dim), rows)
    if dim * dim > ROOM[device]:
        assert found == {}
        return
    assert len(found) == len(set(found.values())) == dim * dim
    assert set(found.values()) <= {place for row in rows for place in row}


def test_rows_of_the_array_share_rows_of_blocks_and_columns_follow_each_other():
    found = floorplan.places(array(8), ECP5.blocks("LFE5U-85F"))
    where = {name: tuple(map(int, PLACE.match(at).groups()[:2])) for name, at in found.items()}
    for row, col, name in array(8):
        assert where[name][1] == (34 if row < 4 else 58)
        assert where[name][0] == where[f"unit.pe_{row % 4}_{col}.mac"][0]
    across = [where[f"unit.pe_0_{col}.mac"][0] for col in range(8)]
    assert across == sorted(across)
    assert {y for _, y in where.values()} == {34, 58}
    one = floorplan.places(array(4), ECP5.blocks("LFE5U-85F"))
    assert all("/Y34/" in at for at in one.values())
    full = floorplan.places(array(13, 12), ECP5.blocks("LFE5U-85F"))
    assert len(set(full.values())) == 156


@pytest.mark.parametrize(
    "device, dim", [("LFE5U-45F", 6), *(("LFE5U-85F", dim) for dim in (4, 7, 8, 10, 12))]
)
def test_other_blocks_have_a_tile_amid_the_array(device, dim):
    rows = ECP5.blocks(device)
    middle = len(rows[0]) // 2 // 4 * 4
    free = {place for row in rows for place in row[middle : middle + 4]}
    alone, beside = (floorplan.places(array(dim), rows, others) for others in (False, True))
    assert free & set(alone.values()) and not free & set(beside.values())
    across = [int(PLACE.match(beside[f"unit.pe_0_{col}.mac"])[1]) for col in range(dim)]
    gap = int(PLACE.match(rows[0][middle])[1])
    assert across == sorted(across) and across[0] < gap < across[-1]
    assert len(set(beside.values())) == dim * dim


def test_an_array_that_takes_all_blocks_leaves_none():
    full = floorplan.places(array(13, 12), ECP5.blocks("LFE5U-85F"), others=True)
    assert len(set(full.values())) == 156


def test_only_blocks_of_processing_elements_are_placed():
    cells = {
        "board.system.accelerator.mesh.pe_1_0.mac.o_MULT18X18D_P35": {"type": "MULT18X18D"},
        "unit.pe_0_11.mac.product.block": {"type": "MULT18X18D"},
        "unit.pe_0_1.mac.sum_LUT4_Z": {"type": "LUT4"},
        "board.system.cpu.core_MULT18X18D_P0": {"type": "MULT18X18D"},
    }
    names = list(cells)
    found = floorplan.elements(cells, "MULT18X18D")
    assert found == [(0, 11, names[1]), (1, 0, names[0])]


@pytest.mark.parametrize("device", ECP5.devices)
def test_each_tile_of_blocks_is_a_group(device):
    rows = ECP5.blocks(device)
    found = floorplan.places(array(5), rows)
    groups = floorplan.tiles(found, rows)
    assert sorted(name for group in groups for name in group) == sorted(found)
    for group in groups:
        at = [PLACE.fullmatch(found[name]).groups() for name in group]
        columns = {int(x) - int(cell[-1]) for x, _, cell in at}
        assert len(columns) <= 1 and len({y for _, y, _ in at}) <= 1


def test_blocks_of_a_tile_take_their_zeros_from_a_table_near_them():
    cells = {
        name: {
            "type": "MULT18X18D",
            "connections": {"RST0": ["0"], "SOURCEA": [7], "SOURCEB": ["0"], "A0": ["0"]},
        }
        for name in ("one", "two", "three", "other")
    }
    zeros.near(cells, [["one", "two"], [], ["three"]], ECP5)
    wires = {name: cell["connections"] for name, cell in cells.items()}
    tables = {name: cell for name, cell in cells.items() if cell["type"] == "LUT4"}
    (first,), (second,) = (cell["connections"]["Z"] for cell in tables.values())
    assert first != second and min(first, second) > 7
    assert all(int(cell["parameters"]["INIT"], 2) == 0 for cell in tables.values())
    for name, net in (("one", first), ("two", first), ("three", second), ("other", "0")):
        assert wires[name] == {"RST0": [net], "SOURCEA": [7], "SOURCEB": [net], "A0": ["0"]}


@pytest.mark.parametrize("changes", ["mac_stages=3", "products_per_dsp=2,format=int4"])
def test_nextpnr_takes_the_places(changes):
    config = parse_config(f"tiny:dim=4,partial=int20,{changes}")
    try:
        got = measure(PIECES["mesh"].create(config), SMALL)
    except ToolError as error:
        if "is missing" in str(error):
            pytest.skip(str(error))
        raise
    planned = floorplan.floorplanned(got.netlist, ECP5, SMALL.device)
    cells = read(planned / "top.json")["modules"]["top"]["cells"]
    fixed = [cell["attributes"]["BEL"] for cell in cells.values() if "BEL" in cell["attributes"]]
    assert len(set(fixed)) == len(fixed) == got.used("dsp") == 16 // config.products_per_dsp


def test_without_blocks_a_netlist_stays_as_it_is():
    try:
        mesh = PIECES["mesh"].create(parse_config("tiny:dim=2"))
        kept = netlist_of(mesh, Part(), dsp=False)
    except ToolError as error:
        if "is missing" in str(error):
            pytest.skip(str(error))
        raise
    before = json.loads((kept / "top.json").read_text())
    assert read(floorplan.floorplanned(kept, ECP5, "LFE5U-85F") / "top.json") == before
    assert floorplan.floorplanned(kept, FAMILIES["ice40"], "UP5K") == kept
