"""Gowin GW2A: apicula, nextpnr-himbaechel."""

from collections.abc import Mapping
from pathlib import Path

from amaranth.hdl import Instance

from ..board import Board
from .family import Family

DIES = {"GW2AR-LV18QN88C8/I7": "GW2A-18C"}
"""What is inside a device, as the tools call it."""

MEMORIES = """\
setattr -set ram_style "block" t:$mem_v2 r:SIZE>=256 %i r:RD_CLK_ENABLE=1'1 %i
setattr -set logic_block 1 t:$mem_v2 r:SIZE<=2 %i
"""
"""Yosys' commands that say where memories go. It takes LUT RAM to be cheap, but four bits of it
keep all eight LUTs and the flip-flops of their place: two words are smaller in flip-flops, and
large memories belong into block RAM."""


def located(sites: Mapping[str, str]) -> str:
    """Constraints of ports at sites."""
    lines = (
        f'IO_LOC "{port}" {site};\nIO_PORT "{port}" IO_TYPE=LVCMOS33;\n'
        for port, site in sites.items()
    )
    return "".join(lines)


class Gowin(Family):
    """GW2A: LUT4 and carry cells count as one, LUT RAM by its bits; rPLL makes the clock.

    What nextpnr counts as LUT4 has in it carry cells, eight LUTs for each RAM16SDP4, and LUTs that
    only pass something on to a flip-flop, which has no other way in. It knows no delays of
    multiplier blocks: clocks of paths through them are too high. Nets of up to 50 sinks with more
    than 10 far from their source it tries to put on the device's long wires, one after the other
    and for minutes.
    """

    name = "gowin"
    slow_nets = range(11, 51), 10
    untimed = "multiplier blocks"
    devices = tuple(DIES)
    tools = ("nextpnr-himbaechel", "gowin_pack")
    bitstream = "top.fs"
    resources = {
        "lut": {"LUT4": 1},
        "ff": {"DFF": 1},
        "dsp": {"MULT9X9": 1, "MULT18X18": 2, "MULT36X36": 8},
        "bram": {"BSRAM": 1},
    }
    cells = {
        "lut": ("LUT1", "LUT2", "LUT3", "LUT4"),
        "carry": ("ALU",),
        "ff": tuple(f"DFF{kind}" for kind in ("", "E", "S", "SE", "R", "RE", "P", "PE", "C", "CE")),
        "dsp": ("MULT9X9", "MULT18X18"),
        "bram": ("DPB", "DPX9B", "SDPB", "SDPX9B", "SP", "SPX9", "pROM", "pROMX9"),
        "lut_ram": ("RAM16SDP1", "RAM16SDP2", "RAM16SDP4"),
    }
    luts = dict.fromkeys((*cells["lut"], "ALU"), 1) | {
        f"RAM16SDP{bits}": bits for bits in (1, 2, 4)
    }
    files_alone = {"top.cst": located({"clk": "4", "rst": "88", "i": "70", "o": "69"})}
    models = Path(__file__).parent / "gowin_cells.v"

    def settings(self, board: Board, times: int = 1):
        """rPLL: 500 to 1250 MHz inside, at least 3 compared (UG286)."""
        return (
            (mhz, abs(mhz * after - 875), divide, back, after)
            for divide in range(1, 65)
            for back in range(1, 65)
            for after in (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)
            for mhz in [board.clock_mhz / divide * back]
            if board.clock_mhz / divide >= 3 and 500 <= mhz * after <= 1250
        )

    def pll(self, board: Board, pin, clocks, steady, divide, back, after):
        return Instance(
            "rPLL",
            p_FCLKIN=f"{board.clock_mhz:g}",
            p_DEVICE=DIES[board.device],
            p_IDIV_SEL=divide - 1,
            p_FBDIV_SEL=back - 1,
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
            o_CLKOUT=clocks[0],
            o_LOCK=steady,
        )

    def forwarded(self, clock, pin):
        return Instance("ODDR", i_CLK=clock, i_D0=0, i_D1=1, i_TX=0, o_Q0=pin)

    def synthesis(self, dsp: bool = True) -> str:
        options = "-family gw2a -nowidelut -top top" + ("" if dsp else " -nodsp")
        return (
            f"synth_gowin {options} -run begin:map_ram\n{MEMORIES}"
            f"synth_gowin {options} -json top.json -run map_ram:"
        )

    def constraints(self, board: Board):
        return "top.cst", located({port: pin.site for port, pin in board.pins.items()})

    def place(self, board: Board, seed: int, times: int = 1):
        return *self.place_alone(board.device, True), "--write", f"seed{seed}.json"

    def place_alone(self, device: str, large: bool):
        options = ("--vopt", f"family={DIES[device]}", "--vopt", "cst=top.cst")
        return "--device", device, *options, "--json", "top.json"

    def pack(self, board: Board, seed: int):
        return ("-d", DIES[board.device], "-o", self.bitstream, f"seed{seed}.json")
