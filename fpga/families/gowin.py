"""Gowin GW2A: apicula, nextpnr-himbaechel."""

from amaranth.hdl import Instance

from ..board import Board
from .family import Family

DIES = {"GW2AR-LV18QN88C8/I7": "GW2A-18C"}
"""What is inside a device, as the tools call it."""


class Gowin(Family):
    """GW2A: LUT4 has those of carry cells and LUT RAM in it; rPLL makes the clock."""

    name = "gowin"
    tools = ("nextpnr-himbaechel", "gowin_pack")
    bitstream = "top.fs"
    pll_mhz = "3.9 to 625"
    resources = {
        "lut": ("LUT4",),
        "ff": ("DFF",),
        "dsp": ("MULT9X9", "MULT18X18", "MULTALU18X18", "MULTADDALU18X18"),
        "bram": ("BSRAM",),
    }
    cells = {
        "lut": ("LUT1", "LUT2", "LUT3", "LUT4"),
        "carry": ("ALU",),
        "ff": tuple(f"DFF{kind}" for kind in ("", "E", "S", "SE", "R", "RE", "P", "PE", "C", "CE")),
        "dsp": ("MULT9X9", "MULT18X18"),
        "bram": ("DPB", "DPX9B", "SDPB", "SDPX9B", "SP", "SPX9", "pROM", "pROMX9"),
        "lut_ram": ("RAM16SDP1", "RAM16SDP2", "RAM16SDP4"),
    }

    def settings(self, board: Board):
        """rPLL: 500 to 1250 MHz inside, at least 3 compared (UG286)."""
        return (
            (board.clock_mhz / divide * times, divide, times, after)
            for divide in range(1, 65)
            for times in range(1, 65)
            for after in (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)
            if board.clock_mhz / divide >= 3
            and 500 <= board.clock_mhz / divide * times * after <= 1250
        )

    def pll(self, board: Board, pin, clock, steady, divide, times, after):
        return Instance(
            "rPLL",
            p_FCLKIN=f"{board.clock_mhz:g}",
            p_DEVICE=DIES[board.device],
            p_IDIV_SEL=divide - 1,
            p_FBDIV_SEL=times - 1,
            p_ODIV_SEL=after,
            p_CLKFB_SEL="internal",
            i_CLKIN=pin,
            i_CLKFB=0,
            i_RESET=0,
            i_RESET_P=0,
            i_FBDSEL=0,
            i_IDSEL=0,
            i_ODSEL=0,
            i_PSDA=0,
            i_DUTYDA=0,
            i_FDLY=0,
            o_CLKOUT=clock,
            o_LOCK=steady,
        )

    def synthesis(self, board: Board) -> str:
        return "synth_gowin -family gw2a -nowidelut -top top -json top.json"

    def constraints(self, board: Board):
        lines = []
        for port, pin in board.pins.items():
            lines.append(f'IO_LOC "{port}" {pin.site};')
            lines.append(f'IO_PORT "{port}" IO_TYPE=LVCMOS33;')
        return "top.cst", "\n".join(lines) + "\n"

    def place(self, board: Board, seed: int):
        return (
            *("--device", board.device, "--vopt", f"family={DIES[board.device]}"),
            *("--vopt", "cst=top.cst", "--json", "top.json", "--write", f"seed{seed}.json"),
        )

    def pack(self, board: Board, seed: int):
        return ("-d", DIES[board.device], "-o", self.bitstream, f"seed{seed}.json")
