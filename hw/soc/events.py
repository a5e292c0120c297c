"""Interrupt sources, and the accelerator's state as registers."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..bus.issue import Status
from ..bus.registers import RegisterBus
from .map import ACCELERATOR, CONTROL, EVENT_BITS, EVENTS


class Events(wiring.Component):
    """Pending and enable bits (registers: :data:`hw.soc.map.EVENTS`).

    A source sets its bit when it rises (`fault`: in every cycle it is high); software clears it.

    Members
    -------
    bus : In(RegisterBus())
    idle, error, fault, character : In(1)
    fault_address : In(32)
    interrupt : Out(1)
    """

    bus: In(RegisterBus())
    idle: In(1)
    error: In(1)
    fault: In(1)
    character: In(1)
    fault_address: In(32)
    interrupt: Out(1)

    def elaborate(self, platform):
        m = Module()
        bus = self.bus
        level = Signal(3)
        before = Signal(3, init=0b001)
        rise = Signal(4)
        pending, enable = Signal(4), Signal(4)
        address = Signal(32)
        clear = Signal(4)
        m.d.comb += [
            level.eq(Cat(self.idle, self.error, self.character)),
            rise.eq(Cat(level[:2] & ~before[:2], self.fault, level[2] & ~before[2])),
            self.interrupt.eq((pending & enable).any()),
            bus.done.eq(1),
        ]
        m.d.sync += [before.eq(level), pending.eq((pending & ~clear) | rise)]
        with m.If(self.fault & ~pending[EVENT_BITS.index("fault")]):
            m.d.sync += address.eq(self.fault_address)
        with m.Switch(bus.word):
            with m.Case(EVENTS.word("pending")):
                m.d.comb += bus.data_r.eq(pending)
                with m.If(bus.select & bus.write):
                    m.d.comb += clear.eq(bus.data_w)
            with m.Case(EVENTS.word("enable")):
                m.d.comb += bus.data_r.eq(enable)
                with m.If(bus.select & bus.write):
                    m.d.sync += enable.eq(bus.data_w)
            with m.Case(EVENTS.word("fault_address")):
                m.d.comb += bus.data_r.eq(address)
        return m


class State(wiring.Component):
    """The accelerator's state (registers: :data:`hw.soc.map.ACCELERATOR`).

    Members
    -------
    bus : In(RegisterBus())
    status : In(Status())
    error_index, accepted : In(32)
    clear : Out(1)
        One cycle: clear the error register.
    """

    bus: In(RegisterBus())
    status: In(Status())
    error_index: In(32)
    accepted: In(32)
    clear: Out(1)

    def elaborate(self, platform):
        m = Module()
        bus = self.bus
        m.d.comb += bus.done.eq(1)
        for name in ("status", "error_index", "accepted"):
            with m.If(bus.word == ACCELERATOR.word(name)):
                m.d.comb += bus.data_r.eq(getattr(self, name))
        with m.If(bus.word == ACCELERATOR.word("clear")):
            m.d.comb += self.clear.eq(bus.select & bus.write)
        return m


class Control(wiring.Component):
    """Program end and markers (registers: :data:`hw.soc.map.CONTROL`).

    Members
    -------
    bus : In(RegisterBus())
    exited : Out(1)
        For one cycle: the program has ended with `exit_code`.
    exit_code, mark : Out(32)
    reset : Out(1)
        For one cycle: core and accelerator are to start anew.
    """

    bus: In(RegisterBus())
    exited: Out(1)
    exit_code: Out(32)
    mark: Out(32)
    reset: Out(1)

    def elaborate(self, platform):
        m = Module()
        bus = self.bus
        ended = Signal()
        m.d.comb += [
            bus.done.eq(1),
            bus.data_r.eq(Mux(bus.word == CONTROL.word("ended"), ended, self.exit_code)),
        ]
        m.d.sync += [self.exited.eq(0), self.reset.eq(0)]
        with m.If(bus.select & bus.write & (bus.word == CONTROL.word("reset"))):
            m.d.sync += self.reset.eq(1)
        with m.If(bus.select & bus.write & (bus.word == CONTROL.word("exit"))):
            m.d.sync += [self.exited.eq(1), self.exit_code.eq(bus.data_w), ended.eq(1)]
        with m.If(bus.select & bus.write & (bus.word == CONTROL.word("mark"))):
            m.d.sync += self.mark.eq(bus.data_w)
        return m
