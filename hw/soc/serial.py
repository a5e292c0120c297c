"""The console on two wires: asynchronous serial, eight bits, no parity, one stop bit."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import cdc, stream, wiring
from amaranth.lib.wiring import In, Out


class Serial(wiring.Component):
    """A bit lasts `divisor` clock cycles, sent low bit first between a low start and a high stop.

    The receiver samples in the middle of bits, behind two flip-flops; a stop bit that is low drops
    its byte, and so does one that nobody takes before the next is complete. Divisors below 4 leave
    no middle: ValueError.

    Members
    -------
    i : In(stream(8))
        To send.
    o : Out(stream(8))
        Received.
    tx : Out(1)
    rx : In(1)
    """

    def __init__(self, divisor: int):
        if divisor < 4:
            raise ValueError(f"Serial.divisor is {divisor}; it must be at least 4")
        self.divisor = divisor
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                "o": Out(stream.Signature(8)),
                "tx": Out(1, init=1),
                "rx": In(1, init=1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        self._send(m)
        self._receive(m)
        return m

    def _send(self, m):
        bits = Signal(9, init=-1)
        left, wait = Signal(range(11)), Signal(range(self.divisor))
        m.d.comb += self.i.ready.eq(left == 0)
        m.d.sync += self.tx.eq(bits[0])
        with m.If(left == 0):
            with m.If(self.i.valid):
                m.d.sync += [bits.eq(Cat(0, self.i.payload)), left.eq(10)]
                m.d.sync += wait.eq(self.divisor - 1)
        with m.Elif(wait == 0):
            m.d.sync += [bits.eq(Cat(bits[1:], 1)), left.eq(left - 1), wait.eq(self.divisor - 1)]
        with m.Else():
            m.d.sync += wait.eq(wait - 1)

    def _receive(self, m):
        rx = Signal(init=1)
        m.submodules.steady = cdc.FFSynchronizer(self.rx, rx, init=1)
        bits, left, wait = Signal(9), Signal(range(11)), Signal(range(self.divisor))
        rested = Signal()  # the line has been high since the last frame
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(left == 0):
            m.d.sync += rested.eq(rested | rx)
            with m.If(rested & ~rx):
                m.d.sync += [left.eq(10), wait.eq(self.divisor // 2 - 1), rested.eq(0)]
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Else():
            m.d.sync += [bits.eq(Cat(bits[1:], rx)), left.eq(left - 1), wait.eq(self.divisor - 1)]
            with m.If((left == 10) & rx):  # no start bit: a spike
                m.d.sync += left.eq(0)
            with m.If((left == 1) & rx):
                m.d.sync += [self.o.payload.eq(bits[1:]), self.o.valid.eq(1)]
