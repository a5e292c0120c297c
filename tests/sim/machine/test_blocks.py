"""Operands in blocks: where the machine finds their scales, and what it refuses."""

import numpy as np
import pytest

from hw.config_text import parse_config
from hw.isa import GARBAGE, ErrorCode, Local, encode
from sim.machine import Machine

ACC = Local.ACC
# Values of e2m1 and e8m0 by code, from the OCP specification.
E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6])


def nibbles(codes: int, count: int) -> list[int]:
    return [codes >> 4 * n & 15 for n in range(count)]


@pytest.fixture
def machine():
    """4×4 of mxfp4: A in rows 0 to 3, B in 8 to 10 and its scales in 11 and 12, A's from 16 on."""
    m = Machine(parse_config("tiny:format=mxfp4"), 1 << 16)
    rng = np.random.default_rng(2)
    m.scratchpad[:14] = rng.integers(0, 16, (14, 4))
    exponents = np.array([1, -2, 3, 0])
    bits = sum(int(127 + e) << 8 * n for n, e in enumerate(exponents))
    m.scratchpad[11:13] = np.reshape(nibbles(bits, 8), (2, 4))
    for row in range(4):  # two scales in a row
        m.scratchpad[16 + row] = nibbles((127 + row) | (130 - row) << 8, 4)
    return m, exponents


def tile(**fields):
    c = {"c_addr": ACC | 5, "c_rows": 4, "c_cols": 4}
    return encode("preload", **({"b_addr": 8, "b_rows": 3, "b_cols": 4} | c | fields))


def compute(name="compute_preloaded", **fields):
    a = {"a_addr": 0, "a_rows": 4, "a_cols": 3}
    return encode(name, **(a | {"d_addr": 16, "d_rows": 4, "d_cols": 1} | fields))


def run(m, *commands):
    result = m.run([encode("config_ex", dataflow=1, a_stride=1, c_stride=1), *commands])
    assert result.error is ErrorCode.NONE


def stored(m):
    return m.accumulator[5:9].astype(np.uint32).view(np.float32).astype(float)


def product(m):
    return E2M1[m.scratchpad[:4, :3]] @ E2M1[m.scratchpad[8:11]]


def test_scales_of_rows_and_columns(machine):
    m, exponents = machine
    run(m, tile(), compute())
    rows = 2.0 ** (3 - np.arange(4))[:, None]
    np.testing.assert_array_equal(stored(m), product(m) * rows * 2.0**exponents)
    run(m, tile(c_addr=ACC | 1 << 30 | 5), compute("compute_accumulated", d_cols=0))
    both = rows + 2.0 ** np.arange(4)[:, None]
    np.testing.assert_array_equal(stored(m), product(m) * both * 2.0**exponents)


def test_what_has_no_scale_has_scale_one(machine):
    m, exponents = machine
    run(m, tile(), compute(d_addr=GARBAGE))
    np.testing.assert_array_equal(stored(m), product(m) * 2.0**exponents)
    run(m, tile(), compute(d_rows=2))
    rows = np.array([8.0, 4, 1, 1])[:, None]
    np.testing.assert_array_equal(stored(m), product(m) * rows * 2.0**exponents)
    run(m, tile(b_addr=GARBAGE), compute())  # without B, zeros, and no scales of columns
    np.testing.assert_array_equal(m.state.columns, np.ones(4))
    np.testing.assert_array_equal(stored(m), np.zeros((4, 4)))


def test_nan_scales(machine):
    m, _ = machine
    m.scratchpad[17] = nibbles(255 << 8, 4)
    m.scratchpad[11, :2] = 15  # column 0
    run(m, tile(), compute())
    np.testing.assert_array_equal(np.isnan(stored(m)), [[1, 0, 0, 0], [1] * 4, *[[1, 0, 0, 0]] * 2])


def test_what_is_refused(machine):
    m, _ = machine
    last = m.config.sp_rows
    for command, code in (
        (compute(d_cols=2), ErrorCode.BAD_SIZE),  # a row holds two scales
        (compute(d_addr=last - 3), ErrorCode.BAD_ADDRESS),
        (tile(b_addr=last - 4), ErrorCode.BAD_ADDRESS),
        (encode("config_ex", dataflow=1, transpose_a=1, c_stride=1), ErrorCode.NOT_SUPPORTED),
        (encode("config_ex", dataflow=0, c_stride=1), ErrorCode.NOT_SUPPORTED),
        (tile(c_addr=5), ErrorCode.NOT_SUPPORTED),
    ):
        m.reset()
        assert m.run([command]).error is code, command
    m.reset()
    assert m.run([tile(b_addr=last - 5), compute(d_addr=GARBAGE, d_cols=4)]).error is ErrorCode.NONE


def test_column_scales_that_straddle_rows():
    """mxfp6 at dim 4: rows of 24 bits; the fourth scale begins in the second one."""
    m = Machine(parse_config("tiny:format=mxfp6e3m2"), 1 << 16)
    codes = np.array([127, 129, 126, 130])
    bits = sum(int(code) << 8 * n for n, code in enumerate(codes))
    m.scratchpad[0] = m.scratchpad[8] = [0b001100] * 4  # 1.0
    m.scratchpad[9:11] = np.reshape([bits >> 6 * n & 63 for n in range(8)], (2, 4))
    b = {"b_rows": 1, "c_rows": 1}
    run(m, tile(**b), compute(a_rows=1, a_cols=1, d_addr=GARBAGE))
    np.testing.assert_array_equal(stored(m)[0], 2.0 ** (codes - 127))


def test_a_b_without_columns_has_no_rows():
    """So what A holds there does not count, NaN included, and no column has a scale."""
    m = Machine(parse_config("tiny:format=mxfp8e4m3"), 1 << 16)
    m.scratchpad[0:4] = 0x7F  # NaN
    m.scratchpad[8:13] = 0xFF  # NaN as a scale
    full = {"a_cols": 4, "d_addr": GARBAGE}
    for empty in ({"b_cols": 0}, {"b_rows": 0}, {"b_addr": GARBAGE}):
        run(m, tile(b_rows=4), compute(**full))
        assert np.isnan(stored(m)).all()
        run(m, tile(**({"b_rows": 4} | empty)), compute(**full))
        np.testing.assert_array_equal(stored(m), 0)
    run(m, tile(b_rows=4, b_cols=2), compute(**full))
    assert np.isnan(stored(m)).all()  # columns beyond B's: zeros, times NaN and their scales
