"""The whole system: core, peripherals and accelerator behind one memory port."""

from amaranth.hdl import Cat, Module, Mux, ResetInserter, ResetSignal, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..bus.cfu import CfuPort
from ..bus.direct import DirectPort
from ..bus.mmio import MmioPort
from ..bus.pcpi import PcpiPort
from ..bus.registers import Decoder
from ..bus.wishbone import Bridge, Wishbone
from ..config import Config
from ..memory.arbiter import Arbiter
from ..memory.port import MemoryPort
from ..memory.turns import Turns
from . import map as addresses
from .cores import core_of
from .events import Control, Events, State
from .host import DEFAULT, Host
from .sdram import SdramControl
from .timer import Timer
from .uart import Uart

PORTS = {"cfu": CfuPort, "pcpi": PcpiPort, "mmio": MmioPort}
PORT_QUEUE = {32: 1, 64: 1, 128: 2, 256: 2}
"""Commands at the processor's port, by the bits of the bus: one if each takes cycles to come. The
accelerator has a queue of its own."""

CONSOLE = {False: 16, True: 2}
"""Characters each way that wait, in systems that are not `sequential` and those that are."""


class Activity(data.StructLayout):
    """Who has work: for timelines."""

    def __init__(self):
        super().__init__({"busy": 1, "load": 1, "execute": 1, "store": 1, "waiting": 1})


