"""Lattice iCE40 UltraPlus: icestorm, nextpnr-ice40."""

from pathlib import Path

from amaranth.hdl import Instance

from ..board import Board
from .family import Family

FILTERS = (17, 26, 44, 66, 101, 133)
"""Upper ends, in MHz, of the compared clock for the loop filter's settings 1, 2, …"""

HIDDEN = "copy SB_MAC16 MAC16_AS_IT_IS\nchtype -set MAC16_AS_IT_IS t:SB_MAC16\n"
SHOWN = "chtype -set SB_MAC16 t:MAC16_AS_IT_IS\ndelete MAC16_AS_IT_IS\n"
"""Yosys' commands around its search for products (0.70, ice40_dsp): it takes instances of the block
for its own, and makes 16-bit products without registers of them."""


class Ice40(Family):
    """UltraPlus: a logic cell is a LUT4, a carry and a flip-flop, and counts as one; SB_PLL40_PAD
    makes the clock."""

    name = "ice40"
    devices = ("UP5K",)
    tools = ("nextpnr-ice40", "icepack")
    bitstream = "top.bin"
    resources = {
        "lut": {"ICESTORM_LC": 1},
        "dsp": {"ICESTORM_DSP": 1},
        "bram": {"ICESTORM_RAM": 1},
        "spram": {"ICESTORM_SPRAM": 1},
    }
    cells = {
        "lut": ("SB_LUT4",),
        "carry": ("SB_CARRY",),
        "ff": tuple(
            f"SB_DFF{kind}" for kind in ("", "E", "SR", "R", "SS", "S", "ESR", "ER", "ESS", "ES")
        ),
        "dsp": ("SB_MAC16",),
        "bram": ("SB_RAM40_4K",),
        "spram": ("SB_SPRAM256KA",),
    }
    luts = {"SB_LUT4": 1, "SB_CARRY": 0}
    models = Path(__file__).parent / "ice40_cells.v"
    gates = (
        "read_verilog +/ice40/cells_sim.v\n"
        "blackbox SB_PLL40_PAD SB_RAM40_4K SB_SPRAM256KA SB_MAC16 SB_IO"
    )
    block_models = Path(__file__).parent / "ice40_blocks.v"

    def settings(self, board: Board, times: int = 1):
        """SB_PLL40_PAD, simple feedback: 533 to 1066 MHz inside, 10 to 133 compared, 16 to 275 made
        (TN1251)."""
        return (
            (mhz / 2**after, abs(mhz - 800), divide, back, after)
            for divide in range(16)
            for back in range(128)
            for after in range(1, 7)
            for mhz in [board.clock_mhz / (divide + 1) * (back + 1)]
            if 10 <= board.clock_mhz / (divide + 1) <= 133
            and 533 <= mhz <= 1066
            and 16 <= mhz / 2**after <= 275
        )

    def pll(self, board: Board, pin, clocks, steady, divide, back, after):
        compared = board.clock_mhz / (divide + 1)
        return Instance(
            "SB_PLL40_PAD",
            p_FEEDBACK_PATH="SIMPLE",
            p_DIVR=divide,
            p_DIVF=back,
            p_DIVQ=after,
            p_FILTER_RANGE=1 + sum(compared >= end for end in FILTERS[:-1]),
            i_PACKAGEPIN=pin,
            i_RESETB=1,
            i_BYPASS=0,
            o_PLLOUTGLOBAL=clocks[0],
            o_LOCK=steady,
        )

    def forwarded(self, clock, pin):
        return Instance(
            "SB_IO",
            p_PIN_TYPE=0b010000,
            i_OUTPUT_CLK=clock,
            i_D_OUT_0=0,
            i_D_OUT_1=1,
            o_PACKAGE_PIN=pin,
        )

    def synthesis(self, dsp: bool = True) -> str:
        options = "-device u -spram -top top" + (" -dsp" if dsp else "")
        return (
            f"synth_ice40 {options} -run begin:flatten\n{HIDDEN}"
            f"synth_ice40 {options} -run flatten:map_ram\n{SHOWN}"
            f"synth_ice40 {options} -json top.json -run map_ram:"
        )

    def constraints(self, board: Board):
        lines = [f"set_io {port} {pin.site}" for port, pin in board.pins.items()]
        return "top.pcf", "\n".join(lines) + "\n"

    def place(self, board: Board, seed: int, times: int = 1):
        options = ("--up5k", "--package", board.package, "--json", "top.json")
        return *options, "--pcf", "top.pcf", "--asc", f"seed{seed}.asc"

    def place_alone(self, device: str, large: bool):
        return "--up5k", "--package", "sg48", "--json", "top.json"

    def pack(self, board: Board, seed: int):
        return f"seed{seed}.asc", self.bitstream
