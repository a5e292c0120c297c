"""The instruction-set simulator against hand-made expectations, command by command."""

import numpy as np
import pytest

from hw.config import PRESETS, Config
from hw.formats import Int
from hw.isa import (
    GARBAGE,
    ErrorCode,
    Local,
    encode,
    float_bits,
)
from sim.engine import Engine
from sim.machine import Machine

TINY = PRESETS["tiny"]
ONE = float_bits(1.0)
ACC, ACCUMULATE, FULL = Local.ACC, Local.ACCUMULATE, Local.FULL
LOAD = encode("config_ld", scale=ONE, stride=4, block_stride=4)
STORE = encode("config_st", scale=ONE, stride=4)
EXECUTE = encode("config_ex", dataflow=1, a_stride=1, c_stride=1)
FULL_TILE = {"rows": 4, "cols": 4}


def machine(config: Config = TINY) -> Machine:
    return Machine(config, 1 << 16)


def int8(m: Machine, address: int, shape) -> np.ndarray:
    return np.frombuffer(m.read(address, int(np.prod(shape))), np.int8).reshape(shape)


def test_a_tiny_example_by_hand():
    m = machine()
    m.write(64, bytes([1, 2, 0, 0, 3, 4, 0, 0]))  # A = [1 2; 3 4]
    m.write(96, bytes([5, 6, 0, 0, 7, 8, 0, 0]))  # B = [5 6; 7 8]
    run = m.run([
        LOAD, STORE, EXECUTE,
        encode("mvin", address=64, local=0, rows=2, cols=2),
        encode("mvin", address=96, local=4, rows=2, cols=2),
        encode("preload", b_addr=4, b_rows=2, b_cols=2, c_addr=ACC | 1, c_rows=2, c_cols=2),
        encode("compute_preloaded", a_addr=0, a_rows=2, a_cols=2, d_addr=GARBAGE),
        encode("mvout", address=128, local=ACC | 1, rows=2, cols=2),
    ])  # fmt: skip
    assert run.error is ErrorCode.NONE
    assert m.accumulator[1, :2].tolist() == [19, 22]
    assert int8(m, 128, (2, 4)).tolist() == [[19, 22, 0, 0], [43, 50, 0, 0]]


def test_it_is_an_engine():
    assert isinstance(machine(), Engine)
    assert machine().run([]).cycles is None


# mvin


def test_mvin_blocks_partial_columns_and_kept_lanes():
    m = machine()
    m.scratchpad[:] = -1
    m.write(100, bytes(range(1, 31)))
    m.run([
        encode("config_ld", scale=ONE, stride=10, block_stride=3),
        encode("mvin", address=100, local=8, rows=2, cols=10),
    ])  # fmt: skip
    assert m.scratchpad[8].tolist() == [1, 2, 3, 4]
    assert m.scratchpad[11].tolist() == [5, 6, 7, 8]
    assert m.scratchpad[14].tolist() == [9, 10, -1, -1]
    assert m.scratchpad[9].tolist() == [11, 12, 13, 14]
    assert m.scratchpad[15].tolist() == [19, 20, -1, -1]
    assert m.scratchpad[10].tolist() == [-1] * 4


def test_mvin_overlapping_blocks_are_written_in_order():
    m = machine()
    m.write(64, bytes(range(1, 13)))
    overlap = encode("config_ld", scale=ONE, stride=4, block_stride=1)
    m.run([overlap, encode("mvin", address=64, local=0, rows=2, cols=8)])
    # (row 0: blocks to 0 and 1), then (row 1: blocks to 1 and 2)
    assert m.scratchpad[:3].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]


