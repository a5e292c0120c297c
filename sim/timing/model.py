"""The cycle model's C interface in Python, and its build."""

import ctypes
import functools
from collections.abc import Sequence
from ctypes import POINTER, Structure, c_double, c_uint32, c_uint64, c_void_p
from pathlib import Path

import numpy as np

from hw.arith.saturate import saturate_latency
from hw.arith.scale import row_latency
from hw.array.pe import clears, mac_of
from hw.config import Config
from hw.control.execute_blocks import scale_latency
from hw.control.norm.lanes import lane_count
from hw.control.norm.shapes import EXP_BITS, FACTOR_BITS, Widths
from hw.isa import Command
from hw.memory.local import registered, unhurried, write_latency
from hw.sequential.scaler import element_latency
from sim.breakdown import BOUNDS, STATES, UNITS
from sim.cache import build_directory, content_key, made_once
from sim.engine import CommandTime
from sim.rtl.model import TIMES, as_batch
from sim.tools import compiler

from .fields import fields_header

HERE = Path(__file__).parent
SOURCES = sorted([*HERE.glob("*.h"), *HERE.glob("*.cpp")])
FLAGS = ("-std=gnu++20", "-O3", "-fPIC", "-shared", "-Wall")


def times_of(records: np.ndarray) -> list[CommandTime]:
    """Every command that a unit executed, from an array of `TIMES`."""
    columns = (records[name].tolist() for name in ("index", "unit", "issued", "done"))
    return [
        CommandTime(index, UNITS[unit], issued, end + 1)
        for index, unit, issued, end in zip(*columns, strict=True)
    ]


class Shape(Structure):
    """Mirror of `Shape` in common.h."""

    _fields_ = [
        *((name, c_uint32) for name in ("dim", "sp_banks", "acc_banks", "sp_rows", "acc_rows")),
        *((name, c_uint32) for name in ("input_bits", "weight_bits", "output_bits", "acc_bits")),
        *((name, c_uint32) for name in ("row_bytes", "output_row_bytes", "acc_row_bytes")),
        *((name, c_uint32) for name in ("bus_bytes", "load_queue", "execute_queue")),
        *((name, c_uint32) for name in ("store_queue", "command_queue", "reads_in_flight")),
        *((name, c_uint32) for name in ("serial_hazards", "in_order", "sequential")),
        *((name, c_uint32) for name in ("array_clock", "unhurried", "registered")),
        *((name, c_uint32) for name in ("load_blocks", "load_blocks_acc", "store_blocks")),
        *((name, c_uint32) for name in ("load_scale", "store_scale", "tiles", "wide_tiles")),
        *((name, c_uint32) for name in ("mvin_scale", "first_layer", "output_stationary")),
        *((name, c_uint32) for name in ("transposes", "dw_lines", "pooling", "spad_store")),
        *((name, c_uint32) for name in ("normalisation", "loop_ws", "loop_conv")),
        *((name, c_uint32) for name in ("norm_groups", "close_mean", "close_deviation")),
        *((name, c_uint32) for name in ("close_sum", "scale_beats", "scale_serial")),
        *((name, c_uint32) for name in ("array", "before", "settle")),
        *((name, c_uint32) for name in ("clears", "spad_results")),
        *((name, c_uint32) for name in ("scale_rows", "row_scales", "scaling", "table_rows")),
        *((name, c_uint32) for name in ("latency", "command_gap")),
        ("bytes_per_cycle", c_double),
    ]


class Outcome(Structure):
    """Mirror of `Outcome` in outcome.h."""

    _fields_ = [
        ("cycles", c_uint64),
        ("states", c_uint64 * len(STATES) * len(UNITS)),
        ("bounds", c_uint64 * len(BOUNDS)),
        ("stuck", c_uint32),
    ]


def _power(count: int) -> int:
    """The power of two in `count`."""
    return 1 << count.bit_length() - 1


