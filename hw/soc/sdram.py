"""The way to the registers of an SDRAM's controller."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..bus.registers import RegisterBus
from ..bus.wishbone import Wishbone
from .map import SDRAM


class SdramControl(wiring.Component):
    """Passes accesses to `data` on to the controller's register at `address` (registers:
    :data:`hw.soc.map.SDRAM`), which answers in its own time.

    Members
    -------
    bus : In(RegisterBus())
    control : Out(Wishbone())
        Classic cycles of whole words.
    """

    bus: In(RegisterBus())
    control: Out(Wishbone())

    def elaborate(self, platform):
        m = Module()
        bus, control = self.bus, self.control
        address = Signal(32)
        m.d.comb += [
            bus.done.eq(1),
            bus.data_r.eq(address),
            control.adr.eq(address[2:]),
            control.sel.eq(0b1111),
            control.dat_w.eq(bus.data_w),
            control.we.eq(bus.write),
        ]
        with m.If(bus.word == SDRAM.word("data")):
            m.d.comb += [
                control.cyc.eq(bus.select),
                control.stb.eq(bus.select),
                bus.done.eq(control.ack | control.err),
                bus.data_r.eq(control.dat_r),
            ]
        with m.Elif(bus.select & bus.write):
            m.d.sync += address.eq(bus.data_w)
        return m
