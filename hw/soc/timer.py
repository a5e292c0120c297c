"""The core's timer."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..bus.registers import RegisterBus
from .map import TIMER


class Timer(wiring.Component):
    """64-bit cycle counter with a compare value (registers: :data:`hw.soc.map.TIMER`).

    Members
    -------
    bus : In(RegisterBus())
    interrupt : Out(1)
        High while the counter is at or beyond the compare value (one cycle late).
    """

    bus: In(RegisterBus())
    interrupt: Out(1)

    def elaborate(self, platform):
        m = Module()
        bus = self.bus
        now = Signal(64)
        high = Signal(32)
        compare = Signal(64, init=(1 << 64) - 1)
        m.d.sync += [now.eq(now + 1), self.interrupt.eq(now >= compare)]
        m.d.comb += bus.done.eq(1)
        with m.Switch(bus.word):
            with m.Case(TIMER.word("now_low")):
                m.d.comb += bus.data_r.eq(now[:32])
                with m.If(bus.select):
                    m.d.sync += high.eq(now[32:])
            with m.Case(TIMER.word("now_high")):
                m.d.comb += bus.data_r.eq(high)
            with m.Case(TIMER.word("due")):
                m.d.comb += bus.data_r.eq(self.interrupt)
            for name, part in (("compare_low", compare[:32]), ("compare_high", compare[32:])):
                with m.Case(TIMER.word(name)):
                    with m.If(bus.select & bus.write):
                        m.d.sync += part.eq(bus.data_w)
        return m
