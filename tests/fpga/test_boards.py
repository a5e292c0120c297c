"""Every board's data: what a new file has to fulfil."""

from dataclasses import replace

import pytest
from amaranth.hdl import Module, Signal

from fpga.board import Board, BoardError, Pin, board, boards
from fpga.families import FAMILIES
from fpga.families.family import nearest
from fpga.top import boot_words
from hw.soc.host import Host

BOARDS = boards()


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_is_complete(name):
    here = board(name)
    config, family = here.configured(), FAMILIES[here.family]
    assert here.name == name and here.title
    sites = [pin.site for pin in here.pins.values()]
    assert len(set(sites)) == len(sites)
    _, text = family.constraints(here)
    assert all(pin.site in text and port in text for port, pin in here.pins.items())
    m = Module()
    family.clocks(m, here, Signal())
    assert here.mhz * 1e6 / here.baud >= 16  # a bit has enough cycles
    assert len(boot_words(config, here)) * config.bus_bytes <= here.boot_bytes


REFUSED = {
    "ecp5": ((2000, 800), (48, 46.875)),
    "gowin": ((2000, 621), (29, 30)),
    "ice40": ((2000, 270), (20, 19.875)),
}
"""Clocks in MHz that no board of a family makes, and the nearest."""


@pytest.mark.parametrize("name", BOARDS)
def test_a_clock_that_no_pll_makes_is_refused(name):
    family = FAMILIES[BOARDS[name].family]
    for mhz, made in REFUSED[family.name]:
        with pytest.raises(BoardError, match=rf"{name}.mhz is {mhz}; the nearest .* is {made}"):
            family.clocks(Module(), replace(BOARDS[name], mhz=mhz), Signal())


def test_an_unknown_board_names_those_there_are():
    with pytest.raises(BoardError, match="board is 'arty'; it must be one of .*ulx3s"):
        board("arty")


@pytest.mark.parametrize("field", ["memory_bytes", "firmware_bytes", "boot_bytes"])
@pytest.mark.parametrize("size", [0, 3000, 1 << 31])
def test_sizes_that_no_region_has_are_refused(field, size):
    with pytest.raises(BoardError, match=f"ulx3s.{field} is {size}; it must be a power of two"):
        replace(BOARDS["ulx3s"], **{field: size})


@pytest.mark.parametrize(
    ("core", "baud", "most"),
    [
        ("vexriscv", 4_000_000, 3125000),
        ("vexriscv_lite", 2_000_000, 1562500),
        ("picorv32", 2_000_000, 1562500),
        ("serv", 230_400, 195312),
    ],
)
def test_lines_that_are_too_fast_for_the_core_are_refused(core, baud, most):
    with pytest.raises(
        BoardError, match=f"colorlight_i9.baud is {baud}; at 25 MHz {core} .* most {most}"
    ):
        replace(BOARDS["colorlight_i9"], host=Host(core), baud=baud)


def test_pins_that_are_held_high_are_pins():
    assert isinstance(BOARDS["ulx3s"], Board)
    assert replace(BOARDS["ulx3s"], high={"power": Pin("A1")}).pins["power"] == Pin("A1")


def test_the_nearest_clock_in_the_middle_of_the_range():
    assert nearest([(50.0, 9), (50.0, 2, 1), (51.0, 0)], 50.4) == (50.0, 2, 1)


def test_a_second_clock_is_a_whole_multiple_or_refused():
    here, tang = BOARDS["ulx3s"], BOARDS["tang_nano_20k"]
    for times in (2, 3, 4):
        mhz, off, _, _, after, array = nearest(FAMILIES["ecp5"].settings(here, times), here.mhz)
        assert mhz == here.mhz and off <= 100 and after == times * array
        with pytest.raises(BoardError, match=f"array_clock is {times}; it must be 1 on tang_nano"):
            FAMILIES["gowin"].clocks(Module(), tang, Signal(), times)


def test_the_boards_generators_run_well_inside_their_range():
    for here in BOARDS.values():
        mhz, off, *_ = nearest(FAMILIES[here.family].settings(here), here.mhz)
        assert mhz == here.mhz and off <= (160 if here.family == "ice40" else 50)  # of 533 MHz
