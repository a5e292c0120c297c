"""The model of an SDRAM's chip: what it keeps, and that it tells what data sheets forbid."""

from ctypes import c_char_p, c_double, c_uint32, c_void_p
from pathlib import Path

import pytest

from sim.cache import build_directory, content_key, made_once
from sim.rtl.simulation import Library
from sim.soc import pins
from sim.tools import compiler

MODE, REFRESH, PRECHARGE, ACTIVATE, WRITE, READ, NOTHING = range(7)
ALL = 1 << 10
AUTO = 1 << 10
PERIOD = 10.0
"""Nanoseconds of a cycle: tRCD and tRP take 3, tRC 7, tRAS 5, tWR 2."""

SIGNATURES = {
    "create": (c_void_p, [c_double]),
    "destroy": (None, [c_void_p]),
    "violation": (c_char_p, [c_void_p]),
    "edge": (c_uint32, [c_void_p, *[c_uint32] * 6]),
}


class Chip(Library):
    """The chip, and what a controller does with it; without `start` nobody has set its mode."""

    def __init__(self, start: bool = True, mode: int = 2 << 4):
        header, source = Path(pins.__file__).parent / "sdram.h", Path(__file__).parent / "chip.cpp"

        def make(directory):
            options = ("-O1", "-std=gnu++20", "-shared", "-fPIC", f"-I{header.parent}")
            compiler().run(*options, source, "-o", directory / "chip.so")

        key = content_key(header, source, compiler())
        library = made_once(build_directory("rtl") / f"chip-{key}", make) / "chip.so"
        super().__init__(library, "chip", SIGNATURES, PERIOD)
        if start:
            self.wait(10_001)
            self.do(PRECHARGE, a=ALL, then=3)
            self.do(REFRESH, then=7)
            self.do(REFRESH, then=7)
            self.do(MODE, a=mode, then=2)

    def edge(self, command=8, ba=0, a=0, dm=0, dq=0, driven=0):
        return self.call("edge", command, ba, a, dm, dq, driven)

    def wait(self, cycles):
        for _ in range(cycles):
            word = self.edge()
        return word

    def do(self, command, then=1, **pins):
        """A command, and the cycles until the next; what the chip drives before it."""
        word = self.edge(command, **pins)
        return word if then == 1 else self.wait(then - 1)

    def write(self, word, then=1, **pins):
        self.do(WRITE, dq=word, driven=0xFFFF, then=then, **pins)


@pytest.mark.parametrize("latency", [2, 3])
def test_words_are_read_as_written(latency):
    chip = Chip(mode=latency << 4)
    for bank, row in ((0, 5), (3, 5), (0, 6)):
        chip.do(ACTIVATE, ba=bank, a=row, then=3)
        chip.write(bank << 8 | row, ba=bank, a=511, then=2)
        chip.write(0xABCD, ba=bank, a=511, dm=0b10 if row == 6 else 0b11, then=2)
        chip.do(PRECHARGE, ba=bank, then=3)
    for bank, row, word in ((0, 5, 0x0005), (3, 5, 0x0305), (0, 6, 0x00CD)):
        chip.do(ACTIVATE, ba=bank, a=row, then=3)
        assert chip.do(READ, ba=bank, a=511, then=latency) == word
        assert chip.wait(1) != word
        chip.do(READ, ba=bank, a=511 | AUTO, then=8)
    assert chip.violation() == ""


def test_rows_follow_each_other_bank_by_bank():
    chip = Chip()
    for number in range(6):
        chip.do(ACTIVATE, ba=number % 4, a=number // 4, then=3)
        chip.write(number, ba=number % 4, a=AUTO, then=8)
    chip.do(ACTIVATE, ba=1, a=1, then=3)
    assert chip.do(READ, ba=1, a=0, then=2) == 5
    assert chip.violation() == ""


def opened(chip, then=3):
    chip.do(ACTIVATE, then=then)


def two_rows(chip):
    opened(chip)
    opened(chip)


def early_precharge(chip):
    opened(chip, 3)
    chip.do(PRECHARGE)


def precharge_after_write(chip):
    opened(chip, 8)
    chip.write(1)
    chip.do(PRECHARGE)


def early_row(chip):
    opened(chip, 5)
    chip.do(PRECHARGE, then=2)
    opened(chip)


def early_refresh(chip):
    opened(chip, 5)
    chip.do(PRECHARGE, then=1)
    chip.do(REFRESH)


def refresh_with_a_row(chip):
    opened(chip)
    chip.do(REFRESH)


def after_refresh(chip):
    chip.do(REFRESH, then=3)
    opened(chip)


def no_refreshes(chip):
    opened(chip, 5)
    chip.do(PRECHARGE, then=8 * 1000)
    opened(chip)


def contention(chip):
    opened(chip)
    chip.do(READ, then=1)
    chip.write(1)


CASES = {
    "a second row is opened": two_rows,
    "an access within tRCD": lambda chip: (opened(chip, 2), chip.do(READ)),
    "an access without an open row": lambda chip: chip.do(READ),
    "a precharge within tRAS": early_precharge,
    "a precharge within tWR": precharge_after_write,
    "a row is opened within tRP": early_row,
    "a row is opened within tRRD": lambda chip: (opened(chip, 1), chip.do(ACTIVATE, ba=1)),
    "a refresh within tRP": early_refresh,
    "a refresh while a row is open": refresh_with_a_row,
    "a command within tRFC": after_refresh,
    "a command within tMRD": lambda chip: (chip.do(MODE, a=32, then=1), opened(chip)),
    "a mode while a row is open": lambda chip: (opened(chip), chip.do(MODE, a=32)),
    "a refresh is overdue": no_refreshes,
    "nobody drives what is written": lambda chip: (opened(chip), chip.do(WRITE)),
    "both sides drive the data": contention,
}


@pytest.mark.parametrize("what", CASES)
def test_what_a_data_sheet_forbids_is_told(what):
    chip = Chip()
    assert chip.violation() == ""
    CASES[what](chip)
    assert chip.violation().endswith(what)


@pytest.mark.parametrize(
    ("steps", "what"),
    [
        ([(MODE, 32)], "a mode within 100 us of power-up"),
        ([(ACTIVATE, 0)], "a row is opened without a mode of CL 2 or 3 and bursts of one"),
    ],
)
def test_a_chip_that_nobody_has_started(steps, what):
    chip = Chip(start=False)
    chip.wait(100)
    for command, a in steps:
        chip.do(command, a=a, then=3)
    assert chip.violation().endswith(what)
