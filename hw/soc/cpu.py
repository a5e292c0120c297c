"""The soft core: VexRiscv (RV32IM, caches) from its Python package."""

from pathlib import Path

import pythondata_cpu_vexriscv
from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..bus.cfu import Cfu
from ..bus.wishbone import Wishbone


def verilog_file(cfu: bool) -> Path:
    """The core's Verilog, with or without the custom-instruction port."""
    name = "VexRiscv_FullCfu.v" if cfu else "VexRiscv_Full.v"
    return Path(pythondata_cpu_vexriscv.data_location) / name


class Cpu(wiring.Component):
    """VexRiscv with 4 KiB instruction and write-through data caches, lines of 32 bytes.

    Addresses with bit 31 are never cached. Both buses ignore `err`: watch it from outside.
    The custom-instruction port is off until software sets bit 31 of CSR 0xBC0, whose other bits
    enable `interrupts`; bit 31 of `interrupts` must stay low.

    Members
    -------
    ibus, dbus : Out(Wishbone())
    cfu : Out(Cfu())
        Only with `cfu`.
    timer_interrupt : In(1)
    interrupts : In(32)
    """

    def __init__(self, reset_vector: int, cfu: bool = True):
        self.reset_vector = reset_vector
        self.with_cfu = cfu
        members = {
            "ibus": Out(Wishbone()),
            "dbus": Out(Wishbone()),
            "timer_interrupt": In(1),
            "interrupts": In(32),
        }
        super().__init__(members | ({"cfu": Out(Cfu())} if cfu else {}))

    def elaborate(self, platform):
        m = Module()
        if platform is not None:
            path = verilog_file(self.with_cfu)
            platform.add_file(path.name, path.read_text())
        ports = self._bus("i", self.ibus) | self._bus("d", self.dbus)
        if self.with_cfu:
            ports |= self._cfu_ports()
        m.submodules.core = Instance(
            "VexRiscv",
            i_clk=ClockSignal(),
            i_reset=ResetSignal(),
            i_externalResetVector=self.reset_vector,
            i_timerInterrupt=self.timer_interrupt,
            i_softwareInterrupt=0,
            i_externalInterruptArray=self.interrupts,
            **ports,
        )
        return m

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