def test_mvin_zero_address_repeats_and_negative_strides():
    m = machine()
    m.scratchpad[:] = 7
    m.write(64, bytes([1, 2, 3, 4, 5, 6, 7, 8]))
    m.run([
        LOAD,
        encode("mvin", address=0, local=0, rows=2, cols=3),
        encode("config_ld", scale=ONE, stride=0, block_stride=4),
        encode("mvin", address=64, local=4, rows=2, cols=4),
        encode("config_ld", scale=ONE, stride=(1 << 32) - 4, block_stride=4),
        encode("mvin", address=68, local=8, rows=2, cols=4),
    ])  # fmt: skip
    assert m.scratchpad[0].tolist() == [0, 0, 0, 7]
    assert m.scratchpad[4:6].tolist() == [[1, 2, 3, 4]] * 2
    assert m.scratchpad[8:10].tolist() == [[5, 6, 7, 8], [1, 2, 3, 4]]


def test_mvin_into_the_accumulator_wide_shrunk_and_accumulating():
    m = machine()
    m.write(64, np.array([1 << 30, -5, 7, 9], "<i4").tobytes())
    m.write(96, np.array([-3, 100, 1, 1], np.int8).tobytes())
    shrunk = encode("config_ld", set=1, shrunk=1, scale=float_bits(2.0), stride=4, block_stride=4)
    one_row = {"rows": 1, "cols": 4}
    m.run([LOAD, shrunk, encode("mvin", address=64, local=ACC | 3, **one_row)])
    assert m.accumulator[3].tolist() == [1 << 30, -5, 7, 9]
    m.run([encode("mvin", address=64, local=ACC | ACCUMULATE | 3, **one_row)])
    assert m.accumulator[3].tolist() == [-(1 << 31), -10, 14, 18]  # 2^31 wraps
    m.run([encode("mvin2", address=96, local=ACC | ACCUMULATE | 3, **one_row)])
    assert m.accumulator[3].tolist() == [-(1 << 31) - 6 + (1 << 32), 117, 16, 20]  # 200 saturates


def test_the_three_load_sets_are_independent():
    m = machine()
    m.write(64, bytes(range(1, 17)))
    for number, scale in enumerate((1.0, 2.0, 3.0)):
        stride = 4 + number
        m.run([encode("config_ld", set=number, scale=float_bits(scale), stride=stride)])
    for number, name in enumerate(("mvin", "mvin2", "mvin3")):
        m.run([encode(name, address=64, local=4 * number, rows=2, cols=2)])
    assert m.scratchpad[[1, 5, 9], :2].tolist() == [[5, 6], [12, 14], [21, 24]]


SCALED = [
    (0.5, [-3, -1, 1, 3], [-2, 0, 0, 2]),  # ties to even
    (100.0, [-2, -1, 1, 2], [-128, -100, 100, 127]),
    (-1.0, [-128, 0, 1, 127], [127, 0, -1, -127]),
    (1e-41, [127, 1, -1, -128], [0] * 4),  # subnormal scale
    (3e38, [-128, 0, 1, 127], [-128, 0, 127, 127]),  # overflows to infinity
]


@pytest.mark.parametrize(("scale", "values", "want"), SCALED)
def test_scaling_rounds_to_even_and_saturates(scale, values, want):
    m = machine()
    m.write(64, np.array(values, np.int8).tobytes())
    config = encode("config_ld", scale=float_bits(scale), stride=4, block_stride=4)
    m.run([config, encode("mvin", address=64, local=0, rows=1, cols=4)])
    assert m.scratchpad[0].tolist() == want


# mvout


def test_mvout_rounds_three_times():
    m = machine()
    m.accumulator[0] = [(1 << 24) + 1, -(1 << 31), 3, 5]
    for scale, relu, want in (
        (2.0**-17, 0, [-128, -128, 0, 0]),
        (0.5, 0, [127, -128, 2, 2]),
        (-0.5, 1, [-128, 0, -2, -2]),
    ):
        store = encode("config_st", scale=float_bits(scale), stride=4, activation=relu)
        m.run([store, encode("mvout", address=64, local=ACC, rows=1, cols=4)])
        if scale == 2.0**-17:
            want = [127, -128, 0, 0]  # 2^24+1 becomes 2^24 in float32, 128.0 saturates
        assert int8(m, 64, 4).tolist() == want


