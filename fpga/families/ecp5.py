"""Lattice ECP5: prjtrellis, nextpnr-ecp5."""

from pathlib import Path

from amaranth.hdl import Instance

from ..board import Board
from .family import Family

DEVICES = {"LFE5U-25F": "--25k", "LFE5U-45F": "--45k", "LFE5U-85F": "--85k"}
DSP_ROWS = {"LFE5U-25F": (13,), "LFE5U-45F": (22, 46), "LFE5U-85F": (10, 34, 58)}
EBR_ROWS = {"LFE5U-25F": (25, 37), "LFE5U-45F": (10, 34, 58), "LFE5U-85F": (22, 46, 70, 82)}
COLUMNS = {
    "LFE5U-25F": (4, 13, 22, 33, 42, 51, 60),
    "LFE5U-45F": (4, 13, 22, 31, 42, 51, 60, 69, 78),
    "LFE5U-85F": (4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96, 105, 114),
}
"""Where the tiles MIB_DSP0 and MIB_EBR0 are in prjtrellis' grid; multipliers are at 0, 1, 4 and 5
from there, block RAMs at 0, 2, 4 and 6."""

FOR_LARGE = ("--placer", "static", "--router", "router2")
FOR_TWO_CLOCKS = ("--placer", "heap", "--placer-heap-timingweight", "40", "--router", "router1")


class Ecp5(Family):
    """ECP5: a LUT4 counts as one, a carry cell as two; EHXPLLL makes the clock.

    For large designs the placer `static` leaves a third less wire than `heap`, nextpnr's own
    choice, in half the time, where many flip-flops have enables of their own; `router2` is several
    times as fast as `router1`. Where the array has a clock of its own, its part counts: `heap` with
    more weight on timing makes it faster, and `router1` keeps that, where `router2` loses a tenth.
    """

    name = "ecp5"
    devices = tuple(DEVICES)
    tools = ("nextpnr-ecp5", "ecppack")
    bitstream = "top.bit"
    block = "MULT18X18D"
    zeros = ("RST0", "SOURCEA", "SOURCEB")
    pinless = True
    multiplies = True
    resources = {
        "lut": {"TRELLIS_COMB": 1},
        "ff": {"TRELLIS_FF": 1},
        "dsp": {"MULT18X18D": 1},
        "bram": {"DP16KD": 1},
    }
    cells = {
        "lut": ("LUT4",),
        "carry": ("CCU2C",),
        "ff": ("TRELLIS_FF",),
        "dsp": ("MULT18X18D",),
        "bram": ("DP16KD",),
        "lut_ram": ("TRELLIS_DPR16X4",),
    }

    luts = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6}
    models = Path(__file__).parent / "ecp5_cells.v"
    gates = (
        "read_verilog -lib +/ecp5/cells_sim.v +/ecp5/cells_bb.v\n"
        "read_verilog -overwrite +/lattice/common_sim.vh +/lattice/ccu2c_sim.vh\n"
        "blackbox TRELLIS_IO"
    )
    block_models = Path(__file__).parent / "ecp5_blocks.v"

    def settings(self, board: Board, times: int = 1):
        """EHXPLLL with its first output fed back: 400 to 800 MHz inside, 3.125 to 400 compared
        (FPGA-DS-02012, table 3.24). The second output divides the same by a whole part of what the
        first does."""
        return (
            (mhz, abs(mhz * after - 600), divide, back, after, after // times)
            for divide in range(1, 9)
            for back in range(1, 81)
            for after in range(times, 129, times)
            for mhz in [board.clock_mhz / divide * back]
            if board.clock_mhz / divide >= 3.125 and 400 <= mhz * after <= 800
        )

    def pll(self, board: Board, pin, clocks, steady, divide, back, after, array):
        """Phases are counted in cycles inside, from each divider's first: what the dividers differ
        by are whole cycles of the faster clock (FPGA-TN-02200, "Phase Adjustment")."""
        second = {}
        if len(clocks) > 1:
            second = {"p_CLKOS_ENABLE": "ENABLED", "p_CLKOS_DIV": array, "o_CLKOS": clocks[1]}
            second |= {"p_CLKOS_CPHASE": array - 1, "p_CLKOS_FPHASE": 0}
        return Instance(
            "EHXPLLL",
            **second,
            p_FEEDBK_PATH="CLKOP",
            p_CLKI_DIV=divide,
            p_CLKFB_DIV=back,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_DIV=after,
            p_CLKOP_CPHASE=after - 1,
            p_CLKOP_FPHASE=0,
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2",
            i_CLKI=pin,
            i_CLKFB=clocks[0],
            i_RST=0,
            i_STDBY=0,
            i_PHASESEL0=0,
            i_PHASESEL1=0,
            i_PHASEDIR=0,
            i_PHASESTEP=0,
            i_PHASELOADREG=0,
            i_PLLWAKESYNC=0,
            i_ENCLKOP=0,
            o_CLKOP=clocks[0],
            o_LOCK=steady,
        )

    def forwarded(self, clock, pin):
        return Instance("ODDRX1F", i_SCLK=clock, i_RST=0, i_D0=0, i_D1=1, o_Q=pin)

    def synthesis(self, dsp: bool = True) -> str:
        options = "" if dsp else " -nodsp"
        return f"synth_ecp5 -nowidelut{options} -top top -json top.json"

    def constraints(self, board: Board):
        lines = [f'FREQUENCY PORT "clk" {board.clock_mhz} MHZ;']
        for port, pin in board.pins.items():
            lines.append(f'LOCATE COMP "{port}" SITE "{pin.site}";')
            lines.append(f'IOBUF PORT "{port}" IO_TYPE=LVCMOS33;')
        return "top.lpf", "\n".join(lines) + "\n"

    def place(self, board: Board, seed: int, times: int = 1):
        options = FOR_TWO_CLOCKS if times > 1 else FOR_LARGE
        return (
            *(DEVICES[board.device], "--package", board.package, "--speed", "6", *options),
            *("--json", "top.json", "--lpf", "top.lpf", "--textcfg", f"seed{seed}.config"),
        )

    def place_alone(self, device: str, large: bool):
        options = ("--package", "CABGA381", "--speed", "6", "--out-of-context")
        return DEVICES[device], *options, *(FOR_LARGE if large else ()), "--json", "top.json"

    def blocks(self, device: str):
        return tuple(
            tuple(f"X{x + k}/Y{y}/MULT18_{k}" for x in COLUMNS[device] for k in (0, 1, 4, 5))
            for y in DSP_ROWS[device]
        )

    def memories(self, device: str):
        return tuple(
            tuple(f"X{x + 2 * k}/Y{y}/EBR{k}" for x in COLUMNS[device] for k in range(4))
            for y in EBR_ROWS[device]
        )

    def pack(self, board: Board, seed: int):
        return ("--compress", f"seed{seed}.config", self.bitstream)
