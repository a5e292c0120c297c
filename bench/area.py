"""Size and clock of processing elements on ECP5, beside published figures: `python -m bench.area`.

Meshes, many of the same, are placed once, other units with two seeds (:mod:`fpga.area`). The table
is written to build/area.json, too.
"""

import functools
import json
import sys
from dataclasses import asdict, replace
from functools import partial

from fpga.area import SEEDS, Area, area
from hw.arith.block_scale import ScaleLane
from hw.arith.mac import IN_LUTS, Mac
from hw.arith.mac.pair import PairMac
from hw.array.mesh import Mesh
from hw.config import PRESETS
from hw.formats import Fixed, Float, Int, Posit, Rounded
from hw.formats.block import NAMED
from sim.cache import build_directory

from .peers import ALSO, LAB, UNITS
from .row import Row


def _float(name: str) -> Float:
    return Float.parse(name)


E4M3, E5M2, FP16, BF16 = map(_float, ("e4m3fn", "e5m2", "fp16", "bf16"))
E2M1, E4M3I, FP32 = map(_float, ("e2m1", "e4m3", "fp32"))
P80, P81 = Posit(8, 0), Posit(8, 1)


def _exact(a, b, k=16, stages=1) -> Mac:
    return Mac(a, b, Fixed.exact(a, b, k), stages)


# What others need with the same tools: (LUT4, MHz, whose); more of them in :mod:`.peers`.
NONE = (None, None, "")
MACS = [
    (Mac(Int(8), Int(8), Int(32), 1), (452, 96, LAB)),
    (Mac(Int(8), Int(8), Int(32), 2), (320, 115, LAB)),
    (Mac(Int(8), Int(8), Int(32), 1, IN_LUTS), (110, 98, LAB + ", 20-bit sum")),
    (Mac(Int(8), Int(8), Int(20), 2), NONE),
    (Mac(Int(8), Int(8), Int(20), 4, IN_LUTS), (112, 310, LAB + ", 3 registers")),
    (Mac(Int(8), Int(4), Int(20), 2, IN_LUTS), (60, 251, LAB)),
    (_exact(E2M1, E2M1, 256), NONE),
    (_exact(E4M3, E4M3), NONE),
    (_exact(E4M3, E4M3, stages=3), (139, 173, LAB)),
    (_exact(E5M2, E4M3, stages=3), NONE),
    (_exact(P80, P80, 256, stages=3), (256, 62, "PACoGen, rounded, 1 DSP")),
    (_exact(P81, P81, stages=3), NONE),
    (Mac(E4M3, E4M3, Fixed(24, -10, "saturate"), 3), NONE),
    (Mac(E4M3I, E4M3I, Rounded(FP16), 1), (374, 42, LAB)),
    (Mac(E4M3I, E4M3I, Rounded(FP16), 2), (347, 68, LAB)),
    (Mac(E4M3I, E4M3I, Rounded(FP16), 4), (362, 106, LAB)),
    (Mac(E4M3I, E4M3I, Rounded(FP16), 6), (427, 132, LAB)),
    (Mac(BF16, BF16, Rounded(FP32), 1), (914, 31, LAB)),
    (Mac(BF16, BF16, Rounded(FP32), 2), (1005, 55, LAB)),
    (Mac(BF16, BF16, Rounded(FP32), 4), (954, 41, "fpnew bf16, 3 stages, 1 DSP")),
    (Mac(BF16, BF16, Rounded(FP32), 7), (941, 105, LAB)),
    (Mac(E5M2, E5M2, Rounded(_float("e6m9")), 3), NONE),
    (Mac(E5M2, E5M2, Rounded(_float("e6m9"), "stochastic", 8), 3), NONE),
    (Mac(FP16, FP16, Rounded(FP32), 6), NONE),
]
IN_BLOCKS = [
    (Mac(Int(8), Int(8), Int(32), 3), (50, 247, LAB)),
    (Mac(Int(8), Int(8), Int(20), 3), (38, 275, LAB)),
    (replace(_exact(E4M3, E4M3, stages=3), aligned=True), NONE),
]
"""In a multiplier block with its registers."""


def mesh(mac: Mac, depthwise: bool = False, dim: int = 8, **products) -> Mesh:
    """A mesh of such MACs; weight-stationary only, as the published ones, or with lines.
    `products`: fields that say how they are made."""
    config = PRESETS["tiny"].replace(dim=dim, depthwise=depthwise)
    config = config.with_formats(mac.input, mac.weight, mac.sum, mac_stages=mac.stages)
    products |= {"dsps": config.macs} if mac.aligned else {}
    return Mesh(config.replace(multiplier=mac.multiplier, **products), tag_shape=8)


