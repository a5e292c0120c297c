"""What `emit` leaves out, and what it must not."""

import pytest
from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.memory.ram import Ram
from hw.verilog import emit

FIELDS = data.StructLayout({"flag": 1, "value": 8, "rest": 4})


class Fields(wiring.Component):
    """One field under a condition beside a plain one; a third is what `rest` says."""

    def __init__(self, rest=None):
        self.rest = rest
        super().__init__({"go": In(1), "value": In(8), "o": Out(FIELDS)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.value.eq(self.value)
        if self.rest is not None:
            m.d.comb += self.o.rest.eq(self.rest)
        with m.If(self.go):
            m.d.comb += self.o.flag.eq(self.value[0])
        return m


class Rows(wiring.Component):
    """A memory of two zeros and a three."""

    def __init__(self):
        super().__init__({"address": In(2), "o": Out(8)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(shape=8, depth=3, init=[0, 0, 3])
        read = memory.read_port(domain="comb")
        m.d.comb += [read.addr.eq(self.address), self.o.eq(read.data)]
        return m


def test_a_conditional_bit_keeps_its_default():
    assert emit(Fields()).count("o[0] = 1'h0;") == 1


def test_rows_of_zeros_are_left_out():
    text = emit(Rows())
    assert "[2] = 8'h03;" in text and "8'h00" not in text


def test_a_constant_that_no_simulator_would_see_is_refused():
    with pytest.raises(ValueError, match=r"o\[12:9\] is a constant beside conditional fields"):
        emit(Fields(rest=5))


def test_plain_verilog_has_no_assertions():
    assert "assert (" in emit(Ram(32, 64))
    assert "assert" not in emit(Ram(32, 64), assertions=False)
