"""SERV: RV32I, one bit of a word per cycle, by far the smallest."""

from pathlib import Path

import pythondata_cpu_serv
from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Signal

from .component import CoreComponent, add_files


class Serv(CoreComponent):
    """SERV with its register file in a memory, and CSRs for one interrupt.

    That one interrupt is machine timer; timer and events share it, and software asks both which it
    was. An interrupt leaves bits 31:30 of mepc as they are: software sets them once. A store has
    ended before the next instruction begins. `err` of the buses is ignored: watch it from outside.

    Members: see :func:`hw.soc.cores.core_of`.
    """

    @staticmethod
    def files(attach: str) -> list[Path]:
        return sorted((Path(pythondata_cpu_serv.data_location) / "rtl").glob("serv_*.v"))

    def elaborate(self, platform):
        m = Module()
        add_files(platform, self.files(self.attach))
        ibus, dbus = self.ibus, self.dbus
        fetched, accessed = Signal(32), Signal(32)
        m.d.comb += [
            ibus.stb.eq(ibus.cyc),
            ibus.sel.eq(0b1111),
            ibus.adr.eq(fetched[2:]),
            dbus.stb.eq(dbus.cyc),
            dbus.adr.eq(accessed[2:]),
        ]
        m.submodules.core = Instance(
            "serv_rf_top",
            p_RESET_PC=self.reset_vector,
            p_WITH_CSR=1,
            i_clk=ClockSignal(),
            i_i_rst=ResetSignal() | self.restart,
            i_i_timer_irq=self.timer_interrupt | self.events_interrupt,
            o_o_ibus_adr=fetched,
            o_o_ibus_cyc=ibus.cyc,
            i_i_ibus_rdt=ibus.dat_r,
            i_i_ibus_ack=ibus.ack,
            o_o_dbus_adr=accessed,
            o_o_dbus_dat=dbus.dat_w,
            o_o_dbus_sel=dbus.sel,
            o_o_dbus_we=dbus.we,
            o_o_dbus_cyc=dbus.cyc,
            i_i_dbus_rdt=dbus.dat_r,
            i_i_dbus_ack=dbus.ack,
            i_i_ext_rd=0,
            i_i_ext_ready=0,
        )
        return m
