"""Ports of plain bits for C++ and cocotb: structures taken apart, one port per field."""

from amaranth.hdl import ClockDomain, ClockSignal, Const, Module, ResetSignal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In


def _leaves(name: str, flow, value):
    """(port name, flow, value) of every field of a possibly structured member."""
    if isinstance(value, data.View) and isinstance(value.shape(), data.StructLayout):
        for field, _ in value.shape():
            yield from _leaves(f"{name}_{field}", flow, getattr(value, field))
        return
    value = value.as_value() if hasattr(value, "as_value") else value
    if not isinstance(value, Const):  # the ready of a stream that is always ready
        yield name, flow, value


class Flat(wiring.Component):
    """`component` with one port of plain bits per field of its structured members.

    A member `a.b.payload` that is a structure with field `f` becomes port ``a_b_payload_f``;
    others ``a_b_valid``: Verilator spells a double underscore differently in C++. Purely wires.

    Without `reset` the design has a clock port ``clk`` but no ``rst``: it starts from its initial
    values. With a reset port the next state of every register depends on an input, which
    Verilator evaluates anew whenever the harness touches its pins, at half the speed.

    With `times` beyond 1 there is a clock ``array_clk`` for the domain ``array``, with so many
    cycles in one of ``clk`` and an edge at each of its edges; the reset is the same.
    """

    def __init__(self, component: wiring.Component, reset: bool = True, times: int = 1):
        self.component = component
        self.reset = reset
        self.times = times
        self._leaves = [
            leaf
            for path, member, value in component.signature.flatten(component)
            for leaf in _leaves("_".join(map(str, path)), member.flow, value)
        ]
        ports = {name: flow(len(value)) for name, flow, value in self._leaves}
        clocks = {} if reset else {"clk": In(1)}
        clocks |= {"array_clk": In(1)} if times > 1 else {}
        super().__init__(clocks | ports)

    def elaborate(self, platform):
        m = Module()
        m.submodules.inner = self.component
        if not self.reset:
            m.domains.sync = ClockDomain("sync", reset_less=True)
            m.d.comb += ClockSignal().eq(self.clk)
        if self.times > 1:
            m.domains.array = ClockDomain("array", reset_less=not self.reset)
            m.d.comb += ClockSignal("array").eq(self.array_clk)
            if self.reset:
                m.d.comb += ResetSignal("array").eq(ResetSignal())
        for name, flow, value in self._leaves:
            port = getattr(self, name)
            m.d.comb += value.eq(port) if flow == In else port.eq(value)
        return m
