"""What yosys makes of comparisons means the same, and is smaller."""

import itertools
import json
from operator import ge, gt, le, lt

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Cat, Const, Module, Signal, signed, unsigned

from fpga.comparisons import COMMAND, FILE, MAP
from fpga.steps import run_yosys
from sim.tools import ToolError

SHAPES = (unsigned(4), signed(4), unsigned(2), signed(6))
EQUAL = """hierarchy -top top
proc
opt_clean
copy top gate
select gate
{command}
select -clear
miter -equiv -flatten -make_outputs top gate miter
sat -verify -prove trigger 0 -show-inputs miter
"""


def comparisons(pairs, *compare) -> str:
    """A module that compares signals of two shapes in each of some ways, as RTLIL."""
    m = Module()
    operands = [
        (Signal(a, name=f"a{n}"), Signal(b, name=f"b{n}")) for n, (a, b) in enumerate(pairs)
    ]
    results = Signal(len(compare) * len(operands), name="results")
    m.d.comb += results.eq(Cat(way(a, b) for way in compare for a, b in operands))
    return rtlil.convert(m, name="top", ports=[*itertools.chain(*operands), results])


def test_results_are_the_same(tmp_path):
    (tmp_path / FILE).write_text(MAP)
    design = comparisons(itertools.product(SHAPES, SHAPES), le, ge)
    assert "$le" in design and "$ge" in design
    run_yosys(design, EQUAL.format(command=COMMAND), tmp_path)
    log = (tmp_path / "yosys.log").read_text()
    assert "SAT proof finished - no model found: SUCCESS!" in log
    assert "Executing TECHMAP" in log and log.count("as_lt") > 0


def with_constants() -> str:
    """The same of a signal of 6 bits and every constant of 5, either way round."""
    m = Module()
    x, results = Signal(6, name="x"), []
    for constant in range(32):
        pairs = (x, Const(constant, 5)), (Const(constant, 5), x)
        results += [way(a, b) for way in (le, ge, lt, gt) for a, b in pairs]
    out = Signal(len(results), name="results")
    m.d.comb += out.eq(Cat(results))
    return rtlil.convert(m, name="top", ports=[x, out])


def test_results_with_constants_are_the_same(tmp_path):
    (tmp_path / FILE).write_text(MAP)
    run_yosys(with_constants(), EQUAL.format(command=COMMAND), tmp_path)
    log = (tmp_path / "yosys.log").read_text()
    assert "SAT proof finished - no model found: SUCCESS!" in log
    assert log.count("of_constant") > 0


@pytest.mark.parametrize(
    ("right", "wrong"), [("Y = !less", "Y = less"), ("(a[n] == b[n]", "(a[n] != b[n]")]
)
def test_a_wrong_map_is_found(tmp_path, right, wrong):
    assert right in MAP
    (tmp_path / FILE).write_text(MAP.replace(right, wrong))
    with pytest.raises(ToolError):
        run_yosys(with_constants(), EQUAL.format(command=COMMAND), tmp_path)


def test_a_constant_costs_gates_alone(tmp_path):
    (tmp_path / FILE).write_text(MAP)
    m = Module()
    x, y = Signal(16, name="x"), Signal(name="y")
    m.d.comb += y.eq(x > 8)
    script = f"{COMMAND}\nsynth_ecp5 -nowidelut -top top -json top.json"
    run_yosys(rtlil.convert(m, name="top", ports=[x, y]), script, tmp_path)
    cells = json.loads((tmp_path / "top.json").read_text())["modules"]["top"]["cells"]
    assert {cell["type"] for cell in cells.values()} == {"LUT4"}
    assert len(cells) <= 6


def test_they_are_carries_alone(tmp_path):
    (tmp_path / FILE).write_text(MAP)
    counts = []
    for command in ("", COMMAND):
        script = f"{command}\nsynth_ecp5 -nowidelut -top top -json top.json"
        run_yosys(comparisons([(unsigned(12), unsigned(12))] * 4, le), script, tmp_path)
        cells = json.loads((tmp_path / "top.json").read_text())["modules"]["top"]["cells"]
        counts.append(sum(cell["type"] == "LUT4" for cell in cells.values()))
    assert counts[1] < counts[0] / 2
