"""Which memories go without logic for collisions."""

import re

from amaranth.back import rtlil
from amaranth.hdl import Module
from amaranth.lib.memory import Memory

from fpga.rtlil import without_collision_logic
from hw.memory.collisions import NO_COLLISIONS
from hw.memory.ram import Ram

MASK = re.compile(r"COLLISION_X_MASK \d+'(\d+)")


def two_memories() -> str:
    m = Module()
    for name, attributes in (("promises", NO_COLLISIONS), ("does_not", {})):
        m.submodules[name] = memory = Memory(shape=8, depth=16, init=[], attrs=attributes)
        memory.read_port(), memory.write_port(granularity=4)
    return rtlil.convert(m, ports=[])


def test_only_memories_that_promise_it_may_return_anything():
    before = two_memories()
    assert MASK.findall(before) == ["0", "0"]
    after = without_collision_logic(before)
    assert MASK.findall(after) == ["1", "0"]
    assert MASK.sub("", after) == MASK.sub("", before)


def test_a_ram_of_a_board_is_one():
    assert MASK.findall(without_collision_logic(rtlil.convert(Ram(32, 64)))) == ["1"]
