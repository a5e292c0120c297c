"""What all cores have in common: members, and their Verilog in a platform's build."""

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...bus.cfu import Cfu
from ...bus.pcpi import Pcpi
from ...bus.wishbone import Wishbone

_COMMANDS = {"cfu": {"cfu": Out(Cfu())}, "pcpi": {"pcpi": Out(Pcpi())}, "mmio": {}}


class CoreComponent(wiring.Component):
    """A core that starts at `reset_vector`; its members are those of
    :func:`hw.soc.cores.core_of`. What a core adds: `files` and `elaborate`."""

    def __init__(self, reset_vector: int, attach: str):
        self.reset_vector = reset_vector
        self.attach = attach
        super().__init__(
            {
                "ibus": Out(Wishbone()),
                "dbus": Out(Wishbone()),
                "timer_interrupt": In(1),
                "events_interrupt": In(1),
                "restart": In(1),
                **_COMMANDS[attach],
            }
        )


def add_files(platform, files):
    """Give a platform the files of a core; simulations take them from elsewhere (None)."""
    for path in files if platform is not None else ():
        platform.add_file(path.name, path.read_text())
