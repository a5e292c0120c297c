"""weight_table in the instruction-set simulator: products with tables against numpy, errors."""

import numpy as np
import pytest

from hw.formats import Codebook, Float, Int
from hw.isa import GARBAGE, ErrorCode, Local, encode
from sim.machine import Machine
from tests.support.plain import PLAIN
from tests.support.tables import CUBES, tabled

DIM, TABLE, B, A = 4, 8, 20, 30
E4M3 = Float.parse("e4m3fn")


def table(rows=DIM, addr=TABLE):
    return encode("weight_table", table_addr=addr, table_rows=rows)


def tile(row, preloaded=True, b=B):
    """A whole tile to a row of the accumulator memory."""
    extents = {f"{name}_{what}": DIM for name in "bc" for what in ("rows", "cols")}
    again = {} if preloaded else {"b_addr": GARBAGE}
    load = encode("preload", **({"b_addr": b, "c_addr": Local.ACC | row} | extents | again))
    name = "compute_preloaded" if preloaded else "compute_accumulated"
    return [load, encode(name, a_addr=A, a_rows=DIM, a_cols=DIM, d_addr=GARBAGE)]


def machine(seed, config=None):
    """A machine with random bytes, and these as A, indices of B and entries."""
    m, rng = Machine(config or tabled(), 1 << 12), np.random.default_rng(seed)
    signed = isinstance(m.config.input, Int)
    low, high = (-128, 128) if signed else (0, 256)
    m.scratchpad[:] = rng.integers(low, high, m.scratchpad.shape)
    a, b = m.scratchpad[A : A + DIM], m.scratchpad[B : B + DIM] % 16
    return m, a.copy(), b, m.scratchpad[TABLE : TABLE + DIM].ravel().copy()


@pytest.mark.parametrize("rows", range(DIM + 1))
def test_entries_that_are_not_given_stay(rows):
    m, a, b, new = machine(rows)
    assert m.run([*tile(0), table(rows), *tile(4)]).error is ErrorCode.NONE
    entries = CUBES.decode(range(16))
    np.testing.assert_array_equal(m.accumulator[:4], a @ entries[b])
    entries[: rows * DIM] = new[: rows * DIM]
    np.testing.assert_array_equal(m.accumulator[4:8], a @ entries[b])


def test_weights_in_the_array_stay():
    m, a, b, new = machine(9)
    m.run([*tile(0), table(), *tile(4, preloaded=False), *tile(8)])
    np.testing.assert_array_equal(m.accumulator[4:8], a @ CUBES.decode(b))
    np.testing.assert_array_equal(m.accumulator[8:12], a @ new[b])


def test_reset_brings_the_first_table_back():
    m, a, b, _ = machine(3)
    m.run([table()])
    kept = m.scratchpad.copy()
    m.reset()
    m.scratchpad[:] = kept
    m.run(tile(0))
    np.testing.assert_array_equal(m.accumulator[:4], a @ CUBES.decode(b))


def test_columns_that_b_does_not_have_are_entry_0():
    m, a, b, new = machine(5)
    narrow = encode("preload", b_addr=B, b_rows=3, b_cols=2, c_addr=Local.ACC, c_rows=4, c_cols=4)
    m.run([table(), narrow, tile(0)[1]])
    weights = new[b]
    weights[:, 2:], weights[3:] = new[0], 0
    np.testing.assert_array_equal(m.accumulator[:4], a @ weights)


def test_nan_is_an_entry_like_others():
    book = Codebook.of(np.arange(16) / 4, E4M3)
    m, *_ = machine(1, tabled(book))
    m.scratchpad[:] = 0x38  # 1.0; as an index 8
    m.scratchpad[TABLE + 2, 0] = 0x7F
    whole, none = tile(0), tile(4, b=GARBAGE)
    m.run([table(), *whole, *none])
    assert (m.accumulator[:4] == m.config.accumulator.nan).all()
    assert (m.accumulator[4:8] == 0).all()


ERRORS = [
    (ErrorCode.BAD_ADDRESS, table(0, GARBAGE)),
    (ErrorCode.BAD_ADDRESS, table(9, Local.ACC)),
    (ErrorCode.BAD_SIZE, table(5, 1 << 20)),
    (ErrorCode.BAD_ADDRESS, table(4, 61)),
    (ErrorCode.NONE, table(0, 1 << 20)),
]


@pytest.mark.parametrize(("code", "command"), ERRORS, ids=str)
def test_a_refused_command_changes_nothing(code, command):
    m, a, b, _ = machine(7)
    assert m.run([command]).error is code
    m.run(tile(0))
    np.testing.assert_array_equal(m.accumulator[:4], a @ CUBES.decode(b))


def test_the_last_rows_of_the_scratchpad():
    m, a, b, _ = machine(8)
    new = m.scratchpad[60:].ravel().copy()
    assert m.run([table(4, 60), *tile(0)]).error is ErrorCode.NONE
    np.testing.assert_array_equal(m.accumulator[:4], a @ new[b])


def test_only_where_a_table_can_be_loaded():
    wide = tabled(input=Int(4))
    assert not wide.weight_table and wide.table_rows == 0
    for config in (PLAIN["tiny"], wide):
        assert Machine(config).run([table()]).error is ErrorCode.NOT_SUPPORTED
