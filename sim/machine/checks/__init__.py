"""The checks of every command, in the order of docs/semantics.md.

Each function raises :class:`Fault` with the first check that fails and returns nothing.
"""

from ..faults import Fault
from .configure import config_ex, config_ld, config_norm, config_st, counter
from .moves import mvin, mvout, mvout_spad
from .tiles import compute, depthwise, preload, weight_table

__all__ = [
    "Fault",
    "compute",
    "config_ex",
    "config_ld",
    "config_norm",
    "config_st",
    "counter",
    "depthwise",
    "mvin",
    "mvout",
    "mvout_spad",
    "preload",
    "weight_table",
]
