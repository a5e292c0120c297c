"""VexRiscv: RV32IM, five stages, caches, a port for custom instructions."""

from pathlib import Path

import pythondata_cpu_vexriscv
from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal

from ...bus.wishbone import Wishbone
from ..map import INTERRUPT_EVENTS
from .component import CoreComponent, add_files


class VexRiscv(CoreComponent):
    """VexRiscv with 4 KiB instruction and write-through data caches, lines of 32 bytes.

    Addresses with bit 31 are never cached. Both buses ignore `err`: watch it from outside.
    The custom-instruction port is off until software sets bit 31 of CSR 0xBC0, whose other bits
    enable external interrupts.

    Members: see :func:`hw.soc.cores.core_of`.
    """

    @staticmethod
    def files(attach: str) -> list[Path]:
        name = "VexRiscv_FullCfu.v" if attach == "cfu" else "VexRiscv_Full.v"
        return [Path(pythondata_cpu_vexriscv.data_location) / name]

    def elaborate(self, platform):
        m = Module()
        add_files(platform, self.files(self.attach))
        ports = self._bus("i", self.ibus) | self._bus("d", self._data_bus(m))
        if self.attach == "cfu":
            ports |= self._cfu_ports()
        m.submodules.core = Instance(
            "VexRiscv",
            i_clk=ClockSignal(),
            i_reset=ResetSignal() | self.restart,
            i_externalResetVector=self.reset_vector,
            i_timerInterrupt=self.timer_interrupt,
            i_softwareInterrupt=0,
            i_externalInterruptArray=self.events_interrupt << INTERRUPT_EVENTS,
            **ports,
        )
        return m

    def _data_bus(self, m: Module):
        """What the core's data bus is connected to."""
        return self.dbus

    def _bus(self, letter, bus):
        outs = {"CYC": bus.cyc, "STB": bus.stb, "WE": bus.we, "ADR": bus.adr, "CTI": bus.cti}
        outs |= {"DAT_MOSI": bus.dat_w, "SEL": bus.sel}
        ins = {"ACK": bus.ack, "DAT_MISO": bus.dat_r, "ERR": bus.err}
        return {f"o_{letter}BusWishbone_{name}": value for name, value in outs.items()} | {
            f"i_{letter}BusWishbone_{name}": value for name, value in ins.items()
        }

    def _cfu_ports(self):
        command, response = self.cfu.command, self.cfu.response
        names = {
            "o_{}_cmd_valid": command.valid,
            "i_{}_cmd_ready": command.ready,
            "o_{}_cmd_payload_function_id": command.payload.function,
            "o_{}_cmd_payload_inputs_0": command.payload.inputs_0,
            "o_{}_cmd_payload_inputs_1": command.payload.inputs_1,
            "i_{}_rsp_valid": response.valid,
            "o_{}_rsp_ready": response.ready,
            "i_{}_rsp_payload_outputs_0": response.payload,
        }
        return {name.format("CfuPlugin_bus"): value for name, value in names.items()}


class VexRiscvLite(VexRiscv):
    """The same without data cache, with an instruction cache of 2 KiB, and a cycle for every bit of
    a shift, a product or a quotient.

    Answers of the data bus stand in a register for a cycle: the core stops or goes by them, and
    they come through arbitration and decoder.
    """

    @staticmethod
    def files(attach: str) -> list[Path]:
        return [Path(pythondata_cpu_vexriscv.data_location) / "VexRiscv_Lite.v"]

    def _data_bus(self, m: Module):
        bus, core = self.dbus, Wishbone().create(path=("data",))
        for name in ("we", "adr", "sel", "dat_w", "cti"):
            m.d.comb += getattr(bus, name).eq(getattr(core, name))
        m.d.comb += [bus.cyc.eq(core.cyc & ~core.ack), bus.stb.eq(core.stb & ~core.ack)]
        m.d.sync += [
            core.ack.eq(bus.cyc & bus.stb & bus.ack),
            core.err.eq(bus.err),
            core.dat_r.eq(bus.dat_r),
        ]
        return core
