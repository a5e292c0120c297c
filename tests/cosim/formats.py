"""Number formats in which the RTL is compared with the instruction-set simulator.

Name: input, weight, accumulator, output and two numbers of MAC stages, as
:func:`hw.config.parse_config` reads them (``int20 > int32``: partial sums and those in memory). A
quick run takes QUICK, with the second number.
"""

import os

from hw.config import PRESETS, Config
from hw.formats import parse_accumulator, parse_format

FULL = os.environ.get("ALHENA_FULL") == "1"

TABLE = "table-e4m3fn-b8.b3.ac.a1.96.00.10.20.28.2c.30.33.35.38.7e.01"
SQUARES = "table-int8-ef.9c.af.c0.cf.dc.e7.f0.f7.fc.ff.00.01.04.10.40"

FORMATS = {
    "int8 x int4": ("int8", "int4", "int32", "int8", 1, 3),
    "uint8 x int2": ("uint8", "int2", "int24", "int8", 1, 2),
    "int4 x int4": ("int4", "int4", "int20", "int4", 1, 2),
    "int16 x int8": ("int16", "int8", "int32", "int16", 1, 4),
    "int8 in fp32": ("int8", "int8", "fp32", "int8", 1, 5),
    "int8 to fp16": ("int8", "int8", "int32", "fp16", 1, 2),
    "int8 x e4m3fn": ("int8", "e4m3fn", "fixed40e-9", "int8", 1, 3),
    "e4m3fn x int8": ("e4m3fn", "int8", "fixed40e-9", "e4m3fn", 1, 2),
    "e4m3fn": ("e4m3fn", "e4m3fn", "fixed56e-18", "e4m3fn", 1, 3),
    "e4m3fn saturates": ("e4m3fn", "e4m3fn", "fixed24e-9-sat", "e4m3fn-sat", 1, 4),
    "e4m3fn to bf16": ("e4m3fn", "e4m3fn", "fixed56e-18", "bf16", 1, 2),
    "e4m3fn x e5m2": ("e4m3fn", "e5m2", "fixed64e-25", "e4m3fn", 1, 3),
    "e5m2 x e4m3fn in fp32": ("e5m2", "e4m3fn", "fp32", "e5m2", 1, 6),
    "e5m2 in e6m9": ("e5m2", "e5m2", "e6m9", "e5m2", 1, 4),
    "e5m2 in e6m5 and fp32": ("e5m2", "e5m2", "e6m5 > fp32", "e5m2", 1, 3),
    "e5m2 stochastic": ("e5m2", "e5m2", "e6m9-sr4", "e5m2", 1, 5),
    "int8 in int20 and int32": ("int8", "int8", "int20 > int32", "int8", 1, 2),
    "e5m2 exact": ("e5m2", "e5m2", "fixed80e-32", "e5m2", 1, 2),
    "e5m2 window": ("e5m2", "e5m2", "fixed32e-16", "e5m2", 1, 8),
    "e5m2-ftz in bf16-ftz": ("e5m2-ftz-sat", "e5m2-ftz-sat", "bf16-ftz", "e5m2-ftz-sat", 1, 3),
    "e4m3 in fp16": ("e4m3", "e4m3", "fp16", "e4m3", 1, 4),
    "e4m3fnuz in bf16": ("e4m3fnuz", "e4m3fnuz", "bf16", "e4m3fnuz", 1, 2),
    "e3m4": ("e3m4", "e3m4", "fixed48e-12", "e3m4", 1, 2),
    "e3m2": ("e3m2", "e3m2", "fixed32e-8", "e3m2", 1, 3),
    "e2m3": ("e2m3", "e2m3", "fixed32e-6", "e2m3", 1, 2),
    "e2m1": ("e2m1", "e2m1", "fixed24e-2", "e2m1", 1, 2),
    "bf16": ("bf16", "bf16", "fp32", "bf16", 1, 4),
    "bf16 x int8": ("bf16", "int8", "fp32", "bf16", 2, 5),
    "bf16 x e2m1": ("bf16", "e2m1", "fp32", "bf16", 1, 7),
    "fp16": ("fp16", "fp16", "fp32", "fp16", 1, 8),
    "fp16 toward zero": ("fp16", "fp16", "fp16-rz", "fp16", 1, 3),
    "posit8es1": ("posit8es1", "posit8es1", "fixed64e-24", "posit8es1", 1, 3),
    "posit8es0": ("posit8es0", "posit8es0", "fixed40e-12", "posit8es0", 1, 2),
    "posit16es1 in fp32": ("posit16es1", "posit16es1", "fp32", "posit16es1", 1, 5),
    "int8 x binary": ("int8", "binary", "int32", "int8", 1, 2),
    "int8 x ternary": ("int8", "ternary", "int32", "int8", 1, 3),
    "ternary": ("ternary", "ternary", "int16", "ternary", 1, 2),
    "e4m3fn x 16 values": ("e4m3fn", TABLE, "fixed48e-18", "e4m3fn", 1, 2),
    "log8": ("log8", "log8", "fixed64e-30", "log8", 1, 3),
    "e4m3fn x binary to log8": ("e4m3fn", "binary", "fp32", "log8", 1, 4),
    "mxfp4": ("mxfp4", "mxfp4", "fp32", "bf16", 1, 2),
    "mxfp8e4m3": ("mxfp8e4m3", "mxfp8e4m3", "fp32", "bf16", 1, 3),
    "mxfp8e5m2": ("mxfp8e5m2", "mxfp8e5m2", "fp32", "e5m2", 1, 5),
    "mxfp6e3m2 in bf16": ("mxfp6e3m2", "mxfp6e3m2", "bf16", "bf16", 1, 2),
    "mxint8": ("mxint8", "mxint8", "fp32", "bf16", 1, 2),
    "nvfp4": ("nvfp4", "nvfp4", "fp32", "fp16", 1, 3),
    "mxfp8e4m3 x mxfp4": ("mxfp8e4m3", "mxfp4", "fp32", "bf16", 1, 2),
    "bf16 x int4 in blocks": ("bf16", "int4x32-bf16", "fp32", "bf16", 2, 4),
    "int8 in blocks": ("int8x8-fp16", "int8", "fp16", "int8", 1, 2),
    "nvfp4 in fp16 and fp32": ("nvfp4", "nvfp4", "fp16 > fp32", "bf16", 1, 3),
    "int8 x 16 values": ("int8", SQUARES, "int32", "int8", 1, 2),
    "fp32": ("fp32", "fp32", "fp32", "fp32", 2, 6),
    "tf32": ("tf32", "tf32", "fp32", "tf32", 1, 5),
    "fp32 x bf16 to fp16": ("fp32", "bf16", "fp32", "fp16", 1, 4),
    "mxfp8e4m3 x 16 values": ("mxfp8e4m3", TABLE, "fp32", "bf16", 1, 3),
}

