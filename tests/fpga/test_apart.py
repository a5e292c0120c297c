"""Modules for which LUTs are chosen by themselves."""

import re
from pathlib import Path

import pytest

from fpga.apart import FAILS, MODULES, apart, attempted
from fpga.board import BARE, board
from fpga.families import FAMILIES
from fpga.rtlil import emit
from fpga.top import Top
from hw.config_text import parse_config
from sim.tools import ToolError

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


@pytest.mark.parametrize("most", [0, 2, len(MODULES)])
def test_as_many_as_yosys_can_do_are_kept(most):
    tried = []

    def synthesise(script: str) -> Path:
        tried.append(script)
        if script.count("*.accelerator.") > most:
            raise ToolError(f"ERROR: Assert `{FAILS}' failed in rtlil.cc")
        return Path("netlist")

    assert attempted(SCRIPT, TWO, synthesise) == Path("netlist")
    assert tried[-1] == apart(SCRIPT, TWO, MODULES[:most])
    assert len(tried) == 1 + len(MODULES) - most


def test_other_errors_are_passed_on():
    def synthesise(script: str) -> Path:
        raise ToolError("ERROR: no such module")

    with pytest.raises(ToolError, match="no such module"):
        attempted(SCRIPT, TWO, synthesise)


def test_the_modules_are_there():
    at = board("colorlight_i9")
    top = Top(TWO, at)
    names = re.findall(r"^module \\(\S+)", emit(top, None, top.ports), re.MULTILINE)
    assert names
    for module in MODULES:
        assert sum(name.endswith(f".accelerator.{module}") for name in names) == 1, module
