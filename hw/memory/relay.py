"""A register in every direction of a memory port."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..bus.stream import Buffer
from .port import MemoryPort


class Relay(wiring.Component):
    """Cuts every path between the two sides of a memory port; full rate, one cycle each way.

    Members
    -------
    port : In(MemoryPort(width))
    memory : Out(MemoryPort(width))
    """

    def __init__(self, width: int):
        port = MemoryPort(width)
        super().__init__({"port": In(port), "memory": Out(port)})

    def elaborate(self, platform):
        m = Module()
        for name, member in self.memory.signature.members.items():
            ours, theirs = getattr(self.port, name), getattr(self.memory, name)
            source, target = (ours, theirs) if member.flow == Out else (theirs, ours)
            m.submodules[name] = buffer = Buffer(source.payload.shape())
            connect(m, flipped(source), buffer.i)
            connect(m, buffer.o, flipped(target))
        return m
