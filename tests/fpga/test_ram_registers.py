"""Registers behind block RAMs move into them where the design says so, and nothing else changes."""

import json

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from fpga.families import FAMILIES
from fpga.ram_registers import move, registered_rams
from fpga.rtlil import emit
from fpga.steps import synthesised
from hw.memory.collisions import NO_COLLISIONS, RAM_REGISTER

ECP5 = FAMILIES["ecp5"]


class Kept(wiring.Component):
    """A memory and a register behind it: with `enable`, one that keeps its word."""

    def __init__(self, attrs: dict, enable: bool):
        self.attrs = attrs
        self.enable = enable
        ports = {"row": In(9), "write": In(1), "i": In(36), "go": In(1), "o": Out(36)}
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(shape=36, depth=512, init=[], attrs=NO_COLLISIONS)
        read, write = memory.read_port(), memory.write_port()
        found = Signal(36, reset_less=True, attrs=self.attrs)
        m.d.comb += [
            read.addr.eq(self.row),
            write.addr.eq(self.row),
            write.data.eq(self.i),
            write.en.eq(self.write),
            read.en.eq(~self.write),
            self.o.eq(~found),
        ]
        with m.If(self.go | (not self.enable)):
            m.d.sync += found.eq(read.data)
        return m


def netlist(attrs, enable=False):
    return synthesised("ram_registers", emit(Kept(attrs, enable), None), ECP5.synthesis(), {})


def top(directory):
    return json.loads((directory / "top.json").read_text())["modules"]["top"]


def kinds(module, kind):
    return {name: cell for name, cell in module["cells"].items() if cell["type"] == kind}


def test_a_marked_register_goes_into_the_ram():
    before, after = top(netlist(RAM_REGISTER)), top(registered_rams(netlist(RAM_REGISTER), ECP5))
    registers = kinds(before, "TRELLIS_FF")
    assert len(registers) == 36 and not kinds(after, "TRELLIS_FF")
    (ram,) = kinds(after, "DP16KD").values()
    assert ram["parameters"]["REGMODE_A"] == ram["parameters"]["REGMODE_B"] == "OUTREG"
    outputs = [p for p, way in ram["port_directions"].items() if way == "output"]
    driven = {bit for port in outputs for bit in ram["connections"][port]}
    assert driven >= {cell["connections"]["Q"][0] for cell in registers.values()}
    assert kinds(after, "LUT4") == kinds(before, "LUT4")


@pytest.mark.parametrize(("attrs", "enable"), [({}, False), (RAM_REGISTER, True)])
def test_others_stay(attrs, enable):
    module = top(netlist(attrs, enable))
    assert move(module) == 0
    assert module == top(netlist(attrs, enable))


def test_netlists_without_any_stay_where_they_are():
    assert registered_rams(netlist({}), ECP5) == netlist({})
    assert registered_rams(netlist(RAM_REGISTER), FAMILIES["gowin"]) == netlist(RAM_REGISTER)
