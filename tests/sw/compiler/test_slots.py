"""Slots of the scratchpad: what stays, what goes."""

from sw.compiler.slots import Slots


def walk(slots, keys):
    """(rows, misses) of a sequence of uses, announced beforehand."""
    for time, key in enumerate(keys):
        slots.will_use(key, time)
    found = [slots.use(key, time) for time, key in enumerate(keys)]
    return [row for row, _ in found], [missing for _, missing in found]


def test_pieces_that_fit_are_loaded_once():
    rows, missing = walk(Slots(100, 8, 3), "abcabcabc")
    assert missing == [True] * 3 + [False] * 6
    assert rows[:3] == [100, 108, 116] == rows[3:6]


def test_the_dead_make_room_first_oldest_first():
    rows, missing = walk(Slots(0, 1, 2), "abcd")
    assert missing == [True] * 4
    assert rows == [0, 1, 0, 1]


def test_otherwise_the_piece_needed_last_goes():
    _, missing = walk(Slots(0, 1, 2), "abcab")
    assert missing == [True, True, True, False, True]
