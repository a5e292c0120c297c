"""Wishbone as the soft cores speak it, and its way into a memory port."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..memory.port import MemoryPort

LINE_BYTES = 32
"""Bytes of a cache line: what an incrementing burst fetches at most."""

CTI_INCREMENT = 0b010
CTI_END = 0b111


class Wishbone(wiring.Signature):
    """32-bit Wishbone B4, classic and incrementing-burst cycles, seen by its master.

    Members
    -------
    cyc, stb, we : Out(1)
    adr : Out(30)
        Word address.
    sel : Out(4)
    dat_w : Out(32)
    cti : Out(3)
        0b010: more words of a linear burst follow; 0b111: its last one.
    dat_r : In(32)
    ack : In(1)
    err : In(1)
        Comes together with `ack` (a core that ignores it must not hang); the data mean nothing.
    """

    def __init__(self):
        super().__init__(
            {
                "cyc": Out(1),
                "stb": Out(1),
                "we": Out(1),
                "adr": Out(30),
                "sel": Out(4),
                "dat_w": Out(32),
                "cti": Out(3),
                "dat_r": In(32),
                "ack": In(1),
                "err": In(1),
            }
        )


class Bridge(wiring.Component):
    """Wishbone slave onto a memory port of `width` bits.

    A burst becomes one read request up to the end of its cache line; a classic read one request of
    a word. A write is acknowledged when the memory has acknowledged it, so that whoever sees no
    cycle on the bus knows that memory holds everything written.

    Rate: one word per cycle inside a burst (after the memory's latency + 1); three cycles a write.

    Members
    -------
    bus : In(Wishbone())
    memory : Out(MemoryPort(width))
    """

    def __init__(self, width: int):
        self.width = width
        super().__init__({"bus": In(Wishbone()), "memory": Out(MemoryPort(width))})

    def elaborate(self, platform):
        m = Module()
        bus, memory = self.bus, self.memory
        lanes = self.width // 32
        lane = self.bus.adr[: (lanes - 1).bit_length()]
        words = Signal(range(LINE_BYTES // 4 + 1))  # bus words of the request still to come
        here = Signal()
        m.d.comb += here.eq(bus.cyc & bus.stb)
        self._requests(m, lane)

        with m.FSM(name="bridge"):
            with m.State("IDLE"):
                m.d.comb += [
                    memory.write_request.valid.eq(here & bus.we),
                    memory.read_request.valid.eq(here & ~bus.we),
                ]
                with m.If(memory.write_request.valid & memory.write_request.ready):
                    m.next = "WRITE"
                with m.If(memory.read_request.valid & memory.read_request.ready):
                    start = bus.adr[:3] // lanes
                    burst = bus.cti == CTI_INCREMENT
                    m.d.sync += words.eq(Mux(burst, LINE_BYTES // 4 // lanes - start, 1))
                    m.next = "READ"
            with m.State("WRITE"):
                m.d.comb += [
                    memory.write_ack.ready.eq(1),
                    bus.ack.eq(memory.write_ack.valid),
                    bus.err.eq(memory.write_ack.payload),
                ]
                with m.If(memory.write_ack.valid):
                    m.next = "IDLE"
            with m.State("READ"):
                beat = memory.read_data
                final = bus.cti != CTI_INCREMENT
                m.d.comb += [
                    bus.ack.eq(here & beat.valid),
                    bus.err.eq(beat.payload.error),
                    beat.ready.eq(~bus.cyc | (here & (final | (lane == lanes - 1)))),
                ]
                self._finish(m, words, final & here)
            with m.State("DRAIN"):
                m.d.comb += memory.read_data.ready.eq(1)
                self._finish(m, words, 0)
        return m

    def _requests(self, m, lane):
        """Payloads of both requests, and the read word's lane."""
        bus, memory = self.bus, self.memory
        lanes = self.width // 32
        address = Cat(0, 0, bus.adr)
        burst = bus.cti == CTI_INCREMENT
        word = memory.read_data.payload.data
        m.d.comb += [
            memory.read_request.payload.address.eq(address),
            memory.read_request.payload.bytes.eq(
                Mux(burst, LINE_BYTES - (bus.adr[:3] << 2), 4),
            ),
            memory.write_request.payload.address.eq(
                Cat(0, 0, *([0] * len(lane)), bus.adr[len(lane) :])
            ),
            memory.write_request.payload.data.eq(Cat(*([bus.dat_w] * lanes))),
            memory.write_request.payload.mask.eq(bus.sel << (lane << 2) if lanes > 1 else bus.sel),
            bus.dat_r.eq(word.word_select(lane, 32) if lanes > 1 else word),
        ]

    def _finish(self, m, words, last_beat):
        """Count bus words; leave when none is left, or drain what the master does not take."""
        beat = self.memory.read_data
        with m.If(~self.bus.cyc):
            m.next = "DRAIN"
        with m.If(beat.valid & beat.ready):
            m.d.sync += words.eq(words - 1)
            with m.If(words == 1):
                m.next = "IDLE"
            with m.Elif(last_beat):
                m.next = "DRAIN"
