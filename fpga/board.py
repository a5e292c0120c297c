"""What a board is: pure data, one file each under `boards/`."""

import importlib
import pkgutil
from dataclasses import dataclass, field

from hw.config import Config
from hw.config_text import parse_config
from hw.soc.host import CORES, DEFAULT, Host
from hw.soc.map import BOOT, FIRMWARE, MEMORY

from .sdram.chip import LATENCY, Sdram

_WITHOUT = (
    "loop_ws=off,loop_conv=off,output_stationary=off,transposes=off,first_layer=off,"
    "spad_store=off,mvin_scale=off"
)
LEAN = _WITHOUT + (
    ",load_queue=4,execute_queue=8,store_queue=2,reads_in_flight=16,counters=2,serial_hazards=on"
)
"""Changes of a configuration that leave out what the largest part of the logic is for: commands
are then those of products, their loads and stores, pooling, and depthwise convolutions."""

BARE = (
    _WITHOUT + ",depthwise=off,pooling=off,sp_banks=2,acc_banks=1,load_queue=2,execute_queue=4,"
    "store_queue=2,command_queue=1,reads_in_flight=8,mvin_bytes=64,counters=0,in_order=on"
)
"""The same without pooling and depthwise convolutions, counters and long loads, with fewer banks
and in order, for the smallest devices."""


class BoardError(ValueError):
    """A board or a choice for it that does not fit; the text says what would."""


@dataclass(frozen=True)
class Pin:
    """Where a signal leaves the device; `inverted` if it is active low."""

    site: str
    inverted: bool = False


@dataclass(frozen=True)
class Board:
    """A device, what surrounds it, and what is built for it unless told otherwise."""

    name: str
    title: str
    family: str
    """One of :data:`fpga.families.FAMILIES`."""

    device: str
    """As its maker calls it."""

    package: str
    clock: Pin
    """The oscillator's."""

    clock_mhz: float
    tx: Pin
    """From the device to the host."""

    rx: Pin
    busy: Pin
    """A light: the accelerator works."""

    config: str
    """Its configuration unless told otherwise, as the command line writes it."""

    mhz: float
    """Clock of the system."""

    loader: str
    """The board's name for openFPGALoader."""

    memory_bytes: int
    """Operands and commands; a power of two."""

    firmware_bytes: int
    """Programs; likewise."""

    boot_bytes: int = BOOT.size
    """The loader; likewise."""

    sdram: Sdram | None = None
    """What holds operands and commands, if it is not block RAM."""

    host: Host = DEFAULT
    baud: int = 115_200
    high: dict[str, Pin] = field(default_factory=dict)
    """Pins that must be held high, by what they are."""

    def __post_init__(self):
        for name, region in (("memory", MEMORY), ("firmware", FIRMWARE), ("boot", BOOT)):
            size = getattr(self, f"{name}_bytes")
            if size < 4 or size & (size - 1) or size > region.size:
                raise BoardError(
                    f"{self.name}.{name}_bytes is {size}; it must be a power of two up to "
                    f"{region.size}"
                )
        if self.baud > self.fastest:
            raise BoardError(
                f"{self.name}.baud is {self.baud}; at {self.mhz:g} MHz {self.host.core} keeps up "
                f"with at most {self.fastest}"
            )
        if self.sdram and self.memory_bytes > self.sdram.size:
            raise BoardError(
                f"{self.name}.memory_bytes is {self.memory_bytes}; its SDRAM has {self.sdram.size}"
            )

    def configured(self) -> Config:
        """Its own configuration."""
        return parse_config(self.config)

    @property
    def fastest(self) -> int:
        """The greatest `baud` that its core's loader keeps up with."""
        return int(self.mhz * 1e6 / CORES[self.host.core].cycles_per_bit)

    @property
    def divisor(self) -> int:
        """Cycles of a bit on the serial line."""
        return round(self.mhz * 1e6 / self.baud)

    @property
    def memory_timing(self) -> dict[str, float]:
        """Options of the cycle model for its memory of operands."""
        if not self.sdram:
            return {}
        return {"latency": LATENCY, "bytes_per_cycle": self.sdram.beat // 8}

    @property
    def pins(self) -> dict[str, Pin]:
        """All, by the name of the port."""
        named = {"clk": self.clock, "tx": self.tx, "rx": self.rx, "busy": self.busy}
        sdram = self.sdram.named if self.sdram else {}
        return named | self.high | {name: Pin(site) for name, site in sdram.items()}


def boards() -> dict[str, Board]:
    """All there are, by name: every module of `fpga.boards` has one called BOARD."""
    from . import boards as package

    found = [
        importlib.import_module(f"{package.__name__}.{module.name}").BOARD
        for module in pkgutil.iter_modules(package.__path__)
    ]
    return {board.name: board for board in found}


def board(name: str) -> Board:
    """The board of that name; BoardError lists those there are."""
    there = boards()
    if name not in there:
        raise BoardError(f"board is {name!r}; it must be one of {', '.join(there)}")
    return there[name]