class System(wiring.Component):
    """Soft core + accelerator; memory is outside (address map: :mod:`hw.soc.map`).

    ::

        ibus ──────────── Bridge ─┐
        dbus ── Decoder ─ Bridge ─┼─ Arbiter ── memory
                   │              │
                   ├ registers    │
        cfu, pcpi ── port ────────┤   (command lists)
                   └─ Accelerator ┘

    `host` says which core it is and how its commands reach the accelerator. A command waits at its
    port while a store of the core is on its way to memory, so commands see all earlier stores.
    `accelerator` may be any component with the accelerator's members. With `boot`, the core starts
    at the boot region instead of the firmware's, and again whenever a program has ended; core,
    accelerator and command port start anew on request. With `sdram`, the core reaches the registers
    of an SDRAM's controller at `control`.

    Members
    -------
    memory : Out(MemoryPort(config.bus_width))
    tx : Out(stream(8))
    rx : In(stream(8))
        Console.
    exited : Out(1)
    exit_code, mark : Out(32)
        The program's end, its last marker.
    activity : Out(Activity())
    control : Out(Wishbone())
        With `sdram` only.
    """

    def __init__(
        self, config: Config, host: Host = DEFAULT, accelerator=None, boot=False, sdram=False
    ):
        self.config = config
        self.host = host
        self.boot = boot
        self.sdram = sdram
        self.accelerator = accelerator
        super().__init__(
            {
                "memory": Out(MemoryPort(config.bus_width)),
                "tx": Out(stream.Signature(8)),
                "rx": In(stream.Signature(8)),
                "exited": Out(1),
                "exit_code": Out(32),
                "mark": Out(32),
                "activity": Out(Activity()),
                **({"control": Out(Wishbone())} if sdram else {}),
            }
        )

    @property
    def start(self) -> int:
        """Where the core starts."""
        return (addresses.BOOT if self.boot else addresses.FIRMWARE).base

    def elaborate(self, platform):
        m = Module()
        config, attach = self.config, self.host.attach
        accelerator = self.accelerator
        if accelerator is None:
            from ..accelerator import Accelerator

            accelerator = Accelerator(config)
        m.submodules.control = control = Control()
        anew = self._anew(m, control.reset) if self.boot else lambda part: part
        m.submodules.accelerator = anew(accelerator)
        m.submodules.cpu = cpu = core_of(self.host, self.start)
        m.submodules.uart = uart = Uart(CONSOLE[config.sequential])
        m.submodules.timer = timer = Timer()
        m.submodules.events = events = Events()
        m.submodules.state = state = State()
        if config.sequential and attach == "mmio":
            port = DirectPort(config.bus_width)
        else:
            port = PORTS[attach](PORT_QUEUE[config.bus_width], config.bus_width)
        m.submodules.port = anew(port)

        buses = {"uart": uart, "timer": timer, "events": events, "control": control}
        buses |= {"accelerator": state} | ({"command": port} if attach == "mmio" else {})
        if self.sdram:
            m.submodules.sdram = buses["sdram"] = SdramControl()
            connect(m, buses["sdram"].control, flipped(self.control))
        rows = {p.name: p for p in addresses.PERIPHERALS if p.name in buses}
        m.submodules.decoder = decoder = Decoder(rows)
        connect(m, cpu.dbus, decoder.bus)
        for name, peripheral in buses.items():
            connect(m, getattr(decoder, name), peripheral.bus)

        self._memory(m, cpu, decoder, accelerator, port)
        self._commands(m, cpu, port, accelerator, state)
        self._events(m, cpu, port, accelerator, events, state)
        connect(m, uart.tx, flipped(self.tx))
        connect(m, flipped(self.rx), uart.rx)
        status = accelerator.status
        m.d.comb += [
            cpu.timer_interrupt.eq(timer.interrupt),
            cpu.events_interrupt.eq(events.interrupt),
            cpu.restart.eq((control.exited | control.reset) & self.boot),
            events.character.eq(uart.arrived),
            self.exited.eq(control.exited),
            self.exit_code.eq(control.exit_code),
            self.mark.eq(control.mark),
            *(
                getattr(self.activity, name).eq(getattr(status, name))
                for name in ("busy", "load", "execute", "store")
            ),
        ]
        return m

    def _anew(self, m, reset):
        """What starts a part anew; the array's domain, which has no reset of its own where there is
        a loader, with a register before it."""
        resets = {"sync": reset}
        if self.config.array_clock > 1:
            resets["array"] = late = Signal(init=1, reset_less=True, name="array_reset")
            m.d.array += late.eq(reset | ResetSignal())
        return ResetInserter(resets)

    def _memory(self, m, cpu, decoder, accelerator, port):
        width = self.config.bus_width
        m.submodules.fetch = fetch = Bridge(width)
        m.submodules.data = data_bridge = Bridge(width)
        depth = 2 * self.config.reads_in_flight  # of load, and as many more
        writers = (1, 2)  # core, accelerator
        one = self.config.sequential
        arbiter = Turns(width, 4, writers) if one else Arbiter(width, 4, depth, writers)
        m.submodules.arbiter = arbiter
        connect(m, cpu.ibus, fetch.bus)
        connect(m, decoder.memory, data_bridge.bus)
        connect(m, fetch.memory, arbiter.ports[0])
        connect(m, data_bridge.memory, arbiter.ports[1])
        connect(m, accelerator.memory, arbiter.ports[2])
        connect(m, port.read_request, arbiter.ports[3].read_request)
        connect(m, arbiter.ports[3].read_data, port.read_data)
        connect(m, arbiter.memory, flipped(self.memory))

    def _commands(self, m, cpu, port, accelerator, state):
        connect(m, port.command, accelerator.command)
        connect(m, accelerator.response, port.response)
        status = accelerator.status
        m.d.comb += [
            port.busy.eq(status.busy),
            port.error.eq(status.error),
            state.status.eq(port.status),
            state.error_index.eq(status.error_index),
            state.accepted.eq(status.accepted),
            accelerator.clear_error.eq(state.clear),
        ]
        if self.host.attach == "cfu":
            connect(m, cpu.cfu, port.cfu)
            m.d.comb += [
                port.hold.eq(cpu.dbus.cyc & cpu.dbus.we),
                self.activity.waiting.eq(cpu.cfu.command.valid & ~cpu.cfu.command.ready),
            ]
        if self.host.attach == "pcpi":  # stores have ended when its instruction comes
            connect(m, cpu.pcpi, port.pcpi)
            m.d.comb += self.activity.waiting.eq(cpu.pcpi.wait & ~cpu.pcpi.ready)

    def _events(self, m, cpu, port, accelerator, events, state):
        ibus, dbus = cpu.ibus, cpu.dbus
        m.d.comb += [
            events.idle.eq(port.idle),
            events.error.eq((accelerator.status.error != 0) & ~state.clear),
            events.fault.eq((ibus.ack & ibus.err) | (dbus.ack & dbus.err) | port.fault),
            events.fault_address.eq(Cat(0, 0, Mux(dbus.ack & dbus.err, dbus.adr, ibus.adr))),
        ]
        with m.If(port.fault):
            m.d.comb += events.fault_address.eq(port.fault_address)
