"""What a configuration leaves out costs nothing: every choice is compared with its absence.

``ALHENA_FULL=1`` synthesises ways to do the same, too, which takes minutes.
"""

import os
import re
from functools import cache

import pytest
from amaranth.back import rtlil

from fpga.area import gates
from hw.accelerator import Accelerator
from hw.config import OPTIONS, Config
from hw.control.in_order import InOrder
from hw.control.scoreboard import Scoreboard
from tests.support.plain import PLAIN

LEAST = PLAIN["tiny"].replace(
    name="least",
    dim=3,
    sp_bank_rows=32,
    acc_bank_rows=16,
    mvin_scale=False,
    mvout_scale=False,
    counters=0,
)
SCALED = LEAST.replace(mvout_scale=True, scale_cycles=2)
SEQUENTIAL = LEAST.replace(in_order=True, sequential=True)
PAIRS = {
    **{x: (LEAST, LEAST.replace(**{x: True})) for x in OPTIONS if x != "normalisation"},
    "normalisation": (SCALED, SCALED.replace(normalisation=True)),
    "mvin_scale": (LEAST, LEAST.replace(mvin_scale=True)),
    "mvout_scale": (LEAST, SCALED),
    "mvout_scale, sequential": (SEQUENTIAL, SEQUENTIAL.replace(mvout_scale=True)),
    "mvin_bytes": (LEAST, LEAST.replace(mvin_bytes=1024)),
    "counters": (LEAST, LEAST.replace(counters=2)),
}
"""Without and with a choice; normalisation needs the multiplier."""

FULL = pytest.mark.skipif(os.environ.get("ALHENA_FULL") != "1", reason="minutes: ALHENA_FULL=1")
WAYS = {"serial_hazards", "in_order", "sequential"}
"""Switches between ways to do the same: compared after synthesis."""

SIZES = re.compile(r"parameter \\(?:Y_WIDTH|WIDTH) (\d+)")


@cache
def size(config: Config) -> int:
    """Bits of all cells' outputs and registers, before any optimisation by synthesis."""
    return sum(map(int, SIZES.findall(rtlil.convert(Accelerator(config)))))


@pytest.mark.parametrize("name", PAIRS)
def test_what_is_left_out_is_smaller(name):
    without, with_it = PAIRS[name]
    assert size(without) < size(with_it)


def test_every_choice_is_one_of_these():
    """A new switch of Config has to be compared too."""
    switches = {name for name, value in vars(Config()).items() if isinstance(value, bool)}
    assert switches <= PAIRS.keys() | WAYS


@FULL
def test_hazards_in_turn_are_smaller_and_in_order_are_smallest():
    tiny = PLAIN["tiny"]
    at_once, in_turn = (
        gates(Scoreboard(tiny.replace(serial_hazards=serial)))[0] for serial in (False, True)
    )
    assert in_turn < 0.75 * at_once
    assert gates(InOrder(tiny.replace(in_order=True)))[0] < 0.5 * in_turn


@FULL
def test_one_unit_for_all_is_much_smaller():
    rows = {"sp_banks": 2, "sp_bank_rows": 4, "acc_banks": 1, "acc_bank_rows": 8}
    in_order = LEAST.replace(in_order=True, **rows)
    together, alone = (
        gates(Accelerator(config)) for config in (in_order.replace(sequential=True), in_order)
    )
    assert together[0] < 0.75 * alone[0]  # multipliers of gates included
