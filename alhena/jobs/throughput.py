"""What a configuration computes per second at a clock."""

from hw.config import Config
from sw.network.model import load_network

from ..networks import Network, ds_cnn
from .explain import run_work


def peak_gops(config: Config, mhz: float) -> float:
    """GOPS of the array (two operations a multiply-accumulate) that never waits."""
    return round(2e-3 * config.macs * mhz, 3)


def digits(config: Config, **memory) -> dict:
    """Cycles and multiply-accumulates of an image of the digits network, by the engine `timing`
    with `memory` its options; `reason` says why if the configuration cannot compute it."""
    try:
        cycles = sum(run.cycles for _, _, run in run_work("digits", config, "timing", **memory))
    except ValueError as error:
        return {"reason": str(error)}
    return {"cycles_per_image": cycles, "macs": load_network().macs}


def keywords(config: Config, **memory) -> dict:
    """The same of DS-CNN, which spots keywords (MLPerf Tiny)."""
    try:
        network = Network(config, "timing", **memory)
        ds_cnn(network)
    except ValueError as error:
        return {"reason": str(error)}
    return {"cycles_per_image": network.total, "macs": network.macs}


def at_clock(work: dict, mhz: float) -> dict:
    """What a network needs, with GOPS and images per second at a clock."""
    if "reason" in work:
        return work
    cycles = work["cycles_per_image"]
    return {
        "cycles_per_image": cycles,
        "gops": round(2e-3 * work["macs"] / cycles * mhz, 3),
        "images_per_s": round(mhz * 1e6 / cycles),
    }


def throughput(config: Config, mhz: float, **memory) -> dict:
    """GOPS of the array, of the digits network and of DS-CNN, bytes per second that the memory has
    room for, at a clock; `memory` has the options of the engine `timing`."""
    return {
        "peak_gops": peak_gops(config, mhz),
        "memory_mbytes_per_s": round(memory.get("bytes_per_cycle", config.bus_bytes) * mhz, 1),
        "digits": at_clock(digits(config, **memory), mhz),
        "ds_cnn": at_clock(keywords(config, **memory), mhz),
    }
