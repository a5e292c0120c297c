"""PicoRV32: RV32IM, small, one bus, a port for co-processors."""

from pathlib import Path

import pythondata_cpu_picorv32
from amaranth.hdl import Cat, ClockSignal, Instance, Module, ResetSignal, Signal

from ..map import FIRMWARE
from .component import CoreComponent, add_files

TRAP_OFFSET = 0x10
"""Bytes from the start of a program to where its interrupts and illegal instructions go."""

IRQ_TIMER, IRQ_EVENTS = 3, 4
"""Its interrupts; 1 (illegal instruction, breakpoint) and 2 (misaligned access) are its own."""


class PicoRv32(CoreComponent):
    """PicoRV32 without caches; instructions come over `dbus`, `ibus` is at rest.

    A store has ended before the next instruction begins. Interrupts are its own invention: they
    go to the start of the firmware + `TRAP_OFFSET`, are masked by an instruction, and there are no
    CSRs. `err` of the bus is ignored: watch it from outside.

    Members: see :func:`hw.soc.cores.core_of`.
    """

    @staticmethod
    def files(attach: str) -> list[Path]:
        return [Path(pythondata_cpu_picorv32.data_location) / "picorv32.v"]

    def elaborate(self, platform):
        m = Module()
        add_files(platform, self.files(self.attach))
        bus, address, strobe = self.dbus, Signal(32), Signal(4)
        m.d.comb += [
            bus.stb.eq(bus.cyc),
            bus.adr.eq(address[2:]),
            bus.we.eq(strobe.any()),
            bus.sel.eq(strobe | ~strobe.any().replicate(4)),
        ]
        m.submodules.core = Instance(
            "picorv32",
            *(("p", name, value) for name, value in self._parameters().items()),
            i_clk=ClockSignal(),
            i_resetn=~(ResetSignal() | self.restart),
            o_mem_valid=bus.cyc,
            i_mem_ready=bus.ack,
            o_mem_addr=address,
            o_mem_wdata=bus.dat_w,
            o_mem_wstrb=strobe,
            i_mem_rdata=bus.dat_r,
            i_irq=Cat(0, 0, 0, self.timer_interrupt, self.events_interrupt, *[0] * 27),
            **self._pcpi(),
        )
        return m

    def _parameters(self):
        return {
            "ENABLE_COUNTERS64": 0,
            "BARREL_SHIFTER": 1,
            "ENABLE_MUL": 1,
            "ENABLE_DIV": 1,
            "ENABLE_PCPI": self.attach == "pcpi",
            "ENABLE_IRQ": 1,
            "ENABLE_IRQ_TIMER": 0,
            "LATCHED_IRQ": 0b110,  # levels, but for the core's own
            "PROGADDR_RESET": self.reset_vector,
            "PROGADDR_IRQ": FIRMWARE.base + TRAP_OFFSET,
        }

    def _pcpi(self):
        if self.attach != "pcpi":
            return {"i_pcpi_wr": 0, "i_pcpi_rd": 0, "i_pcpi_wait": 0, "i_pcpi_ready": 0}
        return {
            "o_pcpi_valid": self.pcpi.valid,
            "o_pcpi_insn": self.pcpi.instruction,
            "o_pcpi_rs1": self.pcpi.rs1,
            "o_pcpi_rs2": self.pcpi.rs2,
            "i_pcpi_wr": self.pcpi.ready,
            "i_pcpi_rd": self.pcpi.rd,
            "i_pcpi_wait": self.pcpi.wait,
            "i_pcpi_ready": self.pcpi.ready,
        }
