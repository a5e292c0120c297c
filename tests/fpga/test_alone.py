"""Units alone on a device, and what of a configuration may be one."""

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from fpga.alone import Part, Registered, Threaded, measure, netlist_of
from fpga.board import BoardError
from fpga.families import FAMILIES
from fpga.pieces import PIECES, piece
from hw.config_text import parse_config
from sim.tools import ToolError
from tests.fpga.test_bitstream import CONFIG


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"family": "nexus"}, "family is 'nexus'; it must be one of ecp5, gowin, ice40"),
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
            arguments = family.place_alone(device, large=False)
            assert ("--out-of-context" in arguments) == family.pinless


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


BLOCKS = {"ecp5": "MULT18X18D", "gowin": "MULT9X9", "ice40": "SB_MAC16"}


@pytest.mark.parametrize("stages", [1, 3])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_mesh_is_placed_on_every_family(name, stages):
    part = Part(name, FAMILIES[name].devices[-1])
    mesh = PIECES["mesh"].create(parse_config(f"tiny:dim=2,partial=int20,mac_stages={stages}"))
    try:
        got = measure(mesh, part)
    except ToolError as error:
        if "is missing" in str(error):
            pytest.skip(str(error))
        raise
    assert got.used("dsp") == 4
    assert (got.netlist / "top.json").read_text().count(f'"type": "{BLOCKS[name]}"') == 4
    assert 0 < got.carry < got.lut or (name == "ice40" and got.carry == 0)
    assert all(0 <= each["used"] < each["available"] for each in got.resources.values())
    assert got.mhz[1] > 20


class Adder(wiring.Component):
    def __init__(self):
        super().__init__({"a": In(3), "b": In(4), "low": Out(2), "high": Out(3)})

    def elaborate(self, platform):
        m = Module()
        total = self.a + self.b
        m.d.comb += [self.low.eq(total[:2]), self.high.eq(total[2:])]
        return m


def test_units_on_two_pins_see_all_that_is_shifted_in():
    bits = [int(bit) for bit in "1011001110001111010110010001101"]
    dut, seen, wanted = Threaded(Adder()), [], []
    inputs, outputs = 0, 0
    for bit in bits:  # ports in their order: a, b and low, high
        total = (inputs & 7) + (inputs >> 3)
        outputs = (outputs << 1 & 31) ^ total
        inputs = (inputs << 1 | bit) & 127
        wanted.append(outputs >> 4)

    async def bench(ctx):
        for bit in bits:
            ctx.set(dut.i, bit)
            await ctx.tick()
            seen.append(ctx.get(dut.o))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert seen == wanted and 0 < sum(seen) < len(seen)
