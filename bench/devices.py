"""Units on other devices than ECP5, beside published figures: `alhena bench --suite devices`.

Two pins and a shift register stand around them (:class:`fpga.alone.Threaded`), whose look-up
tables, one per bit out but the first, are not counted. nextpnr's clocks of an UP5K's multiplier
blocks are above what the data sheet has; of Gowin's it knows none.
"""

import functools
import statistics
from collections.abc import Callable
from functools import partial

from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from fpga.alone import Part, measure
from hw.arith.mac import IN_LUTS, Mac
from hw.arith.mac.pair import PairMac
from hw.formats import Int

from .area import SEEDS, mesh
from .peers import LAB
from .row import Row

UP5K, GW2A = Part("ice40", "UP5K"), Part("gowin", "GW2AR-LV18QN88C8/I7")
INT8 = Mac(Int(8), Int(8), Int(18), 3)
ROWS = Mac(Int(8), Int(8), Int(18), 1, IN_LUTS)

Figures = tuple[int | None, int | None, str]
UNITS: dict[str, tuple[Part, Callable[[], wiring.Component], bool, Figures]] = {
    "int8 int8 int18, 3 stages, DSP": (UP5K, INT8.create, True, (18, 125, LAB)),
    "int8 int8 int18, 3 stages, two per DSP": (
        UP5K,
        partial(PairMac, INT8),
        True,
        (None, 88, LAB),
    ),
    "int8 int8 int18, 1 stages, rows": (UP5K, ROWS.create, False, (270, 32, LAB)),
    "mesh 4x4 int8, two per DSP": (
        UP5K,
        partial(mesh, INT8, dim=4, products_per_dsp=2),
        True,
        (483, 71, LAB),
    ),
    "int8 int8 int18, 3 stages, MULT9X9": (GW2A, INT8.create, True, (38, None, LAB)),
}
"""By name: device, unit, whether it may use multiplier blocks, LUT4 and MHz of others."""


@functools.cache
def _measured(name: str) -> tuple[int, float]:
    part, create, dsp, _ = UNITS[name]
    unit = create()
    got = measure(unit, part, SEEDS, dsp)
    outs = [value for _, at, value in unit.signature.flatten(unit) if at.flow == Out]
    bits = sum(len(Value.cast(value)) for value in outs)
    return got.lut - (bits - 1), round(statistics.median(got.mhz.values()), 1)


def rows() -> list[Row]:
    """LUTs and, where nextpnr knows the delays, the clock of every unit."""
    return [
        Row(
            *("devices", f"{name}: {unit}", part.device, figure, whose, unit),
            measure=lambda name=name, at=at: _measured(name)[at],
            weight=1 << 30,
        )
        for name, (part, _, _, (lut, mhz, whose)) in UNITS.items()
        for at, (unit, figure) in enumerate([("LUT4", lut), ("MHz", mhz)])
        if unit == "LUT4" or not part.tools.untimed
    ]
