"""Binary and ternary codes, written out."""

import numpy as np
import pytest

from hw.formats import Binary, Format, Int, Ternary, pack, unpack


def test_codes():
    assert Binary().decode([0, 1, 2, 3]).tolist() == [-1, 1, -1, 1]
    assert Ternary().decode([0, 1, 2, 3, 4]).tolist() == [0, 1, 0, -1, 0]
    assert Binary().encode([-1, 1]).tolist() == [0, 1]
    assert Ternary().encode([-1, 0, 1]).tolist() == [3, 0, 1]
    assert pack(Ternary(), [1, -1, 0, 1]) == bytes([0b01_00_11_01])
    assert unpack(Binary(), b"\x05", 4).tolist() == [1, -1, 1, -1]


def test_rounding():
    values = [-7.0, -0.6, -0.5, -0.1, -0.0, 0.0, 0.5, 0.51, np.inf]
    assert Ternary().quantize(values).tolist() == [-1, -1, 0, 0, 0, 0, 0, 1, 1]
    assert Binary().quantize(values).tolist() == [-1, -1, -1, -1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("fmt", [Binary(), Ternary(), Int(1, False)])
def test_are_formats(fmt):
    assert isinstance(fmt, Format)
    values = np.arange(fmt.min, fmt.max + 1, 2 if fmt == Binary() else 1)
    assert fmt.decode(fmt.encode(values)).tolist() == values.tolist()


def test_messages():
    with pytest.raises(ValueError, match="binary holds -1 and 1 only"):
        Binary().encode([0])
    with pytest.raises(ValueError, match="ternary holds -1, 0 and 1 only"):
        Ternary().encode([2])
    with pytest.raises(ValueError, match="NaN has no ternary value"):
        Ternary().quantize([np.nan])
