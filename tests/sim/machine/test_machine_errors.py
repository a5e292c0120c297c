"""What the instruction-set simulator refuses: every check, in order, without effect."""

import numpy as np
import pytest

from hw.config import Config
from hw.isa import (
    BY_FUNCT,
    COMMANDS,
    GARBAGE,
    GROUPS,
    Command,
    ErrorCode,
    Local,
    encode,
    float_bits,
)
from sim.engine import EngineError
from sim.machine import Machine
from tests.support.plain import PLAIN

TINY = PLAIN["tiny"]
ONE = float_bits(1.0)
ACC, FULL = Local.ACC, Local.FULL
LOAD = encode("config_ld", scale=ONE, stride=4, block_stride=4)
EXECUTE = encode("config_ex", dataflow=1, a_stride=1, c_stride=1)
FULL_TILE = {"rows": 4, "cols": 4}


def machine(config: Config = TINY) -> Machine:
    return Machine(config, 1 << 16)


def random_tiles(m: Machine):
    m.scratchpad[:64] = np.random.default_rng(0).integers(-128, 128, (64, m.config.dim))


TILE = {"b_rows": 1, "b_cols": 1, "c_rows": 1, "c_cols": 1}
A = {"a_rows": 1, "a_cols": 1}
EX = {"dataflow": 1, "a_stride": 1, "c_stride": 1}
ERRORS = [
    (ErrorCode.BAD_FUNCT, Command(99)),
    (ErrorCode.NOT_SUPPORTED, encode("config_ex", c_stride=1)),
    (ErrorCode.NOT_SUPPORTED, encode("config_ex", **EX, transpose_a=1)),
    (ErrorCode.NOT_SUPPORTED, encode("config_ex", **EX, transpose_b=1)),
    (ErrorCode.NOT_SUPPORTED, encode("config_ex", **EX, activation=2)),
    (ErrorCode.NOT_SUPPORTED, encode("config_ex", dataflow=1, activation=3)),  # before C stride 0
    (ErrorCode.BAD_CONFIG, encode("config_ex", dataflow=1)),
    (ErrorCode.BAD_CONFIG, encode("config_ex", strides_only=1, a_stride=1)),
    (ErrorCode.BAD_CONFIG, encode("config_ld", set=3, repeats=2)),
    (ErrorCode.NOT_SUPPORTED, encode("config_ld", repeats=2, scale=0x7F80_0000)),
    (ErrorCode.BAD_CONFIG, encode("config_ld", scale=0x7F80_0000)),
    (ErrorCode.BAD_CONFIG, encode("config_ld", scale=0xFFC0_0000)),
    (ErrorCode.NOT_SUPPORTED, encode("config_st", pool_stride=1, scale=0x7F80_0000)),
    (ErrorCode.NOT_SUPPORTED, encode("config_st", pool_size=1)),
    (ErrorCode.NOT_SUPPORTED, encode("config_st", activation=3)),
    (ErrorCode.BAD_CONFIG, encode("config_st", scale=0x7F80_0000)),
    (ErrorCode.BAD_ADDRESS, encode("mvin", local=GARBAGE, rows=99)),
    (ErrorCode.BAD_SIZE, encode("mvin", local=0, rows=5)),
    (ErrorCode.BAD_SIZE, encode("mvin", local=0, cols=65)),
    (ErrorCode.BAD_SIZE, encode("mvin", local=ACC, cols=17)),  # wide: four blocks
    (ErrorCode.BAD_ADDRESS, encode("mvin", local=4093, **FULL_TILE)),
    (ErrorCode.BAD_ADDRESS, encode("mvin", local=4092, rows=4, cols=5)),
    (ErrorCode.BAD_ADDRESS, encode("mvin3", local=ACC | 509, **FULL_TILE)),
    (ErrorCode.BAD_ADDRESS, encode("mvout", local=GARBAGE)),
    (ErrorCode.NOT_SUPPORTED, encode("mvout", local=int(Local(0, acc=True, norm=1)), rows=9)),
    (ErrorCode.BAD_SIZE, encode("mvout", local=0, rows=5)),
    (ErrorCode.BAD_SIZE, encode("mvout", local=ACC | FULL, cols=5)),
    (ErrorCode.BAD_ADDRESS, encode("mvout", local=4089, rows=4, cols=8)),
    (ErrorCode.BAD_SIZE, encode("preload", b_rows=5, b_addr=ACC)),
    (ErrorCode.BAD_SIZE, encode("preload", c_cols=5)),
    (ErrorCode.BAD_ADDRESS, encode("preload", b_addr=ACC)),
    (ErrorCode.BAD_ADDRESS, encode("preload", **TILE, b_addr=4096)),
    (ErrorCode.BAD_ADDRESS, encode("preload", **TILE, c_addr=ACC | 512)),
    (ErrorCode.BAD_SIZE, encode("compute_preloaded", a_cols=5, a_addr=ACC)),
    (ErrorCode.BAD_SIZE, encode("compute_accumulated", d_rows=5)),
    (ErrorCode.BAD_ADDRESS, encode("compute_preloaded", a_addr=ACC, d_addr=GARBAGE)),
    (ErrorCode.BAD_ADDRESS, encode("compute_preloaded", **A, a_addr=4096, d_addr=GARBAGE)),
    (ErrorCode.BAD_ADDRESS, encode("compute_preloaded", a_addr=0, d_addr=ACC)),
    (ErrorCode.BAD_ADDRESS, encode("compute_preloaded", d_addr=4096, d_rows=1, d_cols=1)),
    (ErrorCode.NOT_SUPPORTED, encode("counter", configure=1, event=63)),
    (ErrorCode.NOT_SUPPORTED, encode("counter", configure=1, event=1, external=1)),
]


