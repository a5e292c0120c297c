"""Programs in C on the simulated system, with every core and attachment."""

import random
import re

import pytest

from hw.isa import ErrorCode
from hw.soc.host import CORES, Host
from sim.engine import EngineError
from sw.runtime.engine import SocEngine

from .conftest import CONFIG, SLOWER, engine_of

M32 = 0xFFFF_FFFF

NO_RDCYCLE = ("vexriscv_lite", "serv")
"""Cores on which `rdcycle` reads anything."""


def signed(x):
    return x - (1 << 32) if x >> 31 else x


def quotient(x, y):
    if not y:
        return -1
    return abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)


def remainder(x, y):
    return x - quotient(x, y) * y if y else x


OPERATIONS = (
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x << (y & 31),
    lambda x, y: signed(x) < signed(y),
    lambda x, y: x < y,
    lambda x, y: x ^ y,
    lambda x, y: x >> (y & 31),
    lambda x, y: signed(x) >> (y & 31),
    lambda x, y: x | y,
    lambda x, y: x & y,
    lambda x, y: x * y,
    lambda x, y: signed(x) * signed(y) >> 32,
    lambda x, y: signed(x) * y >> 32,
    lambda x, y: x * y >> 32,
    lambda x, y: quotient(signed(x), signed(y)),
    lambda x, y: x // y if y else M32,
    lambda x, y: remainder(signed(x), signed(y)),
    lambda x, y: x % y if y else x,
)


def test_hello(host):
    done = engine_of(host).run_firmware("hello")
    assert done.console == "Hello from tiny: 4x4 array, 32-bit bus.\n"
    assert done.exit_code == 0 and done.cycles < 10_000 * SLOWER[host.core]


@pytest.mark.parametrize("core", [name for name in CORES if CORES[name].isa == "rv32im"])
def test_the_core_computes_rv32im(run_program, tmp_path, core):
    rng = random.Random(1)
    corners = [0, 1, 2, M32, 1 << 31, M32 >> 1, 31, 32]
    cases = [(x, y) for x in corners for y in corners]
    cases += [(rng.randrange(1 << 32), rng.randrange(1 << rng.choice([8, 32]))) for _ in range(60)]
    rows = ", ".join(f"{{{x}u, {y}u}}" for x, y in cases)
    (tmp_path / "cases.h").write_text(
        f"enum {{ COUNT = {len(cases)} }};\n"
        f"static const uint32_t operands[COUNT][2] = {{{rows}}};\n"
    )
    done = run_program("rv32im", Host(core), include=[tmp_path])
    read, symbols = done.engine.soc.read, done.program.symbols
    for number, operation in enumerate(OPERATIONS):
        start = symbols["results"] + 4 * len(cases) * number
        for n, (x, y) in enumerate(cases):
            got = int.from_bytes(read(start + 4 * n, 4), "little")
            assert got == operation(x, y) & M32, f"operation {number} of {x:#x}, {y:#x}"
    words = [int.from_bytes(read(symbols["memory"] + 4 * n, 4), "little") for n in range(8)]
    assert words[1] == (0xFFFF_FF80 ^ 0xFFFF_827F) & M32
    assert words[2] == 0xCDEF_AB00
    decisions = 0
    for i in range(-3, 4):
        decisions = decisions * 2 + (0 <= i < 2) + (i < 1)
    assert words[3] == decisions
    assert 100 < words[4] < 5_000 * SLOWER[core], "cycles of a loop of 100"


def test_printf_formats(run_program):
    done = run_program("formats", check=False)
    assert done.console.splitlines() == [
        "-42|   42|42   |00042|+42| 42",
        "4000000000|beef|BEEF|0xff|000000ff",
        "-1234567890123456789|12345678901234567890|fedcba9876543210",
        "text|      text|text      |tex|x|%",
        "3.141593|-2.50| 142.857|2|0.000000",
        "-7|4|44|4464",
        "    12|ab",
        "12345-6 11",
        "1 1 0",
        "0 1",
    ]
    assert done.exit_code == 4


def test_timer_interrupts_while_commands_are_in_flight(run_program, host):
    done = run_program("timer", host)
    assert not re.search(r" [1-9]\d* wrong", done.console), done.console
    assert int(done.console.split()[-2]) > (50 if host.core.startswith("vexriscv") else 3)


def test_timer_interrupts_with_a_slow_memory(run_program):
    done = run_program("timer", stall=0.4, seed=3, latency=5)
    assert not re.search(r" [1-9]\d* wrong", done.console), done.console


def test_interrupts_on_completion_error_and_fault(run_program, host):
    lines = run_program("events", host).console.splitlines()
    assert re.fullmatch(r"completion: events 1, [1-9]\d* calls", lines[0])
    assert lines[1].endswith("wrong 0")
    assert lines[2] == "error: events 2, 1 calls"
    name, index, accepted = re.fullmatch(r"(.*) at (\d+) of (\d+)", lines[3]).groups()
    assert name == "BAD_ADDRESS: a local address outside its memory"
    assert int(index) == int(accepted) - 2, "the lower of two failed commands is reported"
    assert lines[4] == f"response {5 | int(index) << 8:x}"
    assert lines[5] == "after clear: NONE: no error"
    assert lines[6] == "BAD_FUNCT: no such command"
    assert lines[7] == "after clear: NONE: no error"
    assert lines[8].startswith("load fault: events 4") and lines[9] == "at 3fffffe0"
    assert lines[10].startswith("store fault: events 4")
    assert lines[11].startswith("register fault: events 4")


def test_commands_see_stores_and_loads_see_results(run_program, host):
    assert run_program("stores", host).console == "0 wrong\n"
    assert run_program("stores", host, stall=0.5, seed=1).console == "0 wrong\n"


def test_a_program_that_does_not_end_is_an_error(tmp_path):
    engine = SocEngine(CONFIG, cycle_limit=1_000)
    with pytest.raises(EngineError, match="tiny: the program has not ended after 1000 cycles"):
        engine.run_firmware("hello")


def test_a_program_written_for_gemmini(run_program, host):
    done = run_program("dropin", host)
    time = "strange time" if host.core in NO_RDCYCLE else "in time"
    assert done.console == f"0 wrong, error 0, rounding 2 -4 3 2 -4, {time}\ndone\n"


def test_a_refused_command_shows_at_the_end(run_program, host):
    done = run_program("refused", host, check=False)
    assert done.console.startswith("command 0 failed: BAD_ADDRESS")
    assert done.exit_code == ErrorCode.BAD_ADDRESS


def test_characters_reach_the_program():
    engine = SocEngine(CONFIG)
    engine.soc.type("too early: reset empties the line")
    done = engine.run_firmware("hello")
    assert done.console.startswith("Hello")


def test_a_list_that_cannot_be_read_ends_the_program(run_program, host):
    done = run_program("lists", host, check=False)
    assert done.console == "first\nbus error at 3ffffff0\n" and done.exit_code == 129


def test_systems_may_be_closed_in_any_order():
    older, newer = SocEngine(CONFIG), SocEngine(CONFIG)
    for engine in (older, newer):
        assert engine.run_firmware("hello").exit_code == 0
    newer.soc.close()
    older.soc.close()


def test_an_exception_ends_the_program(run_program, host):
    done = run_program("breakpoint", host, check=False)
    assert re.fullmatch(r"trap: cause [23] at 400[0-9a-f]{5}\n", done.console)
    assert done.exit_code == 128
