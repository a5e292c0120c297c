"""Random programs: reproducible, free of races, rich; comparison and shrinking do their work."""

from collections import Counter

import pytest

from hw.config import OPTIONS, PRESETS
from hw.formats import Int
from hw.isa import COMMANDS, ErrorCode, encode, supported
from sim.engine import EngineError
from sim.machine import Machine
from sim.programs import (
    compare,
    program_text,
    races,
    random_config,
    random_program,
    read_program,
    shrink,
)
from sim.programs.generate import LONGEST
from sim.programs.program import DATA, TestProgram
from sim.programs.tracker import Tracker

SMALL = PRESETS["tiny"].replace(name="few_rows", sp_bank_rows=16, acc_bank_rows=16)
EVERYTHING = SMALL.replace(sp_bank_rows=64, acc_bank_rows=64, **dict.fromkeys(OPTIONS, True))


def machine(program) -> Machine:
    return Machine(program.config, program.memory_bytes)


class Broken(Machine):
    """A machine whose accumulator mvin adds one where it should not."""

    def _mvin2(self, f):
        super()._mvin2(f)
        if f["rows"] and f["cols"] and f["local"] >> 31:
            self.accumulator[f["local"] & 0xFF, 0] += 1


def test_a_seed_is_a_program():
    assert random_program(SMALL, 5) == random_program(SMALL, 5)
    assert random_program(SMALL, 5) != random_program(SMALL, 6)
    assert random_config(5) == random_config(5)


@pytest.mark.parametrize("seed", range(12))
def test_programs_do_not_race(seed):
    config = SMALL if seed % 2 else random_config(seed)
    program = random_program(config, seed)
    assert races(program) is None
    assert 20 < len(program) <= 80
    assert compare(machine(program), machine(program), program) is None


def steps(config, count):
    """(command, error code) of every command of some programs."""
    for seed in range(count):
        program = random_program(config.replace(mvin_scale=seed % 2 == 0), seed)
        m = machine(program)
        for command in (c for segment in program.segments for c in segment):
            m.state.error = ErrorCode.NONE
            yield command, m.run([command]).error


@pytest.mark.parametrize("config", [SMALL, EVERYTHING], ids=["plain", "everything"])
def test_programs_meet_every_command_and_error(config):
    names, codes = set(), Counter()
    for command, code in steps(config, 60):
        codes[code] += 1
        if code is ErrorCode.NONE:
            names.add(command.spec.name)
    assert set(codes) == set(ErrorCode)
    assert names >= {spec.name for spec in COMMANDS if supported(config, spec)}
    assert codes[ErrorCode.NONE] > 0.85 * codes.total()


def test_programs_meet_every_option():
    """Every flag of a command that is executed is seen at 0 and at 1, small fields at more."""
    seen = {}
    for command, code in steps(EVERYTHING, 100):
        if code is ErrorCode.NONE:
            for name, value in command.fields().items():
                seen.setdefault((command.spec.name, name), set()).add(value)
    flags = [(spec.name, f.name) for spec in COMMANDS for f in spec.fields if f.width == 1]
    flags = [key for key in flags if key[0] not in ("counter", "flush")]
    flags.remove(("config_ld", "weights"))
    for key in flags:
        assert seen[key] == {0, 1}, key
    assert seen["loop_conv_ws", "a_spad_id"] == seen["loop_ws", "b_spad_id"] == {0, 1, 2}
    assert seen["loop_conv_ws", "max_pixels_per_row"] >= {0, 1, 2}
    assert seen["config_st", "pool_stride"] == {0, 1, 2, 3}
    assert seen["config_ld", "lane"] == {0, 1, 2, 3}
    narrow = SMALL.with_formats(Int(8), Int(4))
    drawn = (c for c, _ in steps(narrow, 20) if c.spec and c.spec.name == "config_ld")
    loads = [command.fields()["weights"] for command in drawn]
    assert set(loads) == {0, 1}


def test_draws_stay_short():
    program = random_program(EVERYTHING, 3)
    tracker = Tracker(EVERYTHING, program.memory_bytes)
    for command in (c for segment in program.segments for c in segment):
        tracker.follow([command])
        assert tracker.ran <= LONGEST
        assert tracker.reads.isdisjoint(tracker.writes) or None in tracker.reads


def test_random_configurations_vary():
    configs = [random_config(seed) for seed in range(60)]
    assert len({c.dim for c in configs}) >= 7
    assert len({c.bus_width for c in configs}) == 4
    assert any(c.input == Int(4) for c in configs)
    assert any(not c.mvin_scale for c in configs)


@pytest.mark.parametrize("seed", range(20))
def test_text_is_the_program(seed):
    config = random_config(seed).replace(name="program")
    program = random_program(config, seed)
    assert read_program(program_text(program, "a title\nof two lines")) == program


def find_difference():
    config = SMALL.replace(loop_ws=False, loop_conv=False)  # or the least program may be a loop
    for seed in range(50):
        program = random_program(config, seed)
        broken = Broken(config, program.memory_bytes)
        difference = compare(machine(program), broken, program)
        if difference:
            return program, broken, difference
    raise AssertionError("no program showed the error")


def test_shrinking_finds_the_few_commands_that_matter():
    program, broken, difference = find_difference()
    assert "accumulator row" in difference or "memory" in difference
    reference = Machine(program.config, program.memory_bytes)
    fails = lambda p: compare(reference, broken, p) is not None  # noqa: E731
    small = shrink(program, fails)
    assert fails(small)
    assert len(small) <= 2 < len(program)
    text = str(small)
    assert text.startswith(f"# seed {program.seed}, ")
    assert "mvin2 " in text


def test_races_are_found():
    m = {"rows": 1, "cols": 4}
    store, load = encode("mvout", address=64, **m), encode("mvin", address=66, local=8, **m)
    assert races(TestProgram(SMALL, 0, ((store,), (load,)))) is None
    racing = TestProgram(SMALL, 0, ((store, load),))
    assert races(racing).startswith("segment 0 reads and writes the same memory: mvin address=0x42")
    assert races(TestProgram(SMALL, 0, ((load, store),))) is not None  # units overtake each other


def test_compare_reports_answers_and_places():
    program = TestProgram(SMALL, 1, ((encode("error"),),))
    deaf = machine(program)
    deaf._error = lambda f: 3
    assert compare(machine(program), deaf, program).startswith("segment 0: (error, index, answers)")
    assert program.place(DATA + 4 * 3 + 1) == "scratchpad row 3, byte 1"
    assert program.place(DATA + 4 * 64 + 16 * 2) == "accumulator row 2, byte 0"
    assert program.place(17) == "memory 0x11"


def test_compare_refuses_an_engine_of_another_size():
    program = random_program(SMALL, 0)
    with pytest.raises(EngineError, match="this program needs few_rows with exactly"):
        compare(machine(program), Machine(SMALL, 1 << 20), program)
