"""Lattice iCE40 UltraPlus: icestorm, nextpnr-ice40."""

from amaranth.hdl import Instance, Module, Signal

from ..board import Board, BoardError
from .family import Family, nearest

FILTERS = (17, 26, 44, 66, 101, 133)
"""Upper ends, in MHz, of the compared clock for the loop filter's settings 1, 2, …"""


class Ice40(Family):
    """iCE40 UltraPlus: a logic cell is a LUT4 with its flip-flop; SB_PLL40_PAD makes the clock."""

    name = "ice40"
    tools = ("nextpnr-ice40", "icepack")
    bitstream = "top.bin"
    resources = {
        "lut": ("ICESTORM_LC",),
        "dsp": ("ICESTORM_DSP",),
        "bram": ("ICESTORM_RAM",),
        "spram": ("ICESTORM_SPRAM",),
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

    @staticmethod
    def _settings(board: Board):
        """SB_PLL40_PAD, simple feedback: 533 to 1066 MHz inside, 10 to 133 compared (TN1251)."""
        choices = (
            (board.clock_mhz / (divide + 1) * (times + 1) / 2**after, divide, times, after)
            for divide in range(16)
            for times in range(128)
            for after in range(1, 7)
            if 10 <= board.clock_mhz / (divide + 1) <= 133
            and 533 <= board.clock_mhz / (divide + 1) * (times + 1) <= 1066
        )
        return nearest(choices, board.mhz)

    def clock(self, m: Module, board: Board, pin):
        settings = self._settings(board)
        if settings is None:
            raise BoardError(f"{board.name}.mhz is {board.mhz}; its PLL makes 16 to 275")
        _, divide, times, after = settings
        compared = board.clock_mhz / (divide + 1)
        clock, locked = Signal(), Signal()
        m.submodules.pll = Instance(
            "SB_PLL40_PAD",
            p_FEEDBACK_PATH="SIMPLE",
            p_DIVR=divide,
            p_DIVF=times,
            p_DIVQ=after,
            p_FILTER_RANGE=1 + sum(compared >= end for end in FILTERS[:-1]),
            i_PACKAGEPIN=pin,
            i_RESETB=1,
            i_BYPASS=0,
            o_PLLOUTGLOBAL=clock,
            o_LOCK=locked,
        )
        return clock, locked

    def synthesis(self, board: Board) -> str:
        return "synth_ice40 -device u -dsp -spram -top top -json top.json"

    def constraints(self, board: Board):
        lines = [f"set_io {port} {pin.site}" for port, pin in board.pins.items()]
        return "top.pcf", "\n".join(lines) + "\n"

    def place(self, board: Board, seed: int):
        return (
            *("--up5k", "--package", board.package, "--json", "top.json", "--pcf", "top.pcf"),
            *("--asc", f"seed{seed}.asc"),
        )

    def pack(self, board: Board, seed: int):
        return (f"seed{seed}.asc", self.bitstream)
