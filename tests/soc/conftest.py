"""Systems that several tests share: building one takes half a minute, making one a moment."""

from pathlib import Path

import pytest

from hw.config import PRESETS
from sw.runtime.build import build
from sw.runtime.engine import SocEngine

PROGRAMS = Path(__file__).parent / "programs"
CONFIG = PRESETS["tiny"]
ATTACHMENTS = ("cfu", "mmio")


@pytest.fixture(params=ATTACHMENTS)
def attach(request):
    return request.param


@pytest.fixture
def run_program():
    """Compile a test program and run it on a fresh system; returns what it did."""

    def run(name, attach="cfu", *, include=(), defines=None, check=True, **options):
        include = [PROGRAMS, *include]
        program = build(PROGRAMS / f"{name}.c", CONFIG, attach, include=include, defines=defines)
        engine = SocEngine(CONFIG, 1 << 20, attach=attach, cycle_limit=5_000_000, **options)
        done = engine.run_firmware(program, check=check)
        done.engine, done.program = engine, program
        return done

    return run
