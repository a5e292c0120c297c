"""Memories of which no address is read and written in the same cycle.

Amaranth's read ports return the old data then. Block RAMs of most devices do not, so synthesis
adds logic around them; on an ECP5 several hundred LUTs for a bank. A memory with `NO_COLLISIONS`
among its attributes goes without (:mod:`fpga.rtlil`), and its owner asserts what it promises.
"""

from collections.abc import Iterable

from amaranth.hdl import Assert, Module

NO_COLLISIONS = {"no_collisions": 1}
"""Attributes of such a memory."""

RAM_REGISTER = {"ram_register": 1, "keep": 1}
"""Attributes of a register behind a memory that may be the block RAM's own; its name is kept."""


def assert_no_collisions(m: Module, ports: Iterable[tuple]):
    """Every simulation checks these (read, write) ports of one memory each."""
    for read, write in ports:
        m.d.sync += Assert(~(read.en & write.en.any() & (read.addr == write.addr)))
