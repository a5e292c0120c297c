"""An SDRAM's controller as the generator makes it, and boards that do not fit their chip."""

from dataclasses import replace
from importlib import metadata

import pytest
from litedram import modules

from fpga.board import BoardError, board, boards
from fpga.sdram import generate as generator
from fpga.sdram.chip import PINS, Sdram
from fpga.sdram.generate import generate
from sim.soc import pins
from sim.tools import ToolError

WITH_SDRAM = [here for here in boards().values() if here.sdram]


@pytest.mark.parametrize("here", WITH_SDRAM, ids=lambda here: here.name)
def test_the_chip_is_as_large_as_litedram_says(here):
    chip, there = here.sdram, getattr(modules, here.sdram.module)
    assert chip.size == there.nbanks * there.nrows * there.ncols * chip.beat // 8
    assert chip.size == here.memory_bytes == pins.SDRAM_BYTES
    assert (1 << chip.width("a"), 1 << chip.width("ba")) == (there.nrows, there.nbanks)
    assert chip.beat == 8 * chip.width("dm")


@pytest.fixture
def made(monkeypatch, tmp_path):
    """Generates in a build folder of its own, by number."""

    def make(number):
        monkeypatch.setenv("ALHENA_BUILD", str(tmp_path / str(number)))
        found = generate(WITH_SDRAM[0])
        headers = sorted(found.include.rglob("*.h"))
        return found, [path.read_text() for path in (found.verilog, *headers)]

    return make


def test_the_same_settings_give_the_same_files(made):
    (first, texts), (second, again) = made(1), made(2)
    assert first.verilog != second.verilog and texts == again and len(texts) == 4
    assert "inout  wire   [15:0] sdram_dq" in texts[0] and "init_sequence" in "".join(texts)
    assert generate(WITH_SDRAM[0]) == second


def test_a_board_cannot_have_more_memory_than_its_chip():
    with pytest.raises(BoardError, match="ulx3s.memory_bytes is 67108864; its SDRAM has 33554432"):
        replace(board("ulx3s"), memory_bytes=64 << 20)


def test_a_chip_has_all_its_pins():
    with pytest.raises(ValueError, match=f"Sdram.sites has clk; it must have {', '.join(PINS)}"):
        Sdram("MT48LC16M16", 32 << 20, {"clk": "F19"})


def test_a_missing_generator_says_how_to_get_it(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(generator.metadata, "version", missing)
    with pytest.raises(ToolError, match=r"litedram is missing; run: .* install -e '.\[fpga\]'"):
        generate(board("ulx3s"))
