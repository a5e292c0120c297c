"""What tools say when they fail."""

import pytest

from fpga import steps
from sim.cache import build_directory
from sim.tools import Tool, ToolError

LOG = """\
Info: 	          MULT18X18D:      64/     28   228%
Info: 	          TRELLIS_FF:      29/  83640     0%
"""


def test_a_design_that_is_too_large_says_of_what(tmp_path, monkeypatch):
    monkeypatch.setenv("ALHENA_BUILD", str(tmp_path))
    (tmp_path / "top.json").write_text("{}")
    program = Tool("nextpnr-ecp5", ("sh", "-c", f"printf '%s' '{LOG}' >nextpnr.log; exit 1"), "1")
    with pytest.raises(steps.DoesNotFit, match="^does not fit: needs 64 MULT18X18D of 28$"):
        steps.placed("unit", tmp_path, {}, [(program, ())])
    assert not [path for path in build_directory("fpga", "placed").iterdir() if path.is_dir()]


def test_other_failures_show_the_log(tmp_path, monkeypatch):
    monkeypatch.setenv("ALHENA_BUILD", str(tmp_path))
    (tmp_path / "top.json").write_text("{}")
    program = Tool("nextpnr-ecp5", ("sh", "-c", "echo ERROR: no way >nextpnr.log; exit 3"), "1")
    with pytest.raises(ToolError, match=r"failed \(3\)(.|\n)*ERROR: no way") as caught:
        steps.placed("unit", tmp_path, {}, [(program, ())])
    assert not isinstance(caught.value, steps.DoesNotFit)


@pytest.mark.parametrize(
    "said, times", [("ERROR: Assert `a == b' failed in kernel.cc:1", 1), ("ERROR: no module", 2)]
)
def test_yosys_is_not_asked_again_where_an_assertion_of_its_own_failed(
    tmp_path, monkeypatch, said, times
):
    monkeypatch.setenv("ALHENA_BUILD", str(tmp_path))
    runs, log = tmp_path / "runs", tmp_path / "log"
    log.write_text(said)
    program = Tool("yosys", ("sh", "-c", f"echo run >>{runs}; cp {log} yosys.log; exit 1"), "1")
    monkeypatch.setattr(steps, "tool", lambda name: program)
    for _ in range(2):
        with pytest.raises(ToolError, match=said[7:15]):
            steps.synthesised("unit", "design", "script", {})
    assert runs.read_text().count("run") == times
