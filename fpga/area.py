"""Size, clock and gates of small units on one device, to compare them.

Registers stand around every unit. Wide look-up tables (two or more LUT4 for one function) are
switched off: they cost a third more for a few MHz.
"""

import re
import statistics
from dataclasses import dataclass

from amaranth.back import rtlil
from amaranth.lib import wiring

from sim.cache import build_directory, content_key
from sim.rtl.flat import Flat

from .alone import Part, measure
from .steps import run_yosys

SEEDS = (1, 2)


@dataclass(frozen=True)
class Area:
    """LUT4 with those of carry chains, as nextpnr counts them before packing (`packed`: after it,
    which adds up to four per chain for its ends), flip-flops and multipliers of ECP5, median
    clock of `SEEDS`; gates (AND, XOR, MUX) and the gates on the longest path of the unit without
    what surrounds it."""

    lut: int
    packed: int
    ff: int
    dsp: int
    mhz: float
    gates: int
    depth: int


def gates(component: wiring.Component) -> tuple[int, int]:
    """Gates without flip-flops, and the most on a path between registers."""
    text = rtlil.convert(Flat(component), name="top")
    cwd = build_directory("area", content_key(text, "gates"))
    script = "synth -flatten -top top\nabc -g AND,XOR,MUX\nopt_clean\n"
    run_yosys(text, script + "tee -o stat.txt stat\ntee -o ltp.txt ltp -noff", cwd)
    stat = (cwd / "stat.txt").read_text()
    counts = re.findall(r"(\d+)\s+\$_(?:AND|XOR|MUX|NOT)_|\$_(?:AND|XOR|MUX|NOT)_\s+(\d+)", stat)
    depth = re.search(r"length=(\d+)", (cwd / "ltp.txt").read_text())
    return sum(int(a or b) for a, b in counts), int(depth[1]) if depth else 0


def area(component: wiring.Component, seeds=SEEDS, dsp: bool = False, large: bool = False) -> Area:
    """Synthesised, placed and routed for an ECP5-85 of speed 6; without `dsp`, in LUTs only.
    `large` ones as boards' designs."""
    count, depth = gates(component)
    got = measure(component, Part("ecp5", "LFE5U-85F"), seeds, dsp, large)
    return Area(
        lut=got.lut,
        packed=got.used("lut"),
        ff=got.used("ff"),
        dsp=got.used("dsp"),
        mhz=round(statistics.median(got.mhz.values()), 1),
        gates=count,
        depth=depth,
    )
