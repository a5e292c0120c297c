"""The soft cores, each from the Verilog of its Python package."""

from pathlib import Path

from ..host import Host
from .picorv32 import PicoRv32
from .serv import Serv
from .vexriscv import VexRiscv, VexRiscvLite

_COMPONENTS = {
    "vexriscv": VexRiscv,
    "vexriscv_lite": VexRiscvLite,
    "picorv32": PicoRv32,
    "serv": Serv,
}


def core_of(host: Host, reset_vector: int):
    """The component of a host's core; it starts at `reset_vector`.

    Its members: `ibus` and `dbus` (Out(Wishbone())), `timer_interrupt` and `events_interrupt`
    (In(1), levels), `restart` (In(1), as a reset of the core alone), and one that is called like
    the attachment unless that is "mmio".
    """
    return _COMPONENTS[host.core](reset_vector, host.attach)


def verilog_files(host: Host) -> list[Path]:
    """The Verilog of a host's core."""
    return _COMPONENTS[host.core].files(host.attach)
