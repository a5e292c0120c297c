"""What others need with the same tools on the same device, where `bench.area` has more than one
of them for a unit, and units that are measured only to stand beside one.

A peer is (LUT4, MHz, whose it is and what differs). Laboratory prototypes are meshes and elements
of a study without controllers; the others are public designs.
"""

from hw.arith.mac import IN_LUTS, Mac
from hw.formats import Fixed, Int, Rounded
from hw.formats.names import parse_format

Peer = tuple[int, int, str]

LAB = "laboratory prototype"
E5M2, BF16, FP32, P82, P161, TERNARY, BINARY = map(
    parse_format, ("e5m2", "bf16", "fp32", "posit8es2", "posit16es1", "ternary", "binary")
)


def _fp32(stages: int) -> Mac:
    return Mac(FP32, FP32, Rounded(FP32), stages)


UNITS: list[tuple[Mac, bool, Peer]] = [
    (Mac(Int(8), Int(8), Int(20), 1, IN_LUTS), False, (110, 98, LAB)),
    (Mac(Int(8), Int(2), Int(20), 2, IN_LUTS), False, (36, 260, LAB)),
    (Mac(Int(4), Int(4), Int(20), 2, IN_LUTS), False, (44, 264, LAB)),
    (Mac(Int(8), TERNARY, Int(20), 2, IN_LUTS), False, (50, 247, LAB)),
    (Mac(Int(8), BINARY, Int(20), 2, IN_LUTS), False, (34, 228, LAB)),
    (Mac(Int(8), Int(8), Int(32), 1), True, (50, 97, LAB)),
    (Mac(BF16, BF16, Rounded(FP32), 3), False, (954, 41, "fpnew bf16, 3 stages, 1 DSP")),
    (
        Mac(parse_format("fp16"), parse_format("fp16"), Rounded(FP32), 6),
        True,
        (857, 96, LAB + ", 1 DSP"),
    ),
    (Mac(E5M2, E5M2, Rounded(E5M2), 3), False, (464, 49, "fpnew fp8, 3 stages, 1 DSP")),
    (_fp32(1), True, (2147, 22, "HardFloat fp32, 4 DSP")),
    (_fp32(3), True, (2491, 34, "fpnew fp32, 3 stages, 4 DSP")),
    (
        Mac(P82, P82, Fixed.exact(P82, P82, 16), 3),
        False,
        (537, 33, "PACoGen posit(8,2), rounded, 1 DSP"),
    ),
    (Mac(P161, P161, Rounded(FP32), 3), True, (1283, 26, "PACoGen posit(16,1), 1 DSP")),
]
"""Unit, whether it may use multiplier blocks, whose figures."""

ALSO: dict[str, tuple[Peer, ...]] = {
    "bf16 bf16 fp32, 1 stages": ((751, 29, "HardFloat bf16, combinational, 1 DSP"),),
    "bf16 bf16 fp32, 3 stages": ((2346, 34, "fpnew multi-format, bf16 to fp32, 1 DSP"),),
    "bf16 bf16 fp32, 4 stages": (
        (777, 93, LAB),
        (618, 67, "HardFloat bf16, pipelined, 1 DSP"),
    ),
    "mesh 8x8 int8 in DSPs, 3 stages": (
        (4721, 93, "axis-systolic"),
        (1016, 91, "tiny-tpu's style"),
        (2228, 274, LAB + ", floorplanned, best seed"),
    ),
    "mesh 12x12 int8 in DSPs, 3 stages": ((5168, 248, LAB + ", floorplanned"),),
}
"""By the unit's name, peers besides the first."""
