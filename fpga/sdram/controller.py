"""A board's SDRAM behind a memory port."""

from amaranth.hdl import ClockSignal, Instance, IOPort, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.bus.wishbone import Wishbone
from hw.memory.dram import Dram
from hw.memory.port import MemoryPort

from ..board import Board
from .chip import BOTH_WAYS, CLOCK, PINS, Sdram
from .generate import NAME, PORT, generate


class SdramPins(wiring.Signature):
    """The chip's pins that the device alone drives, without the clock.

    Members
    -------
    cke, cs_n, ras_n, cas_n, we_n : Out(1)
    ba, a, dm : Out
        As many bits as the chip has.
    """

    def __init__(self, chip: Sdram):
        names = (name for name in PINS if name not in (CLOCK, BOTH_WAYS))
        super().__init__({name: Out(chip.width(name)) for name in names})


class SdramController(wiring.Component):
    """LiteDRAM's controller of `board.sdram`, with words of `width` bits and `board.memory_bytes`.

    It answers nothing before software has started the chip through `control`.

    Members
    -------
    port : In(MemoryPort(width))
    control : In(Wishbone())
        Its registers.
    pins : Out(SdramPins(board.sdram))
    dq : IOPort
        The chip's data.
    """

    def __init__(self, width: int, board: Board, dq: IOPort):
        self.width = width
        self.board = board
        self.dq = dq
        super().__init__(
            {
                "port": In(MemoryPort(width)),
                "control": In(Wishbone()),
                "pins": Out(SdramPins(board.sdram)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        board, chip = self.board, self.board.sdram
        if platform is not None:
            made = generate(board)
            platform.add_file(made.verilog.name, made.verilog.read_text())
        m.submodules.dram = dram = Dram(self.width, board.memory_bytes, chip.beat)
        connect(m, flipped(self.port), dram.port)
        command, written, read = dram.native.cmd, dram.native.wdata, dram.native.rdata
        bus, address = self.control, Signal(chip.address_bits)
        m.d.comb += address.eq(command.p.addr)
        ports = {
            **{"o_cmd_ready": command.ready, "i_cmd_valid": command.valid},
            **{"i_cmd_we": command.p.we, "i_cmd_addr": address},
            **{"o_wdata_ready": written.ready, "i_wdata_valid": written.valid},
            **{"i_wdata_we": written.p.we, "i_wdata_data": written.p.data},
            **{"o_rdata_valid": read.valid, "i_rdata_ready": 1, "o_rdata_data": read.p},
        }
        ports = {f"{name[:2]}user_port_{PORT}_{name[2:]}": port for name, port in ports.items()}
        ports |= {f"o_sdram_{name}": getattr(self.pins, name) for name in SdramPins(chip).members}
        control = ("cyc", "stb", "we", "adr", "sel", "dat_w", "cti")
        ports |= {f"i_wb_ctrl_{name}": getattr(bus, name) for name in control}
        ports |= {f"o_wb_ctrl_{name}": getattr(bus, name) for name in ("dat_r", "ack", "err")}
        m.submodules.core = Instance(
            NAME,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            i_wb_ctrl_bte=0,
            io_sdram_dq=self.dq,
            **ports,
        )
        return m
