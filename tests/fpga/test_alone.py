"""Units alone on a device, and what of a configuration may be one."""

import pytest

from fpga.alone import Part, Registered, netlist_of
from fpga.board import BoardError
from fpga.families import FAMILIES
from fpga.pieces import PIECES, piece
from hw.config_text import parse_config
from sim.tools import ToolError
from tests.fpga.test_bitstream import CONFIG


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"family": "ice40"}, "family is 'ice40'; it must be one of ecp5"),
        ({"device": "LFE5U-12F"}, "device is 'LFE5U-12F'; it must be one of LFE5U-25F, LFE5U-45F"),
    ],
)
def test_devices_that_there_are_not(choice, message):
    with pytest.raises(BoardError, match=message):
        Part(**choice)


def test_every_device_of_a_family_is_a_part():
    for family in FAMILIES.values():
        for device in family.devices:
            assert Part(family.name, device).tools is family
            assert "--out-of-context" in family.place_alone(device, large=False)


@pytest.mark.parametrize("name", PIECES)
def test_pieces_have_registers_at_their_ports(name):
    members = set(Registered(PIECES[name].create(CONFIG)).signature.members)
    wanted = {"mesh": "inputs_payload", "array": "weights_valid"}
    assert wanted.get(name, "memory_read_request_valid") in members


def test_a_mesh_has_no_lines_and_the_array_those_of_the_configuration():
    config = parse_config("tiny")
    assert config.depthwise
    assert [PIECES[name].create(config).config.depthwise for name in PIECES][:2] == [False, True]


def test_an_unknown_piece_names_those_there_are():
    with pytest.raises(BoardError, match="what is 'core'; it must be one of mesh, array, accel"):
        piece("core")


def test_products_may_stay_out_of_multiplier_blocks():
    mesh = PIECES["mesh"].create(parse_config("tiny:dim=2,format=int8"))
    try:
        kept = [netlist_of(mesh, Part(), dsp) / "top.json" for dsp in (True, False)]
    except ToolError as error:
        if "is missing" in str(error):
            pytest.skip(str(error))
        raise
    counts = [path.read_text().count('"type": "MULT18X18D"') for path in kept]
    assert counts == [4, 0]