@pytest.mark.parametrize(("code", "command"), ERRORS, ids=lambda v: str(v))
def test_every_check_has_its_code_and_no_effect(code, command):
    m = machine()
    m.write(0, bytes(range(256)) * 4)
    random_tiles(m)
    before = m.scratchpad.copy(), m.accumulator.copy(), m.read(0, 1 << 16)
    run = m.run([encode("flush"), command])
    assert (run.error, run.error_index) == (code, 1)
    assert (m.scratchpad == before[0]).all() and (m.accumulator == before[1]).all()
    assert m.read(0, 1 << 16) == before[2]


LATER = [encode(spec.name) for spec in COMMANDS if spec.group in GROUPS]


@pytest.mark.parametrize("command", LATER, ids=lambda c: c.spec.name)
def test_groups_left_out_are_not_supported(command):
    assert machine().run([command]).error is ErrorCode.NOT_SUPPORTED


def test_all_other_functs_are_unknown():
    for funct in set(range(128)) - set(BY_FUNCT):
        assert machine().run([Command(funct)]).error is ErrorCode.BAD_FUNCT


def test_options_that_a_configuration_leaves_out():
    plain = TINY.replace(mvin_scale=False, counters=2)
    half = encode("config_ld", scale=float_bits(0.5))
    assert machine(plain).run([half]).error is ErrorCode.NOT_SUPPORTED
    assert machine(plain).run([LOAD]).error is ErrorCode.NONE
    assert machine(plain).run([encode("counter", index=2)]).error is ErrorCode.NOT_SUPPORTED
    assert machine(plain).run([encode("counter", index=1)]).responses == [0]