QUICK = (*("int8 x int4", "e4m3fn x e5m2", "bf16", "e5m2 in e6m9", "nvfp4", "int8 x 16 values"),)

LEAN = {
    "counters": 0,
    "mvin_bytes": 64,
    "loop_ws": False,
    "loop_conv": False,
    "scale_cycles": 2,
}
"""What every second combination goes without: it builds in a third of the time."""


def configuration(name: str, stages: int) -> Config:
    """A small machine in these formats, with everything else that they allow, or `LEAN`."""
    fmt, weight, total, out, _, _ = FORMATS[name]
    *partial, total = total.split(" > ")
    formats = [parse_format(fmt), parse_format(weight), parse_accumulator(total), parse_format(out)]
    base = PRESETS["tiny"].replace(sp_bank_rows=32, acc_bank_rows=16)
    number = list(FORMATS).index(name)
    if number % 4:
        base = base.replace(**LEAN)
    if any(f.width * base.dim % 8 for f in formats):
        base = base.replace(dim=8)
    if number % 5 == 1 and all(f.width * 3 % 8 == 0 for f in formats):
        base = base.replace(dim=3)
    config = base.with_formats(*formats, mac_stages=stages)
    if partial:
        config = config.replace(partial=parse_accumulator(partial[0]))
    return config.replace(name=f"formats-{name.replace(' ', '-')}-{stages}")


def chosen() -> list[tuple[str, int]]:
    """Combinations and stages of this run."""
    if FULL:
        return [(name, stages) for name in FORMATS for stages in FORMATS[name][-2:]]
    return [(name, FORMATS[name][-1]) for name in QUICK]
