"""Several masters on one memory port."""

from collections.abc import Sequence

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..bus.stream import Queue
from .port import MemoryPort, most_words, words_of


class Arbiter(wiring.Component):
    """Joins `masters` memory ports of `width` bits; answers find their way back in order.

    Requests are granted round robin, a granted one stands until it is taken; reads and writes are
    independent. Both pass without a cycle of delay. At most `depth` requests of each kind are in
    flight; a master that does not take its answer holds up those behind it.
    Only `writers` (all unless given) may write.

    Members
    -------
    ports : In(MemoryPort(width)).array(masters)
    memory : Out(MemoryPort(width))
    """

    def __init__(
        self, width: int, masters: int, depth: int = 64, writers: Sequence[int] | None = None
    ):
        if masters < 1:
            raise ValueError(f"Arbiter.masters is {masters}; it must be at least 1")
        self.width = width
        self.masters = masters
        self.depth = depth
        self.writers = range(masters) if writers is None else writers
        super().__init__(
            {
                "ports": In(MemoryPort(width)).array(masters),
                "memory": Out(MemoryPort(width)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        self._reads(m)
        self._writes(m)
        return m

    def _reads(self, m):
        words = most_words(self.width)
        owner = data.StructLayout({"master": range(self.masters), "words": words})
        m.submodules.read_owners = owners = Queue(owner, self.depth)
        request = self.memory.read_request
        masters = range(self.masters)
        master = self._grant(m, "read_request", owners.i, masters)
        m.d.comb += [
            owners.i.payload.master.eq(master),
            owners.i.payload.words.eq(words_of(request.payload, self.width)),
        ]
        beat = self.memory.read_data
        left = Signal(words)  # words still to come of the answer under way, 0 at its start
        now = Signal(words)
        m.d.comb += now.eq(Mux(left == 0, owners.o.payload.words, left))
        self._return(m, "read_data", owners.o, beat, masters)
        with m.If(beat.valid & beat.ready):
            m.d.sync += left.eq(now - 1)
            m.d.comb += owners.o.ready.eq(now == 1)

    def _writes(self, m):
        masters = self.writers
        owner = data.StructLayout({"master": range(len(masters))})
        m.submodules.write_owners = owners = Queue(owner, self.depth)
        master = self._grant(m, "write_request", owners.i, masters)
        m.d.comb += owners.i.payload.master.eq(master)
        beat = self.memory.write_ack
        self._return(m, "write_ack", owners.o, beat, masters)
        m.d.comb += owners.o.ready.eq(beat.valid & beat.ready)

    def _grant(self, m, kind, owners, masters):
        """Route one request; returns which of `masters` was granted."""
        out = getattr(self.memory, kind)
        ins, count = Array(getattr(self.ports[n], kind) for n in masters), len(masters)
        last = Signal(range(count), name=f"{kind}_last")
        held = Signal(name=f"{kind}_held")  # a request stood and was not taken: keep it
        master = Signal(range(count), name=f"{kind}_master")
        m.d.comb += master.eq(last)
        with m.If(~held):
            for step in reversed(range(1, count + 1)):
                for now in range(count):
                    candidate = (now + step) % count
                    with m.If((last == now) & ins[candidate].valid):
                        m.d.comb += master.eq(candidate)
        room = Signal(name=f"{kind}_room")
        m.d.comb += [
            room.eq(owners.ready),
            out.valid.eq(ins[master].valid & room),
            ins[master].ready.eq(out.ready & room),
            owners.valid.eq(ins[master].valid & out.ready),
        ]
        with m.Switch(master):
            for number in range(count):
                with m.Case(number):
                    m.d.comb += out.payload.eq(ins[number].payload)
        with m.If(out.valid):
            m.d.sync += [last.eq(master), held.eq(~out.ready)]
        return master

    def _return(self, m, kind, owner, beat, masters):
        """Route one answer to the one of `masters` at the head of the owners."""
        for number, port in enumerate(masters):
            to = getattr(self.ports[port], kind)
            m.d.comb += to.payload.eq(beat.payload)
            with m.If(owner.valid & (owner.payload.master == number)):
                m.d.comb += [to.valid.eq(beat.valid), beat.ready.eq(to.ready)]