def test_mvout_int_to_float_rounds_to_even():
    m = machine(TINY.replace(input=Int(16), weight=Int(16), output=Int(16)))
    m.accumulator[0, :2] = [16_777_219, 16_777_217]  # to 16,777,220 and 16,777,216
    scale = np.float32(2**-10)
    m.run([
        encode("config_st", scale=float_bits(scale), stride=8),
        encode("mvout", address=64, local=ACC, rows=1, cols=2),
    ])  # fmt: skip
    assert np.frombuffer(m.read(64, 4), "<i2").tolist() == [16384, 16384]


def test_mvout_full_width_blocks_and_exact_bytes():
    m = machine()
    m.write(64, b"\xee" * 64)
    m.accumulator[0] = [-1, 1 << 20, 3, 4]
    m.scratchpad[0], m.scratchpad[4] = [1, 2, 3, 4], [5, 6, 7, 8]
    m.run([
        encode("config_st", scale=float_bits(0.25), activation=1, stride=4),
        encode("mvout", address=64, local=ACC | FULL, rows=1, cols=3),
        encode("mvout", address=81, local=0, rows=1, cols=6),
    ])  # fmt: skip
    assert np.frombuffer(m.read(64, 12), "<i4").tolist() == [-1, 1 << 20, 3]
    assert m.read(76, 14) == b"\xee" * 5 + bytes([1, 2, 3, 4, 5, 6]) + b"\xee" * 3


def test_all_ones_keeps_the_store_scale():
    m = machine()
    m.accumulator[0] = 8
    m.run([
        encode("config_st", scale=float_bits(0.5), stride=4),
        encode("config_st", scale=0xFFFF_FFFF, stride=4, activation=1),
        encode("mvout", address=64, local=ACC, rows=1, cols=1),
    ])  # fmt: skip
    assert m.read(64, 1) == b"\x04"


def test_elements_are_packed_to_the_bit():
    odd = Config(dim=4, input=Int(6), weight=Int(6), output=Int(6), accumulator=Int(20))
    m = machine(odd)
    m.scratchpad[0] = [-1, 1, -32, 31]
    m.accumulator[0] = [-1, 5, 1 << 18, 0]
    m.run([
        encode("config_st", scale=ONE, stride=16),
        encode("mvout", address=64, local=0, rows=1, cols=3),
        encode("mvout", address=80, local=ACC | FULL, rows=1, cols=3),
        encode("config_ld", scale=ONE, stride=16, block_stride=4),
        encode("mvin", address=64, local=1, rows=1, cols=3),
        encode("mvin", address=80, local=ACC | 1, rows=1, cols=3),
    ])  # fmt: skip
    number = 63 | 1 << 6 | 32 << 12
    assert m.read(64, 4) == number.to_bytes(3, "little") + b"\x00"
    wide = 0xFFFFF | 5 << 20 | 1 << 58
    assert m.read(80, 9) == wide.to_bytes(8, "little") + b"\x00"
    assert m.scratchpad[1].tolist() == [-1, 1, -32, 0]
    assert m.accumulator[1].tolist() == [-1, 5, 1 << 18, 0]


# preload and compute


def random_tiles(m: Machine, seed=0):
    rng = np.random.default_rng(seed)
    m.scratchpad[:64] = rng.integers(-128, 128, (64, m.config.dim))
    return m.scratchpad[:64].copy()


def test_partial_tiles_read_zeros_beyond_their_extents():
    m = machine()
    s = random_tiles(m)
    m.accumulator[:] = 99
    m.run([
        encode("config_ex", dataflow=1, a_stride=2, c_stride=3),
        encode("preload", b_addr=8, b_rows=3, b_cols=2, c_addr=ACC | 5, c_rows=3, c_cols=3),
        encode("compute_preloaded", a_addr=16, a_rows=2, a_cols=4, d_addr=32, d_rows=3, d_cols=1),
    ])  # fmt: skip
    a, b, d = np.zeros((3, 4), int), np.zeros((4, 4), int), np.zeros((3, 4), int)
    a[:2], b[:3, :2], d[:3, :1] = s[[16, 18]], s[8:11, :2], s[32:35, :1]
    np.testing.assert_array_equal(m.accumulator[[5, 8, 11], :3], (a @ b + d)[:, :3])
    assert (m.accumulator[[5, 8, 11], 3] == 99).all()
    assert (m.accumulator[[6, 7, 9, 10, 12]] == 99).all()