@pytest.mark.parametrize(
    ("a_addr", "stride", "d_addr", "code"),
    [
        (10, 1, GARBAGE, ErrorCode.NONE),  # in place
        (10, 2, GARBAGE, ErrorCode.OVERLAP),  # same start, other stride
        (9, 1, GARBAGE, ErrorCode.OVERLAP),
        (13, 1, GARBAGE, ErrorCode.OVERLAP),
        (14, 1, GARBAGE, ErrorCode.NONE),
        (5, 2, GARBAGE, ErrorCode.OVERLAP),  # rows 5, 7, 9, 11
        (30, 1, 12, ErrorCode.OVERLAP),
        (30, 1, 10, ErrorCode.NONE),
    ],
)
def test_overlap(a_addr, stride, d_addr, code):
    run = machine().run([
        EXECUTE,
        encode("preload", b_addr=GARBAGE, c_addr=10, c_rows=4, c_cols=4),
        encode("config_ex", strides_only=1, a_stride=stride, c_stride=1),
        encode("compute_preloaded", a_addr=a_addr, a_rows=4, a_cols=4,
               d_addr=d_addr, d_rows=4, d_cols=1),
    ])  # fmt: skip
    assert run.error is code


def test_a_failed_preload_leaves_garbage():
    m = machine()
    random_tiles(m)
    m.accumulator[:] = 5
    good = encode("preload", b_addr=0, b_rows=4, b_cols=4, c_addr=ACC, c_rows=4, c_cols=4)
    m.run([
        EXECUTE, good,
        encode("preload", b_addr=ACC, c_addr=0, c_rows=4, c_cols=4),
        encode("compute_preloaded", a_addr=8, a_rows=4, a_cols=4, d_addr=GARBAGE),
    ])  # fmt: skip
    assert (m.accumulator == 5).all()


def test_empty_moves_do_nothing_even_out_of_range():
    m = machine()
    run = m.run([encode("mvin", local=1 << 20, rows=0, cols=4), encode("mvout", local=1 << 20)])
    assert run.error is ErrorCode.NONE


def test_the_error_register_keeps_the_first_until_cleared():
    m = machine()
    run = m.run([encode("error"), encode("mvin", local=GARBAGE), Command(99), encode("error")])
    assert run.responses == [0, ErrorCode.BAD_ADDRESS | 1 << 8]
    run = m.run([Command(99), encode("error", clear=1), encode("error"), Command(99)])
    assert run.responses == [ErrorCode.BAD_ADDRESS | 1 << 8, 0]
    assert (run.error, run.error_index) == (ErrorCode.BAD_FUNCT, 7)
    m.reset()
    assert m.run([Command(99)]).error_index == 0


# The bus


def test_a_bus_error_suppresses_the_rows_that_needed_the_word():
    m = machine()
    m.scratchpad[:16] = 1
    m.write((1 << 16) - 8, bytes([2] * 8))
    wide = encode("config_ld", scale=ONE, stride=4, block_stride=4)
    run = m.run([wide, encode("mvin", address=(1 << 16) - 8, local=0, rows=2, cols=12)])
    assert (run.error, run.error_index) == (ErrorCode.BUS_READ, 1)
    assert m.scratchpad[[0, 4, 8]].tolist() == [[2] * 4, [2] * 4, [1] * 4]
    assert m.scratchpad[[1, 5, 9]].tolist() == [[2] * 4, [1] * 4, [1] * 4]


def test_a_bus_error_on_a_write_keeps_the_good_words():
    m = machine()
    m.scratchpad[:4] = 3
    store = encode("config_st", scale=ONE, stride=4)
    run = m.run([store, encode("mvout", address=(1 << 16) - 6, local=0, rows=4, cols=4)])
    assert run.error is ErrorCode.BUS_WRITE
    assert m.read((1 << 16) - 8, 8) == bytes([0, 0, 3, 3, 3, 3, 3, 3])


def test_upper_address_bits_are_ignored():
    m = machine()
    m.write(64, bytes([1, 2, 3, 4]))
    command = encode("mvin", address=64, local=0, rows=1, cols=4)
    m.run([LOAD, Command(command.funct, command.rs1 | 0xFFFF << 40, command.rs2)])
    assert m.scratchpad[0].tolist() == [1, 2, 3, 4]


def test_memory_access_from_outside_is_checked():
    with pytest.raises(EngineError, match="bytes 0xffff to 0x10001 are outside the memory of"):
        machine().read(0xFFFF, 2)
    with pytest.raises(EngineError, match="memory_bytes is 100; it must be a multiple of 64"):
        Machine(TINY, 100)
