"""Configurations on which the RTL is compared with the instruction-set simulator."""

import os

from hw.config import OPTIONS, PRESETS, Config
from hw.formats import Int
from sim.programs import random_config

FULL = os.environ.get("ALHENA_FULL") == "1"

small = {"sp_bank_rows": 32, "acc_bank_rows": 16}
everything, nothing = dict.fromkeys(OPTIONS, True), dict.fromkeys(OPTIONS, False)
short_queues = dict.fromkeys(
    ("load_queue", "execute_queue", "store_queue", "command_queue", "reads_in_flight"), 2
)

sequential = nothing | {"in_order": True, "sequential": True, "counters": 0, "mvin_bytes": 64}
sequential |= {"mvin_scale": False}

CONFIGS = {
    "4x4 everything": PRESETS["tiny"].replace(**small, **everything),
    "4x4 plain": Config(
        dim=4,
        mvin_scale=False,
        mvin_bytes=64,
        mvout_scale=False,
        counters=0,
        bus_width=64,
        serial_hazards=True,
        **small,
        **nothing,
    ),
    "3x3 uint8": Config(
        dim=3,
        input=Int(8, signed=False),
        output=Int(8, signed=False),
        accumulator=Int(24),
        bus_width=64,
        mvin_bytes=128,
        **small,
        **everything | dict.fromkeys(("loop_ws", "loop_conv"), FULL),  # as long again to build
    ),
    "5x5 short queues": Config(
        dim=5,
        bus_width=64,
        in_order=True,
        **short_queues | {"command_queue": 1},
        **small,
        **nothing | {"output_stationary": True, "loop_ws": True},
    ),
    "4x4 array clock": Config(
        dim=4,
        bus_width=32,
        in_order=True,
        array_clock=3,
        **small,
        **everything | {"pooling": False, "depthwise": False, "spad_store": False},
    ),
    "4x4 registers": Config(dim=4, bus_width=32, in_order=True, array_clock=2, **small, **nothing),
    "4x4 sequential": Config(dim=4, partial=Int(18), bus_width=32, **small, **sequential),
}
"""Configurations of every run; a complete one adds MORE and random ones."""

MORE = {
    "3x3 sequential": Config(
        dim=3, input=Int(8, False), accumulator=Int(24), bus_width=64, **small, **sequential
    ),
    "8x8 sequential": PRESETS["small"].replace(**small, **sequential | {"mvin_bytes": 256}),
    "4x4 sequential unscaled": Config(
        dim=4, output=Int(8, False), mvout_scale=False, bus_width=32, **small, **sequential
    ),
    "8x8": PRESETS["small"].replace(**small),
    "2x2 bus 256": Config(dim=2, bus_width=256, sp_banks=2, **small, **everything),
    "9x9 depthwise": Config(dim=9, sp_bank_rows=64, acc_bank_rows=64, mvin_bytes=256, **everything),
    "4x4 int16 8 banks": Config(
        dim=4,
        input=Int(16),
        weight=Int(16),
        output=Int(16),
        sp_banks=8,
        sp_bank_rows=8,
        acc_banks=4,
        acc_bank_rows=8,
        bus_width=128,
        scale_cycles=2,
        **everything,
    ),
    "6x6 int4": Config(
        dim=6,
        input=Int(4),
        weight=Int(4),
        output=Int(4),
        accumulator=Int(20),
        bus_width=32,
        serial_hazards=True,
        **small,
        **everything,
    ),
    "16x16": PRESETS["default"].replace(**small),
    "16x16 everything": PRESETS["default"].replace(
        sp_bank_rows=64, acc_bank_rows=64, scale_cycles=4, **everything
    ),
    "24x24": Config(
        dim=24,
        bus_width=64,
        sp_bank_rows=64,
        acc_bank_rows=64,
        scale_cycles=8,
        **nothing | {"loop_conv": True},
    ),
    "32x32": Config(
        dim=32,
        bus_width=256,
        sp_bank_rows=64,
        acc_bank_rows=64,
        **nothing | {"transposes": True, "loop_ws": True},
    ),
}
RANDOM = range(1000, 1026)
if FULL:
    CONFIGS |= MORE | {f"random {seed}": random_config(seed) for seed in RANDOM}
CONFIGS = {
    name: config.replace(name=f"random-{name.replace(' ', '-')}")
    for name, config in CONFIGS.items()
}
