"""AXI4, and the way from a memory port to it."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..memory.port import ADDRESS_BITS, MAX_REQUEST_BYTES, MemoryPort, most_words, words_of
from .stream import Buffer

PAGE_BYTES = 4096
"""No burst may cross a multiple of this (AMBA AXI, A3.4.1)."""

MAX_BEATS = 256
"""Words of the longest burst (AMBA AXI, A3.4.1)."""

INCR = 0b01
MODIFIABLE = 0b0011
"""Cache attributes *normal, non-cacheable, bufferable*: bridges may merge and split."""


class Axi4(wiring.Signature):
    """AXI4 of `width` data bits as its master sees it; one identifier, no user signals.

    Members
    -------
    aw…, ar… : Out
        id 1, addr 32, len 8, size 3, burst 2, cache 4, prot 3, valid; ready In.
    w… : Out
        data, strb, last, valid; ready In.
    b… : In
        id 1, resp 2, valid; ready Out.
    r… : In
        id 1, data, resp 2, last, valid; ready Out.
    """

    def __init__(self, width: int):
        self.width = width
        burst = {
            "id": 1,
            "addr": ADDRESS_BITS,
            "len": 8,
            "size": 3,
            "burst": 2,
            "cache": 4,
            "prot": 3,
        }
        channels = {
            "aw": (Out, burst),
            "w": (Out, {"data": width, "strb": width // 8, "last": 1}),
            "b": (In, {"id": 1, "resp": 2}),
            "ar": (Out, burst),
            "r": (In, {"id": 1, "data": width, "resp": 2, "last": 1}),
        }
        members = {}
        for name, (flow, fields) in channels.items():
            members |= {f"{name}{field}": flow(shape) for field, shape in fields.items()}
            members |= {f"{name}valid": flow(1), f"{name}ready": flow.flip()(1)}
        super().__init__(members)


class Axi4Master(wiring.Component):
    """A memory port on an AXI4 bus of the same width.

    A read request becomes one incrementing burst, or two if it crosses a page of 4 KiB (1 KiB with
    words of 32 bits, lest it become longer than AXI allows): one burst per cycle, the first one
    cycle after the request. Writes are single beats, one per cycle, one
    cycle after the request. All have the same identifier, so answers come in order and pass
    without delay; SLVERR and DECERR become error flags. Any number may be in flight.

    Members
    -------
    memory : In(MemoryPort(width))
    axi : Out(Axi4(width))
    """

    def __init__(self, width: int):
        if width not in (32, 64, 128, 256, 512, 1024):
            raise ValueError(f"Axi4Master.width is {width}; AXI4 words have 32, 64, … 1024 bits")
        self.width = width
        super().__init__({"memory": In(MemoryPort(width)), "axi": Out(Axi4(width))})

    @property
    def shift(self) -> int:
        """Address bits inside a word; also AXI's code for a full word."""
        return (self.width // 8 - 1).bit_length()

    @property
    def page_words(self) -> int:
        """Words between the addresses that no burst crosses."""
        size = self.width // 8
        longest = MAX_REQUEST_BYTES // size + 1
        return PAGE_BYTES // size if longest <= MAX_BEATS else MAX_BEATS

    def elaborate(self, platform):
        m = Module()
        self._reads(m)
        self._writes(m)
        for prefix in ("aw", "ar"):
            for field, value in {"size": self.shift, "burst": INCR, "cache": MODIFIABLE}.items():
                m.d.comb += getattr(self.axi, prefix + field).eq(value)
        return m

    def _reads(self, m):
        axi, shift, page = self.axi, self.shift, self.page_words
        request, word = self.memory.read_request, self.memory.read_data
        beats = most_words(self.width)
        number = Signal(ADDRESS_BITS - shift)  # first word of the burst
        left = Signal(beats)  # words of the request still to ask for
        room = Signal(range(page + 1))  # words up to the end of the page
        burst = Signal(beats)
        whole = Signal()
        free = Signal()
        words = words_of(request.p, self.width)
        m.d.comb += [
            room.eq(page - number[: page.bit_length() - 1]),
            whole.eq(left <= room),
            burst.eq(Mux(whole, left, room)),
            axi.arvalid.eq(left != 0),
            axi.araddr.eq(number << shift),
            axi.arlen.eq(burst - 1),
            free.eq((left == 0) | (axi.arready & whole)),
            request.ready.eq(free),
        ]
        with m.If(axi.arvalid & axi.arready):
            m.d.sync += [number.eq(number + burst), left.eq(left - burst)]
        with m.If(request.valid & free):
            m.d.sync += [number.eq(request.p.address >> shift), left.eq(words)]
        m.d.comb += [
            word.valid.eq(axi.rvalid),
            word.p.data.eq(axi.rdata),
            word.p.error.eq(axi.rresp[1]),
            axi.rready.eq(word.ready),
        ]

    def _writes(self, m):
        axi = self.axi
        request, ack = self.memory.write_request, self.memory.write_ack
        m.submodules.addresses = addresses = Buffer(ADDRESS_BITS)
        m.submodules.beats = beats = Buffer(self.width + self.width // 8)
        m.d.comb += [
            request.ready.eq(addresses.i.ready & beats.i.ready),
            addresses.i.valid.eq(request.valid & beats.i.ready),
            addresses.i.payload.eq(request.p.address),
            beats.i.valid.eq(request.valid & addresses.i.ready),
            beats.i.payload.eq(Cat(request.p.data, request.p.mask)),
            axi.awvalid.eq(addresses.o.valid),
            axi.awaddr.eq(addresses.o.payload),
            addresses.o.ready.eq(axi.awready),
            axi.wvalid.eq(beats.o.valid),
            Cat(axi.wdata, axi.wstrb).eq(beats.o.payload),
            axi.wlast.eq(1),
            beats.o.ready.eq(axi.wready),
            ack.valid.eq(axi.bvalid),
            ack.payload.eq(axi.bresp[1]),
            axi.bready.eq(ack.ready),
        ]
