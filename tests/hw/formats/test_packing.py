"""Packing of elements into memory rows, against arithmetic on one big Python integer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.formats import Int, pack, row_bytes, unpack


@given(st.integers(2, 32), st.booleans(), st.data())
def test_rows_are_packed_to_the_bit(width, signed, data):
    fmt = Int(width, signed)
    values = data.draw(st.lists(st.integers(fmt.min, fmt.max), min_size=1, max_size=40))
    number = sum((v % (1 << width)) << (i * width) for i, v in enumerate(values))
    row = pack(fmt, values)
    assert row == number.to_bytes(-(-width * len(values) // 8), "little")
    assert len(row) == row_bytes(fmt, len(values))
    assert unpack(fmt, row, len(values)).tolist() == values


def test_unpack_says_how_many_bytes_are_missing():
    with pytest.raises(ValueError, match="3 elements of int12 need 5 bytes, got 4"):
        unpack(Int(12), bytes(4), 3)
