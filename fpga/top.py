"""What goes into a board: the system with its memories and serial line, and its clock."""

from amaranth.hdl import ClockDomain, ClockSignal, IOPort, Module
from amaranth.lib import wiring
from amaranth.lib.cdc import ResetSynchronizer
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.config import Config
from hw.memory.local import unhurried
from hw.memory.ram import Ram
from hw.memory.regions import Regions
from hw.memory.single import SharedRam
from hw.soc.map import BOOT, FIRMWARE, MEMORY
from hw.soc.serial import Serial
from hw.soc.system import System
from sw.board.loader import loader

from .board import Board
from .families import FAMILIES
from .sdram.chip import BOTH_WAYS, CLOCK
from .sdram.controller import SdramController, SdramPins
from .sdram.generate import generate


def boot_words(config: Config, board: Board) -> list[int]:
    """The loader as words of the boot memory."""
    image, size = bytearray(), config.bus_bytes
    silence = board.divisor * 10 * 20  # twenty characters
    sdram = generate(board).include if board.sdram else None
    for address, data in loader(config, board.host, board.boot_bytes, silence, sdram).segments:
        image += bytes(address - BOOT.base - len(image)) + data
    image += bytes(-len(image) % size)
    return [int.from_bytes(image[i : i + size], "little") for i in range(0, len(image), size)]


class OnBoard(wiring.Component):
    """A `System` that boots the loader, memories for its three regions, and a serial line.

    ::

        System ── Regions ─┬─ Ram, or SdramController (memory)
           │               ├─ Ram (firmware)
         Serial            └─ Ram (boot: the loader)

    A `sequential` one without SDRAM has a :class:`~hw.memory.single.SharedRam` for all three.

    Members
    -------
    tx : Out(1)
    rx : In(1)
        Serial line of `board.baud`.
    busy : Out(1)
        The accelerator works.
    sdram : Out(SdramPins(board.sdram))
        If the board has one; its data are at `dq`.
    """

    def __init__(self, config: Config, board: Board, dq: IOPort | None = None):
        self.config = config
        self.board = board
        self.dq = dq
        members = {"tx": Out(1, init=1), "rx": In(1, init=1), "busy": Out(1)}
        super().__init__(members | ({"sdram": Out(SdramPins(board.sdram))} if board.sdram else {}))

    def elaborate(self, platform):
        m = Module()
        config, board = self.config, self.board
        m.submodules.system = system = System(
            config, board.host, boot=True, sdram=board.sdram is not None
        )
        m.submodules.serial = serial = Serial(board.divisor)
        memories = {
            "memory": (MEMORY.base, board.memory_bytes, ()),
            "firmware": (FIRMWARE.base, board.firmware_bytes, ()),
            "boot": (BOOT.base, board.boot_bytes, boot_words(config, board)),
        }
        if config.sequential and not board.sdram:
            m.submodules.memories = shared = SharedRam(config.bus_width, tuple(memories.values()))
            connect(m, system.memory, shared.port)
        else:
            self._regions(m, system, memories)
        connect(m, system.tx, serial.i)
        connect(m, serial.o, system.rx)
        m.d.comb += [
            self.tx.eq(serial.tx),
            serial.rx.eq(self.rx),
            self.busy.eq(system.activity.busy),
        ]
        return m

    def _regions(self, m: Module, system: System, memories: dict):
        """A memory each that may have many accesses in flight."""
        config, board, width = self.config, self.board, self.config.bus_width
        m.submodules.regions = regions = Regions(
            width,
            [region[:2] for region in memories.values()],
            slow=unhurried(config) or board.sdram is not None,
        )
        connect(m, system.memory, regions.port)
        for (name, (_, size, init)), port in zip(memories.items(), regions.memories, strict=True):
            if name == "memory" and board.sdram:
                memory = SdramController(width, board, self.dq)
                connect(m, system.control, memory.control)
                connect(m, memory.pins, flipped(self.sdram))
            else:
                memory = Ram(width, size // config.bus_bytes, init)
            m.submodules[name] = memory
            connect(m, port, memory.port)


class Top(wiring.Component):
    """`OnBoard` with the board's clocks: its ports are `board.pins`."""

    def __init__(self, config: Config, board: Board):
        self.config = config
        self.board = board
        chip, self.dq = board.sdram, None
        members = {"clk": In(1), "rx": In(1), "tx": Out(1), "busy": Out(1)}
        members |= dict.fromkeys(board.high, Out(1))
        if chip:
            members |= {f"sdram_{name}": Out(chip.width(name)) for name in SdramPins(chip).members}
            members[f"sdram_{CLOCK}"] = Out(1)
            self.dq = IOPort(chip.beat, name=f"sdram_{BOTH_WAYS}")
        super().__init__(members)

    @property
    def ports(self) -> dict:
        """(signal, direction) by name; Amaranth finds directions, and signatures have no pins that
        go both ways."""
        named = {name: (getattr(self, name), None) for name in self.signature.members}
        return named | ({self.dq.name: (self.dq, None)} if self.dq is not None else {})

    def elaborate(self, platform):
        m = Module()
        board = self.board
        times = self.config.array_clock
        (clock, *array), steady = FAMILIES[board.family].clocks(m, board, self.clk, times)
        m.domains.sync = ClockDomain()
        m.d.comb += ClockSignal().eq(clock)
        m.submodules.reset = ResetSynchronizer(~steady)
        if array:
            m.domains.array = ClockDomain(reset_less=True)
            m.d.comb += ClockSignal("array").eq(array[0])
        m.submodules.board = inner = OnBoard(self.config, board, self.dq)
        if board.sdram:
            pin = getattr(self, f"sdram_{CLOCK}")
            m.submodules.sdram_clock = FAMILIES[board.family].forwarded(clock, pin)
            for name in inner.sdram.signature.members:
                m.d.comb += getattr(self, f"sdram_{name}").eq(getattr(inner.sdram, name))
        m.d.comb += [
            inner.rx.eq(self.rx ^ board.rx.inverted),
            self.tx.eq(inner.tx ^ board.tx.inverted),
            self.busy.eq(inner.busy ^ board.busy.inverted),
            *(getattr(self, name).eq(1) for name in board.high),
        ]
        return m
