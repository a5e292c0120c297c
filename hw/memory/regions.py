"""One memory port in front of several memories, by address."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..bus.stream import Buffer, HalfBuffer, Queue, behind
from .port import MemoryPort, most_words, words_of


class Regions(wiring.Component):
    """Requests go to the memory whose region holds their address, which counts from its base there.

    `regions` are (base, size) in bytes, both multiples of `size`, a power of two; no two overlap.
    What lies outside all of them is answered with errors. A request must not leave its region: the
    memory behind it sees to that. Answers keep the order of requests; up to `depth` of each kind
    are in flight. Requests and answers stand in a buffer for a cycle, between the memories and the
    masters with their arbitration; one of a kind passes every cycle, or every other one if memories
    or masters are `slow` anyway.

    Members
    -------
    port : In(MemoryPort(width))
    memories : Out(MemoryPort(width)).array(len(regions))
    """

    def __init__(self, width: int, regions, depth: int = 8, slow: bool = False):
        self.width = width
        self.regions = tuple(regions)
        self.depth = depth
        self.buffer = HalfBuffer if slow else Buffer
        for base, size in self.regions:
            if size & (size - 1) or base % size:
                raise ValueError(
                    f"Regions has {size:#x} bytes at {base:#x}; sizes are powers of two, and bases "
                    "multiples of them"
                )
        super().__init__(
            {
                "port": In(MemoryPort(width)),
                "memories": Out(MemoryPort(width)).array(len(self.regions)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        to = range(len(self.regions) + 1)
        owner = data.StructLayout({"to": to, "words": most_words(self.width)})
        m.submodules.reads = reads = Queue(owner, self.depth)
        m.submodules.writes = writes = Queue(owner, self.depth)
        request = self._ask(m, "read_request", reads)
        m.d.comb += reads.i.p.words.eq(words_of(request, self.width))
        self._ask(m, "write_request", writes)
        m.d.comb += writes.i.p.words.eq(1)
        self._answer(m, "read_data", reads)
        self._answer(m, "write_ack", writes)
        return m

    def _ask(self, m, kind, owners):
        """Route a request; returns its payload."""
        ask = behind(m, f"{kind}s", self.buffer, flipped(getattr(self.port, kind)))
        to = owners.i.p.to
        m.d.comb += to.eq(len(self.regions))
        m.d.comb += [ask.ready.eq(owners.i.ready), owners.i.valid.eq(ask.valid)]
        for number, (base, size) in enumerate(self.regions):
            there = getattr(self.memories[number], kind)
            low = (size - 1).bit_length()
            m.d.comb += [there.p.eq(ask.p), there.p.address.eq(ask.p.address[:low])]
            with m.If(ask.p.address[low:] == base >> low):
                m.d.comb += [
                    to.eq(number),
                    there.valid.eq(ask.valid & owners.i.ready),
                    ask.ready.eq(there.ready & owners.i.ready),
                    owners.i.valid.eq(ask.valid & there.ready),
                ]
        return ask.p

    def _answer(self, m, kind, owners):
        """Bring back the answer that is due; count its words."""
        port, owner = getattr(self.port, kind), owners.o
        back = stream.Signature(port.p.shape()).create(path=(kind,))
        connect(m, behind(m, f"{kind}_back", self.buffer, back), flipped(port))
        left = Signal.like(owner.p.words, name=f"{kind}_left")  # 0 at an answer's start
        now = Mux(left == 0, owner.p.words, left)
        error = {"read_data": lambda: back.p.error, "write_ack": lambda: back.p}[kind]()
        with m.Switch(owner.p.to):
            for number, memory in enumerate(self.memories):
                there = getattr(memory, kind)
                with m.Case(number):
                    m.d.comb += [
                        back.valid.eq(owner.valid & there.valid),
                        back.p.eq(there.p),
                        there.ready.eq(owner.valid & back.ready),
                    ]
            with m.Default():
                m.d.comb += [back.valid.eq(owner.valid), error.eq(1)]
        with m.If(back.valid & back.ready):
            m.d.sync += left.eq(now - 1)
            m.d.comb += owner.ready.eq(now == 1)
