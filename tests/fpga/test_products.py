"""Products with constants, as sums, are the same, and take no multiplier block."""

import json

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Cat, Const, Module, Signal

from fpga.products import BITS, COMMAND, FILE, MAP
from fpga.steps import run_yosys
from sim.tools import ToolError
from tests.fpga.test_comparisons import EQUAL

WIDEST = (1 << BITS) - 1


def products(constants, width: int = 6) -> str:
    """A signal times each of some constants, either way round, as RTLIL."""
    m = Module()
    x, results = Signal(width, name="x"), []
    for constant in constants:
        results += [x * constant, constant * x]
    out = Signal(sum(map(len, results)), name="results")
    m.d.comb += out.eq(Cat(results))
    return rtlil.convert(m, name="top", ports=[x, out])


def proved(directory, design: str, text: str = MAP) -> str:
    (directory / FILE).write_text(text)
    run_yosys(design, EQUAL.format(command=COMMAND), directory)
    return (directory / "yosys.log").read_text()


def test_results_are_the_same(tmp_path):
    design = products([*range(33), 96, 100, WIDEST])
    assert "$mul" in design
    log = proved(tmp_path, design)
    assert "SAT proof finished - no model found: SUCCESS!" in log
    assert "by_constant" in log and "of_constant" in log


def test_other_results_are_found(tmp_path):
    with pytest.raises(ToolError):
        proved(tmp_path, products([24]), MAP.replace("x << n", "x << (n + 1)"))


@pytest.mark.parametrize(("constant", "blocks"), [(Const(24), 0), (Signal(5, name="y"), 1)])
def test_blocks_are_for_what_is_not_constant(tmp_path, constant, blocks):
    (tmp_path / FILE).write_text(MAP)
    m = Module()
    x, out = Signal(6, name="x"), Signal(11, name="out")
    m.d.comb += out.eq(x * constant)
    ports = [x, out] + ([constant] if blocks else [])
    design = rtlil.convert(m, name="top", ports=ports)
    run_yosys(design, f"{COMMAND}\nsynth_ecp5 -top top -json top.json", tmp_path)
    cells = json.loads((tmp_path / "top.json").read_text())["modules"]["top"]["cells"].values()
    assert sum(cell["type"] == "MULT18X18D" for cell in cells) == blocks
