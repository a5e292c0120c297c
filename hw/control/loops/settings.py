"""What loops must know of the configuration that other commands have left."""

from amaranth.hdl import Cat
from amaranth.lib import data

from ...config import Config


class Settings(data.StructLayout):
    """The decoder's configuration as loops see it."""

    def __init__(self):
        super().__init__(
            {
                "weight_stationary": 1,
                "relu": 1,
                "shift": 6,
                "blocks": 3,  # per set of load parameters: blocks lie dim rows apart
                "shrunk": 3,
                "packed": 1,  # a set repeats pixels or starts at a lane
                "strided": 1,  # rows of A or C are not side by side
                "pooling": 1,
            }
        )


def settings_of(config: Config, configuration) -> dict:
    """Values of :class:`Settings` from a :class:`~hw.control.configuration.Configuration`."""
    loads, execute, store = configuration.load, configuration.execute, configuration.store
    values = {
        "weight_stationary": 1,
        "relu": execute.relu,
        "blocks": Cat(kept.block_stride == config.dim for kept in loads),
        "shrunk": Cat(kept.shrunk for kept in loads),
        "packed": Cat((kept.lane != 0) | (kept.more != 0) for kept in loads).any(),
        "strided": (execute.a_stride != 1) | (execute.c_stride != 1),
    }
    if config.output_stationary:
        values |= {"weight_stationary": ~execute.os, "shift": execute.shift}
    if config.output_stationary:
        values |= {"weight_stationary": ~execute.os, "shift": execute.shift}
    if config.pooling:
        values["pooling"] = store.pooling.pool_stride.any() | store.pooling.pool_size.any()
    return values
