"""The table that firmware reads: word by word, and back."""

import struct

import pytest

from hw.isa import encode
from sw.network.table import LayerRecord, pack_table, unpack_table
from sw.runtime.lists import COMMAND_BYTES, pack_commands

LAYER = LayerRecord(*range(100, 118))


def test_words_stand_in_order():
    words = struct.unpack("<22I", pack_table(5, [LAYER]))
    assert words == (0x4E484C41, 1, 5, *range(100, 118), 0)


def test_round_trip():
    assert unpack_table(pack_table(5, [LAYER, LAYER])) == (5, [LAYER, LAYER])


def test_other_memory_is_refused():
    with pytest.raises(ValueError, match="starts with 0x4e484c41, not 0x0"):
        unpack_table(bytes(64))


def test_commands_are_six_words():
    command = encode("mvin", address=0x1234, local=5, cols=3, rows=2)
    data = pack_commands([command])
    assert len(data) == COMMAND_BYTES
    assert struct.unpack("<6I", data) == (2, 0, 0x1234, 0, 5, 2 << 16 | 3)
