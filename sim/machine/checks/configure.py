"""Checks of the configuration commands."""

from hw.config import Config
from hw.isa import ErrorCode, Event

from ..faults import FLOAT_ONE, KEEP_SCALE, RELU, finite, require, transposes


def config_ex(config: Config, f: dict[str, int]) -> None:
    if not f["strides_only"]:
        plain = f["activation"] <= RELU or config.normalisation
        flows = f["dataflow"] or config.output_stationary
        require(bool(plain and flows), ErrorCode.NOT_SUPPORTED)
        transposes(config, bool(f["dataflow"]), bool(f["transpose_a"]), bool(f["transpose_b"]))
        require(f["dataflow"] or f["shift"] < config.accumulator.width, ErrorCode.BAD_CONFIG)
    require(f["c_stride"] > 0, ErrorCode.BAD_CONFIG)


def config_ld(config: Config, f: dict[str, int]) -> None:
    require(f["set"] < 3, ErrorCode.BAD_CONFIG)
    repeats, lane = f["repeats"], f["lane"]
    require(config.first_layer or (repeats <= 1 and not lane), ErrorCode.NOT_SUPPORTED)
    require(repeats <= config.dim and lane < config.dim, ErrorCode.BAD_CONFIG)
    require(not (repeats > 1 and lane), ErrorCode.BAD_CONFIG)
    require(lane * config.input.width % 8 == 0, ErrorCode.BAD_CONFIG)
    weights = f["weights"] and config.weight_parts > 1
    require(not (weights and (repeats > 1 or lane)), ErrorCode.BAD_CONFIG)
    require(finite(f["scale"]), ErrorCode.BAD_CONFIG)
    require(config.mvin_scale or f["scale"] in (0, FLOAT_ONE), ErrorCode.NOT_SUPPORTED)


def config_st(config: Config, f: dict[str, int]) -> None:
    pooling = f["pool_stride"] or f["pool_size"]
    require(config.pooling or not pooling, ErrorCode.NOT_SUPPORTED)
    require(config.normalisation or f["activation"] <= RELU, ErrorCode.NOT_SUPPORTED)
    require(not f["pool_stride"] or f["pool_size"] > 0, ErrorCode.BAD_CONFIG)
    scale = f["scale"]
    require(finite(scale) or scale == KEEP_SCALE, ErrorCode.BAD_CONFIG)
    require(config.mvout_scale or scale in (FLOAT_ONE, KEEP_SCALE), ErrorCode.NOT_SUPPORTED)


def config_norm(f: dict[str, int]) -> None:
    require(f["stat_id"] < 4, ErrorCode.BAD_CONFIG)


def counter(config: Config, f: dict[str, int]) -> None:
    known = f["event"] in Event.__members__.values() and not f["external"]
    require(f["index"] < config.counters and (known or not f["configure"]), ErrorCode.NOT_SUPPORTED)
