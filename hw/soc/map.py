"""The address map: the one source of decoder, C header and linker script.

Pure data: whoever wants a base or a register offset asks here. Bit 31 of an address tells
peripherals (never cached) from memory.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """`size` bytes from `base` that the core and the accelerator see through the memory port."""

    name: str
    base: int
    size: int
    doc: str


@dataclass(frozen=True)
class Register:
    """A 32-bit register, `offset` bytes into its peripheral."""

    name: str
    offset: int
    doc: str


@dataclass(frozen=True)
class Peripheral:
    """A block of registers in a window of `WINDOW` bytes."""

    name: str
    base: int
    registers: tuple[Register, ...]
    doc: str

    def __getitem__(self, name: str) -> int:
        """Byte offset of a register."""
        for register in self.registers:
            if register.name == name:
                return register.offset
        names = ", ".join(r.name for r in self.registers)
        raise KeyError(f"{self.name} has no register {name!r}; its registers are {names}")

    def word(self, name: str) -> int:
        """Word offset of a register."""
        return self[name] // 4


WINDOW = 0x1000
PERIPHERALS_BASE = 0x8000_0000

MEMORY = Region("memory", 0x0000_0000, 0x4000_0000, "operands, commands, images")
FIRMWARE = Region("firmware", 0x4000_0000, 0x0040_0000, "program, data and stack of the core")
BOOT = Region("boot", 0x4040_0000, 0x4000, "the loader, on boards: what the core starts with")
REGIONS = (MEMORY, FIRMWARE, BOOT)


def _peripheral(number: int, name: str, doc: str, *registers: tuple[str, str]) -> Peripheral:
    rows = tuple(Register(title, 4 * n, text) for n, (title, text) in enumerate(registers))
    return Peripheral(name, PERIPHERALS_BASE + number * WINDOW, rows, doc)


UART = _peripheral(
    0,
    "uart",
    "console",
    ("data", "write: send [7:0], waiting for room; read: [7:0], bit 31 set if nothing came"),
    ("state", "bit 0: room to send; bit 1: a character came"),
)
TIMER = _peripheral(
    1,
    "timer",
    "64-bit cycle counter; interrupt while it is at or beyond `compare`",
    ("now_low", "counter [31:0]; reading it keeps [63:32] for `now_high`"),
    ("now_high", "counter [63:32] when `now_low` was read"),
    ("compare_low", "write: [31:0]"),
    ("compare_high", "write: [63:32]; all ones after reset"),
    ("due", "bit 0: the counter is at or beyond `compare`"),
)
EVENT_BITS = ("idle", "error", "fault", "character")
"""Interrupt sources, bit 0 first: the accelerator is idle again, its error register was filled, an
access of the core met a bus error, a character came."""

EVENTS = _peripheral(
    2,
    "events",
    "interrupt sources (EVENT_BITS)",
    ("pending", "read: what happened; write: ones clear"),
    ("enable", "which of them interrupt the core"),
    ("fault_address", "of the first bus error since bit 2 was cleared"),
)
ACCELERATOR = _peripheral(
    3,
    "accelerator",
    "state of the accelerator, whatever its command port",
    ("status", "bit 0 busy, [15:8] free slots of the command queue, [23:16] error code"),
    ("error_index", "index of the command that the error register names"),
    ("accepted", "commands accepted since reset"),
    ("clear", "write: clear the error register"),
)
COMMAND = _peripheral(
    4,
    "command",
    "memory-mapped command port (cores without custom instructions)",
    ("rs1_low", "write: kept for what follows"),
    ("rs1_high", "write: likewise; zero again after each issue"),
    ("rs2_low", "write: as `rs1_low`"),
    ("rs2_high", "write: as `rs1_high`"),
    ("issue", "write: queue the command with funct [6:0], waiting for room and for its response"),
    ("response", "of the last issued command, 0 if it had none"),
    ("status", "read: as in `accelerator`"),
    ("wait", "read: waits until all commands have retired, then as `status`"),
    ("run", "write: replay that many commands from the address in `rs1_low`, a multiple of 8"),
)
CONTROL = _peripheral(
    5,
    "control",
    "what a test bench or a board's LEDs look at",
    ("exit", "write: the program has ended with this code; read: the last one"),
    ("mark", "write: a marker for timelines"),
    ("ended", "bit 0: a program has ended since power-up"),
    ("reset", "write: core and accelerator start anew (systems with a loader)"),
)
SDRAM = _peripheral(
    6,
    "sdram",
    "registers of the SDRAM's controller, on boards that have one",
    ("address", "of one of the controller's registers, in bytes"),
    ("data", "read, write: that register"),
)
PERIPHERALS = (UART, TIMER, EVENTS, ACCELERATOR, COMMAND, CONTROL, SDRAM)

INTERRUPT_EVENTS = 0
"""Bit of the core's external interrupts that carries the enabled events."""
