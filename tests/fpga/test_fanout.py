"""Nets with many sinks are passed on by look-up tables, and everything else stays as it is."""

import json
from copy import deepcopy

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from fpga.families import FAMILIES
from fpga.fanout import spread, spread_out
from fpga.rtlil import emit
from fpga.steps import synthesised

WIDE = 26


class Gated(wiring.Component):
    """A word behind an enable, from a register, with `WIDE` sinks; another with five."""

    i: In(WIDE)
    few: In(5)
    go: In(1)
    o: Out(WIDE)
    p: Out(5)

    def elaborate(self, platform):
        m = Module()
        go = Signal()
        m.d.sync += go.eq(self.go)
        with m.If(go):
            m.d.sync += self.o.eq(self.i)
        m.d.sync += self.p.eq(self.few & self.i[0].replicate(5))
        return m


@pytest.fixture(scope="module")
def netlist():
    return synthesised("fanout", emit(Gated(), None), FAMILIES["gowin"].synthesis(), {})


@pytest.fixture(scope="module")
def modules(netlist):
    before = json.loads((netlist / "top.json").read_text())["modules"]["top"]
    after = deepcopy(before)
    return before, after, spread(after, *FAMILIES["gowin"].slow_nets)


def sources(cells):
    """What drives each bit: (cell, port, place)."""
    return {
        bit: (name, port, n)
        for name, cell in cells.items()
        for port, bits in cell["connections"].items()
        for n, bit in enumerate(bits)
        if cell["port_directions"][port] == "output"
    }


def fanout(cells, what):
    """Sinks of every net whose source is a cell of that kind."""
    found = sources(cells)
    counts = {}
    for cell in cells.values():
        for port, bits in cell["connections"].items():
            for bit in bits if cell["port_directions"][port] == "input" else ():
                if bit in found and cells[found[bit][0]]["type"].startswith(what):
                    counts[bit] = counts.get(bit, 0) + 1
    return sorted(counts.values())


def test_no_net_keeps_as_many_sinks(modules):
    before, after, made = modules
    assert fanout(before["cells"], "DFF")[-1] == WIDE
    assert fanout(after["cells"], "DFF")[-1] == made == 3
    assert [n for n in fanout(after["cells"], "LUT1") if n > 5] == [6, 10, 10]


def test_every_sink_has_the_source_that_it_had(modules):
    before, after, _ = modules
    there, here = sources(before["cells"]), sources(after["cells"])

    def origin(bit):
        name, port, n = here[bit]
        if not name.startswith("fanout_"):
            return name, port, n
        return origin(after["cells"][name]["connections"]["I0"][0])

    for name, cell in before["cells"].items():
        for port, bits in cell["connections"].items():
            now = after["cells"][name]["connections"][port]
            for bit, new in zip(bits, now, strict=True):
                if bit in there and cell["port_directions"][port] == "input":
                    assert origin(new) == there[bit]
                else:
                    assert new == bit


def test_new_nets_have_numbers_that_nothing_had(modules):
    before, after, _ = modules
    used = {bit for net in before["netnames"].values() for bit in net["bits"]}
    new = [c["connections"]["F"][0] for n, c in after["cells"].items() if n.startswith("fanout_")]
    assert len({*new}) == 3 and not used & {*new}


def test_only_families_that_ask_for_it(netlist):
    assert spread_out(netlist, FAMILIES["ecp5"]) is netlist
    assert spread_out(netlist, FAMILIES["gowin"]) != netlist
