"""Which soft core a system has, and how its commands reach the accelerator.

Pure data: hardware, simulation, C header and firmware build ask here.
"""

from dataclasses import dataclass

from ..config_rules import ConfigError


@dataclass(frozen=True)
class Core:
    """A soft core: `attachments`, the best one first, the instructions it has, the bytes of a line
    of its instruction cache (0: it has none), and the cycles of a bit on a serial line that its
    loader keeps up with."""

    name: str
    attachments: tuple[str, ...]
    isa: str
    line: int
    cycles_per_bit: int
    doc: str


CORES = {
    core.name: core
    for core in (
        Core("vexriscv", ("cfu", "mmio"), "rv32im", 32, 8, "pipelined, caches of 4 KiB"),
        Core(
            *("vexriscv_lite", ("mmio",), "rv32im", 32, 16),
            "pipelined, 2 KiB of instruction cache; smaller, and with a faster clock on FPGAs",
        ),
        Core(
            "picorv32", ("pcpi", "mmio"), "rv32im", 0, 16, "small: several cycles per instruction"
        ),
        Core("serv", ("mmio",), "rv32i", 0, 128, "the smallest: one bit per cycle"),
    )
}

ATTACHMENTS = {
    "cfu": "custom-0 instructions at VexRiscv's custom-function port",
    "pcpi": "custom-1 instructions at PicoRV32's co-processor port",
    "mmio": "memory-mapped registers",
}

CUSTOM = {"cfu": 0x0B, "pcpi": 0x2B}
"""Opcodes of custom-0 and custom-1; PicoRV32's own interrupt instructions are custom-0."""


@dataclass(frozen=True)
class Host:
    """A core and its attachment; the core's best one unless it is given.

    ConfigError names a core or attachment that there is not.
    """

    core: str = "vexriscv"
    attach: str = ""

    def __post_init__(self):
        if self.core not in CORES:
            raise ConfigError(f"core is {self.core!r}; it must be one of {', '.join(CORES)}")
        offered = CORES[self.core].attachments
        if not self.attach:
            object.__setattr__(self, "attach", offered[0])
        if self.attach not in offered:
            raise ConfigError(f"attach is {self.attach!r}; {self.core} has {' or '.join(offered)}")

    @property
    def name(self) -> str:
        """Such as ``vexriscv-cfu``."""
        return f"{self.core}-{self.attach}"

    @property
    def isa(self) -> str:
        """Instructions of the core."""
        return CORES[self.core].isa


HOSTS = tuple(Host(core.name, attach) for core in CORES.values() for attach in core.attachments)
"""All there are."""

DEFAULT = HOSTS[0]
