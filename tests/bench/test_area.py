"""Area of one small unit, and the table's rows."""

import pytest

from bench import area
from fpga.alone import Registered
from hw.arith.mac import Mac
from hw.formats import Int
from sim.tools import ToolError

TINY = Mac(Int(3), Int(2), Int(8))


def test_a_small_unit_is_placed_and_timed():
    try:
        got = area.area(TINY.create(), seeds=(1,))
    except ToolError as error:
        if "is missing" in str(error):
            pytest.skip(str(error))
        raise
    assert got.ff == 3 + 2 + 3 * 8  # sum: in, inside, out
    assert 8 <= got.lut <= got.packed < 60
    assert got.dsp == 0
    assert 0 < got.depth < got.gates
    assert 50 < got.mhz < 1000


def test_a_mesh_gets_registers_at_its_ports():
    create, _, _ = area.units()["mesh 8x8 int8 in LUTs"]
    unit = Registered(create())
    names = set(unit.signature.members)
    assert {"weights_payload", "inputs_ready", "results_payload"} <= names
    assert "results_ready" not in names  # it always is


def test_every_pair_and_sum_has_a_mesh():
    pairs = {(mac.input, mac.weight, mac.sum) for mac, _ in area.MACS}
    assert pairs == {(mac.input, mac.weight, mac.sum) for mac, _, _ in area.MESHES.values()}


def test_units_have_names_of_their_own():
    lists = area.MACS, area.IN_BLOCKS, area.UNITS, area.SCALES, area.MESHES
    assert len(area.units()) == sum(map(len, lists)) + 5
    assert len({row.name for row in area.rows()}) == 2 * len(area.units())


def test_peers_stand_beside_units_that_there_are():
    assert set(area.ALSO) <= set(area.units())
    assert area.peers("scales of mxfp4, a column") == []
    assert len(area.peers("mesh 8x8 int8 in DSPs, 3 stages")) == 4
    for peer in (peer for name in area.units() for peer in area.peers(name)):
        assert peer["lut"] > 0 and peer["mhz"] > 0 and peer["name"]
