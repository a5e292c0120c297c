"""Modules for which LUTs are chosen by themselves."""

import re

from fpga.apart import MODULES, apart
from fpga.board import BARE, board
from fpga.families import FAMILIES
from fpga.rtlil import emit
from fpga.top import Top
from hw.config_text import parse_config

SCRIPT = FAMILIES["ecp5"].synthesis()
TWO = parse_config(f"tiny:{BARE},mac_stages=3,array_clock=2")


def test_one_clock_leaves_the_script_as_it_is():
    assert apart(SCRIPT, parse_config(f"tiny:{BARE}")) == SCRIPT


def test_modules_are_kept_while_luts_are_chosen_and_flattened_before_the_netlist_is_written():
    first, synthesis, after, *last = apart(SCRIPT, TWO).splitlines()
    assert first.startswith("setattr -mod -set keep_hierarchy 1 ")
    assert synthesis == SCRIPT.replace(" -json top.json", "")
    assert after == "setattr -mod -unset keep_hierarchy *"
    assert last == ["flatten", "opt_clean", "write_json top.json"]


def test_the_modules_are_there():
    at = board("colorlight_i9")
    top = Top(TWO, at)
    names = re.findall(r"^module \\(\S+)", emit(top, None, top.ports), re.MULTILINE)
    assert names
    for module in MODULES:
        assert sum(name.endswith(f".accelerator.{module}") for name in names) == 1, module
