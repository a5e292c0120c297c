"""Several masters on one memory port, one access at a time."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .port import MemoryPort, most_words, words_of


class Turns(wiring.Component):
    """Joins `masters` memory ports of `width` bits as an :class:`.arbiter.Arbiter` does, but the
    next request is looked at when the answer to the one before is through: nothing is queued.

    Masters take turns; of one that reads and writes at once the read goes first. A request passes
    a cycle after it came. Only `writers` (all unless given) may write.

    Members
    -------
    ports : In(MemoryPort(width)).array(masters)
    memory : Out(MemoryPort(width))
    """

    def __init__(self, width: int, masters: int, writers: Sequence[int] | None = None):
        self.width = width
        self.masters = masters
        self.writers = range(masters) if writers is None else writers
        super().__init__(
            {
                "ports": In(MemoryPort(width)).array(masters),
                "memory": Out(MemoryPort(width)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        memory, owner = self.memory, Signal(range(self.masters))
        left = Signal(most_words(self.width))  # words of the answer still to come
        reads, writes = memory.read_request, memory.write_request
        with m.FSM(name="turns"):
            with m.State("IDLE"):
                self._choose(m, owner)
                with m.If(self._wants(range(self.masters)).any()):
                    m.next = "ASK"
            with m.State("ASK"):
                self._pass(m, owner, "read_request", range(self.masters))
                with m.If(~reads.valid):
                    self._pass(m, owner, "write_request", self.writers)
                m.d.sync += left.eq(words_of(reads.p, self.width))
                with m.If(reads.valid & reads.ready):
                    m.next = "READ"
                with m.If(writes.valid & writes.ready):
                    m.next = "WRITE"
            with m.State("READ"):
                self._return(m, owner, "read_data", range(self.masters))
                with m.If(memory.read_data.valid & memory.read_data.ready):
                    m.d.sync += left.eq(left - 1)
                    with m.If(left == 1):
                        m.next = "IDLE"
            with m.State("WRITE"):
                self._return(m, owner, "write_ack", self.writers)
                with m.If(memory.write_ack.valid & memory.write_ack.ready):
                    m.next = "IDLE"
        self._payloads(m, owner)
        return m

    def _wants(self, masters):
        asks = [self.ports[n].read_request.valid for n in masters]
        for n in self.writers:
            asks[n] = asks[n] | self.ports[n].write_request.valid
        return Cat(asks)

    def _choose(self, m: Module, owner):
        """The next master that wants something after the one that had its turn."""
        wants = self._wants(range(self.masters))
        for step in reversed(range(1, self.masters + 1)):
            for now in range(self.masters):
                candidate = (now + step) % self.masters
                with m.If((owner == now) & wants[candidate]):
                    m.d.sync += owner.eq(candidate)

    def _payloads(self, m: Module, owner):
        """Of requests: the owner's; of answers: the memory's, for all."""
        for kind, masters in (
            ("read_request", range(self.masters)),
            ("write_request", self.writers),
        ):
            with m.Switch(owner):
                for n in masters:
                    with m.Case(n):
                        there = getattr(self.ports[n], kind)
                        m.d.comb += getattr(self.memory, kind).payload.eq(there.payload)
        for kind, masters in (("read_data", range(self.masters)), ("write_ack", self.writers)):
            for n in masters:
                m.d.comb += getattr(self.ports[n], kind).payload.eq(
                    getattr(self.memory, kind).payload
                )

    def _pass(self, m: Module, owner, kind: str, masters):
        """The owner's request."""
        for n in masters:
            with m.If(owner == n):
                self._handshake(m, getattr(self.ports[n], kind), getattr(self.memory, kind))

    def _return(self, m: Module, owner, kind: str, masters):
        """The answer to it."""
        for n in masters:
            with m.If(owner == n):
                self._handshake(m, getattr(self.memory, kind), getattr(self.ports[n], kind))

    def _handshake(self, m: Module, source, sink):
        m.d.comb += [sink.valid.eq(source.valid), source.ready.eq(sink.ready)]
