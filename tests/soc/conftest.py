"""Systems that several tests share: building one takes half a minute, making one a moment."""

import os
from pathlib import Path

import pytest

from hw.config import PRESETS
from hw.soc.host import DEFAULT, HOSTS
from sw.runtime.build import build
from sw.runtime.engine import SocEngine

PROGRAMS = Path(__file__).parent / "programs"
FULL = os.environ.get("ALHENA_FULL") == "1"
LOOPS = dict.fromkeys(("loop_ws", "loop_conv"), FULL)  # test_loops has them in every run
CONFIG = PRESETS["tiny"].replace(**LOOPS)
CHOSEN = HOSTS if FULL else [host for host in HOSTS if host.name != "picorv32-mmio"]
"""Cores and attachments of this run; ``ALHENA_FULL=1`` takes all (a system takes a minute)."""

SLOWER = {"vexriscv": 1, "vexriscv_lite": 3, "picorv32": 5, "serv": 100}
"""How many times longer programs may take."""

LIGHT = {
    "vexriscv": {},
    "vexriscv_lite": {},
    "picorv32": {"SLOWER": 2, "ROUNDS": 10},
    "serv": {"SLOWER": 12, "TILES": 1, "ROUNDS": 2},
}
"""Less to do, or more time for it, where a core is slow."""


@pytest.fixture(params=CHOSEN, ids=lambda host: host.name)
def host(request):
    return request.param


def engine_of(host, memory_bytes=1 << 20, **options):
    """A system with the core and attachment of `host`."""
    return SocEngine(CONFIG, memory_bytes, core=host.core, attach=host.attach, **options)


@pytest.fixture
def run_program():
    """Compile a test program and run it on a fresh system; returns what it did."""

    def run(name, host=DEFAULT, *, include=(), defines=None, check=True, **options):
        include = [PROGRAMS, *include]
        program = build(
            PROGRAMS / f"{name}.c",
            CONFIG,
            host,
            include=include,
            defines=LIGHT[host.core] | (defines or {}),
        )
        engine = engine_of(host, cycle_limit=5_000_000 * SLOWER[host.core], **options)
        done = engine.run_firmware(program, check=check)
        done.engine, done.program = engine, program
        return done

    return run
