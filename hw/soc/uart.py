"""The console: characters as streams; a board puts a serialiser behind them."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..bus.registers import RegisterBus
from ..bus.stream import Queue
from .map import UART


class Uart(wiring.Component):
    """Console with a queue each way (registers: :data:`hw.soc.map.UART`).

    A write to `data` waits for room, so that no character is lost.

    Members
    -------
    bus : In(RegisterBus())
    tx : Out(stream(8))
    rx : In(stream(8))
    arrived : Out(1)
        A character can be read.
    """

    def __init__(self, depth: int = 16):
        self.depth = depth
        super().__init__(
            {
                "bus": In(RegisterBus()),
                "tx": Out(stream.Signature(8)),
                "rx": In(stream.Signature(8)),
                "arrived": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.sent = sent = Queue(8, self.depth)
        m.submodules.received = received = Queue(8, self.depth)
        wiring.connect(m, sent.o, wiring.flipped(self.tx))
        wiring.connect(m, wiring.flipped(self.rx), received.i)
        bus = self.bus
        m.d.comb += [
            bus.done.eq(1),
            self.arrived.eq(received.o.valid),
            sent.i.payload.eq(bus.data_w[:8]),
        ]
        with m.If(bus.word == UART.word("data")):
            m.d.comb += [
                bus.data_r.eq(received.o.payload),
                bus.data_r[31].eq(~received.o.valid),
                sent.i.valid.eq(bus.select & bus.write),
                received.o.ready.eq(bus.select & ~bus.write),
            ]
            with m.If(bus.write):
                m.d.comb += bus.done.eq(sent.i.ready)
        with m.If(bus.word == UART.word("state")):
            m.d.comb += [bus.data_r[0].eq(sent.i.ready), bus.data_r[1].eq(received.o.valid)]
        return m
