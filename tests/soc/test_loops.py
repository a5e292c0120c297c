"""Programs written for Gemmini's loops, on systems that have them."""

import os

import pytest

from hw.config import PRESETS
from sw.runtime.build import build
from sw.runtime.engine import SocEngine

from .conftest import PROGRAMS

CONFIGS = {
    "4x4, small memories": PRESETS["tiny"].replace(
        name="least-loops", sp_bank_rows=64, acc_bank_rows=128
    ),
}
if os.environ.get("ALHENA_FULL") == "1":
    CONFIGS |= {"8x8": PRESETS["small"], "16x16": PRESETS["default"]}
RESULTS = ["matmul 0", "addition 0", "convolution 0", "output-stationary 0"]


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_loops_written_for_gemmini(config):
    program = build(PROGRAMS / "loops.c", config)
    done = SocEngine(config, 1 << 20, cycle_limit=5_000_000).run_firmware(program)
    assert done.console.splitlines() == RESULTS
