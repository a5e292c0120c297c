"""Systems of which one command and one access of memory at a time are at work."""

import re

import pytest

from hw.soc.host import Host
from sim.machine import Machine
from sim.programs import compare, random_program
from sw.runtime.build import build
from sw.runtime.engine import SocEngine
from tests.cosim.configurations import CONFIGS

from .conftest import PROGRAMS, SLOWER

CONFIG = CONFIGS["4x4 sequential"]
BYTES = random_program(CONFIG, 0).memory_bytes
LARGER = CONFIG.replace(name="sequential", sp_bank_rows=1024, acc_bank_rows=256)


@pytest.mark.parametrize("options", [{}, {"stall": 0.3, "seed": 5}, {"latency": 20}])
@pytest.mark.parametrize("host", (Host("serv"), Host("vexriscv")), ids=lambda host: host.name)
def test_random_programs_equal_the_machine(host, options):
    machine = Machine(CONFIG, BYTES)
    engine = SocEngine(CONFIG, BYTES, core=host.core, attach=host.attach, **options)
    for seed in range(4 * len(options), 4 * len(options) + 4):
        difference = compare(machine, engine, random_program(CONFIG, seed))
        assert difference is None, f"seed {seed}: {difference}"


def console(name):
    """What a test program says on a core without queues before the accelerator."""
    host = Host("vexriscv_lite")
    defines, limit = {"SLOWER": 4, "ROUNDS": 4}, 5_000_000 * SLOWER["serv"]
    program = build(PROGRAMS / f"{name}.c", LARGER, host, include=[PROGRAMS], defines=defines)
    engine = SocEngine(LARGER, 1 << 20, core=host.core, attach=host.attach, cycle_limit=limit)
    return engine.run_firmware(program).console


def test_commands_see_stores_and_loads_see_results():
    assert console("stores") == "0 wrong\n"


def test_timer_interrupts_while_commands_are_in_flight():
    said = console("timer")
    assert not re.search(r" [1-9]\d* wrong", said) and int(said.split()[-2]) > 3


def test_interrupts_on_completion_error_and_fault():
    lines = console("events").splitlines()
    assert re.fullmatch(r"completion: events 1, [1-9]\d* calls", lines[0])
    assert lines[1].endswith("wrong 0") and lines[2] == "error: events 2, 1 calls"
    index, accepted = re.search(r" at (\d+) of (\d+)", lines[3]).groups()
    assert int(index) == int(accepted) - 2
    assert lines[4] == f"response {5 | int(index) << 8:x}"
    for line, kind in zip(lines[8::2], ("load", "store", "register"), strict=False):
        assert line.startswith(f"{kind} fault: events 4")