def test_weights_stay_and_results_accumulate():
    m = machine()
    s = random_tiles(m)
    c = {"c_addr": ACC | ACCUMULATE, "c_rows": 4, "c_cols": 4}
    tile = {"a_rows": 4, "a_cols": 4, "d_addr": GARBAGE}
    m.run([
        EXECUTE,
        encode("preload", b_addr=0, b_rows=4, b_cols=4, **c),
        encode("compute_preloaded", a_addr=4, **tile),
        encode("preload", b_addr=GARBAGE, **c),
        encode("compute_accumulated", a_addr=8, **tile),
        encode("compute_accumulated", a_addr=GARBAGE, **tile),
    ])  # fmt: skip
    np.testing.assert_array_equal(m.accumulator[:4], (s[4:8] + s[8:12]) @ s[:4])
    m.run([encode("compute_preloaded", a_addr=8, **tile)])  # garbage B: zero weights
    m.run([encode("compute_accumulated", a_addr=8, **tile)])
    np.testing.assert_array_equal(m.accumulator[:4], (s[4:8] + s[8:12]) @ s[:4])


@pytest.mark.parametrize("relu", [0, 1])
def test_c_to_the_scratchpad_saturates(relu):
    m = machine()
    s = random_tiles(m)
    m.run([
        encode("config_ex", dataflow=1, activation=relu, a_stride=1, c_stride=1),
        encode("preload", b_addr=0, b_rows=4, b_cols=4, c_addr=40, c_rows=4, c_cols=4),
        encode("compute_preloaded", a_addr=4, a_rows=4, a_cols=4, d_addr=GARBAGE),
    ])  # fmt: skip
    want = np.clip(s[4:8] @ s[:4], 0 if relu else -128, 127)
    np.testing.assert_array_equal(m.scratchpad[40:44], want)


def test_results_wrap_at_the_accumulators_width():
    m = machine(TINY.replace(accumulator=Int(16)))
    m.scratchpad[:8] = -128
    m.run([
        EXECUTE,
        encode("preload", b_addr=0, b_rows=4, b_cols=4, c_addr=ACC, c_rows=1, c_cols=1),
        encode("compute_preloaded", a_addr=4, a_rows=4, a_cols=4, d_addr=GARBAGE),
    ])  # fmt: skip
    assert m.accumulator[0, 0] == 0  # 65,536 modulo 2^16


def test_weights_are_read_in_the_weight_format():
    m = machine(TINY.replace(weight=Int(8, signed=False)))
    m.scratchpad[0, 0], m.scratchpad[4, 0] = -1, 2
    m.run([
        EXECUTE,
        encode("preload", b_addr=0, b_rows=1, b_cols=1, c_addr=ACC, c_rows=1, c_cols=1),
        encode("compute_preloaded", a_addr=4, a_rows=1, a_cols=1, d_addr=GARBAGE),
    ])  # fmt: skip
    assert m.accumulator[0, 0] == 2 * 255


def test_c_may_replace_a_in_place():
    m = machine()
    s = random_tiles(m)
    m.run([
        EXECUTE,
        encode("preload", b_addr=0, b_rows=4, b_cols=4, c_addr=4, c_rows=4, c_cols=4),
        encode("compute_preloaded", a_addr=4, a_rows=4, a_cols=4, d_addr=GARBAGE),
    ])  # fmt: skip
    np.testing.assert_array_equal(m.scratchpad[4:8], np.clip(s[4:8] @ s[:4], -128, 127))