def shape_of(
    config: Config, latency: int, bytes_per_cycle: float | None, command_gap: int
) -> Shape:
    """What the model needs to know of a configuration and its surroundings."""
    mac, dim = mac_of(config), config.dim
    lanes = -(-config.dim // config.scale_cycles)
    beats = -(-config.dim // lanes) if config.mvout_scale else 1
    store_latency = row_latency if config.mvout_scale else saturate_latency
    serial = config.sequential and config.mvout_scale
    shape = Shape(
        input_bits=config.input.width,
        weight_bits=config.weight.width,
        output_bits=config.output.width,
        acc_bits=config.accumulator.width,
        load_blocks=config.max_load_blocks,
        load_blocks_acc=config.max_load_blocks_acc,
        store_blocks=config.max_block_len,
        load_scale=row_latency(config.input, config.input),
        store_scale=store_latency(config.accumulator, config.output),
        scale_beats=beats,
        scale_serial=element_latency(config.accumulator) if serial else 0,
        array=dim * (mac.hop + 1) + mac.before,
        before=mac.before,
        settle=write_latency(config),
        unhurried=unhurried(config),
        registered=registered(config),
        clears=clears(config) or config.weight_block is not None,
        scaling=scale_latency(config),
        tiles=_power(config.max_block_len),
        wide_tiles=_power(config.max_block_len_acc),
        latency=latency,
        command_gap=command_gap,
        bytes_per_cycle=bytes_per_cycle or 0,
    )
    for name, _ in Shape._fields_:
        if hasattr(config, name):  # it is called the same there
            setattr(shape, name, getattr(config, name))
    if config.normalisation:
        _normalise(shape, config)
    return shape


def _normalise(shape: Shape, config: Config) -> None:
    """What the normalisation takes; roots and sums have half of their bits."""
    counted = 16  # bits of an element count
    widths = Widths(config)
    dividend = -(-(widths.total(counted) + 16) // 2) * 2
    root = max(widths.w + 11, EXP_BITS + counted, FACTOR_BITS + 1)
    invert = root // 2 + FACTOR_BITS + 3
    shape.norm_groups = config.dim // lane_count(config.dim)
    shape.close_mean = dividend + 1
    shape.close_deviation = dividend * 3 // 2 + invert
    shape.close_sum = invert


@functools.cache
def _library() -> ctypes.CDLL:
    """The compiled model; built once per version of its sources."""
    header = fields_header()
    key = content_key(header, compiler(), *FLAGS, *SOURCES)

    def make(directory: Path):
        (directory / "fields.h").write_text(header)
        options = [*FLAGS, f"-I{directory}", f"-I{HERE}", "-o", directory / "timing.so"]
        compiler().run(*options, HERE / "model.cpp", cwd=directory, timeout=300)

    final = build_directory("timing") / key
    library = ctypes.CDLL(str(made_once(final, make, "Building the cycle model") / "timing.so"))
    library.timing_create.argtypes = [POINTER(Shape)]
    library.timing_create.restype = c_void_p
    library.timing_destroy.argtypes = [c_void_p]
    library.timing_run.argtypes = [
        *(c_void_p, c_void_p, c_uint64, c_uint64, c_uint32, POINTER(Outcome))
    ]
    library.timing_run.restype = c_uint64
    library.timing_times.argtypes = [c_void_p, c_void_p]
    return library


class Model:
    """A cycle model in its power-up state; configuration lasts from one run to the next."""

    def __init__(self, shape: Shape):
        self._library = _library()
        self._handle = self._library.timing_create(shape)

    def __del__(self):
        if getattr(self, "_handle", None):
            self._library.timing_destroy(self._handle)

    def run(
        self, commands: Sequence[Command] | np.ndarray, *, limit: int = 0, record: bool = False
    ) -> tuple[Outcome, np.ndarray]:
        """Run until idle (or for `limit` cycles); `TIMES` of all commands if `record`."""
        batch, outcome = as_batch(commands), Outcome()
        arguments = (batch.ctypes.data, len(batch), limit, record, outcome)
        times = np.zeros(self._library.timing_run(self._handle, *arguments), TIMES)
        self._library.timing_times(self._handle, times.ctypes.data)
        return outcome, times