INT8 = Mac(Int(8), Int(8), Int(32))
MESHES = {
    "int8 in DSPs": (INT8, True, (2228, 73, LAB)),
    "int8 in DSPs, 3 stages": (replace(INT8, stages=3), True, (2228, 172, LAB)),
    "int8 in LUTs": (replace(INT8, multiplier=IN_LUTS), False, NONE),
    "int8 in LUTs, by synthesis": (Mac(Int(8), Int(8), Int(20), 2), False, NONE),
    "int8 in LUTs, 20 bits, 3 stages": (Mac(Int(8), Int(8), Int(20), 3, IN_LUTS), False, NONE),
    "int8 x int4 in LUTs": (Mac(Int(8), Int(4), Int(20), 2, IN_LUTS), False, NONE),
    "e2m1 exact": (_exact(E2M1, E2M1, 256), False, NONE),
    "e4m3fn exact": (_exact(E4M3, E4M3, stages=3), False, NONE),
    "e4m3fn exact in DSPs, 3 stages": (
        replace(_exact(E4M3, E4M3, stages=3), aligned=True), True, NONE,
    ),
    "e5m2 x e4m3fn exact": (_exact(E5M2, E4M3, stages=3), False, NONE),
    "posit8es0 exact": (_exact(P80, P80, 256, stages=3), False, NONE),
    "posit8es1 exact": (_exact(P81, P81, stages=3), False, NONE),
    "e4m3fn in 24 bits": (Mac(E4M3, E4M3, Fixed(24, -10, "saturate"), 3), False, NONE),
    "e4m3 to fp16": (Mac(E4M3I, E4M3I, Rounded(FP16), 4), False, NONE),
    "e5m2 to e6m9": (Mac(E5M2, E5M2, Rounded(_float("e6m9")), 3), False, NONE),
    "e5m2 to e6m9, stochastic": (
        Mac(E5M2, E5M2, Rounded(_float("e6m9"), "stochastic", 8), 3), False, NONE,
    ),
    "bf16 to fp32": (Mac(BF16, BF16, Rounded(FP32), 4), False, NONE),
    "fp16 to fp32": (Mac(FP16, FP16, Rounded(FP32), 6), False, NONE),
}  # fmt: skip
"""Every pair and sum of `MACS` as an 8x8 mesh, with the stages that suit it best."""


MIXED = partial(mesh, Mac(Int(8), Int(8), Int(20), 4), dim=16, dsps=156)
"""As many elements in multiplier blocks as the device has, the others on carry chains."""

PAIRED = partial(mesh, Mac(Int(8), Int(4), Int(20), 3), products_per_dsp=2)

SCALES = ("mxfp4", "mxfp8e4m3", "mxint8", "nvfp4")


def _scale_lane(name: str) -> ScaleLane:
    """What scales one column of sums of these blocks into fp32."""
    return ScaleLane(PRESETS["default"].with_formats(NAMED[name]).blocks)


def _name(mac: Mac) -> str:
    return f"{mac.input.name} {mac.weight.name} {mac.sum.name}, {mac.stages} stages"


def units() -> dict[str, tuple]:
    """By name: a function that makes the component, whether in DSPs, what others need."""
    found = {}
    for mac, peer in MACS:
        found[_name(mac) + (mac.multiplier is not None) * ", rows"] = mac.create, False, peer
    found |= {f"{_name(mac)}, DSP": (mac.create, True, peer) for mac, peer in IN_BLOCKS}
    for mac, dsp, peer in UNITS:
        how = ", DSP" if dsp else (mac.multiplier is not None) * ", rows"
        found[_name(mac) + how] = mac.create, dsp, peer
    found |= {
        f"scales of {name}, a column": (_scale_lane(name).create, False, NONE) for name in SCALES
    }
    found |= {
        f"mesh 8x8 {name}": (partial(mesh, mac), dsp, peer)
        for name, (mac, dsp, peer) in MESHES.items()
    }
    lines = partial(mesh, INT8, depthwise=True)
    found["mesh 8x8 int8 in DSPs, depthwise lines"] = lines, True, NONE
    found["mesh 8x8 int8 x int4, two per DSP"] = PAIRED, True, NONE
    large = partial(mesh, replace(INT8, stages=3), dim=12)
    found["mesh 16x16 int8, 156 of 256 in DSPs"] = MIXED, True, NONE
    pair = partial(PairMac, Mac(Int(8), Int(4), Int(20), 3))
    found["int8 int4 int20, 3 stages, two per DSP"] = pair, True, (74, 258, LAB)
    found["mesh 12x12 int8 in DSPs, 3 stages"] = large, True, (5552, 127, LAB)
    return found


def peers(name: str) -> list[dict]:
    """What others need for the unit called `name`: LUT4, MHz, whose."""
    _, _, first = units()[name]
    known = (first, *ALSO.get(name, ())) if first != NONE else ()
    return [{"lut": lut, "mhz": mhz, "name": whose} for lut, mhz, whose in known]


@functools.cache
def measure(name: str) -> Area:
    """A unit's area, kept in build/area.json."""
    create, dsp, _ = units()[name]
    unit = create()
    many = isinstance(unit, Mesh)
    got = area(unit, SEEDS[:1] if many else SEEDS, dsp, large=many and unit.config.dim > 12)
    path = build_directory() / "area.json"
    old = json.loads(path.read_text()) if path.exists() else {}
    merged = old | {name: asdict(got)}
    kept = {key: merged[key] | {"peers": peers(key)} for key in units() if key in merged}
    path.write_text(json.dumps(kept, indent=1))
    return got


def rows() -> list[Row]:
    """LUTs and clock of every unit."""
    return [
        Row(
            *("area", f"{name}: {unit}", "ECP5-85, speed 6", figure, whose, unit),
            measure=lambda name=name, field=field: getattr(measure(name), field),
            weight=1 << 30,
        )
        for name, (_, _, (lut, mhz, whose)) in units().items()
        for unit, field, figure in (("LUT4", "lut", lut), ("MHz", "mhz", mhz))
    ]


def main(argv: list[str]):
    """Print the table; arguments: parts of names that units must have."""
    print(
        f"{'unit':44}{'LUT':>6}{'packed':>7}{'FF':>6}{'DSP':>5}{'MHz':>6}{'gates':>7}{'depth':>6}"
    )
    for name in units():
        if all(word in name for word in argv):
            got = measure(name)
            line = f"{got.lut:6}{got.packed:7}{got.ff:6}{got.dsp:5}{got.mhz:6.0f}{got.gates:7}"
            theirs = [f"{p['lut']} LUT, {p['mhz']} MHz ({p['name']})" for p in peers(name)]
            print(f"{name:44}{line}{got.depth:6}  {'; '.join(theirs)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
