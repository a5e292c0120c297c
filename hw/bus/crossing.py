"""Between the core's clock and a whole multiple of it, of which every edge of the first is one.

Both clocks come from one generator, so what a register of one side holds is there at the next edge
of the other. Nothing but registers lies at the crossings, and at most a gate or two behind the
faster ones. Domains: ``sync`` and, faster, ``array``.
"""

from amaranth.hdl import Module, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect

from ..register import data_register


class LastCycle(wiring.Component):
    """Says which cycle of ``array`` ends with one of ``sync``, of `times` in each, from the second
    cycle of ``sync`` on.

    Members
    -------
    o : Out(1)
        In ``array``.
    """

    def __init__(self, times: int):
        self.times = times
        super().__init__({"o": Out(1)})

    def elaborate(self, platform):
        m = Module()
        turns = Signal()
        seen = Signal()
        after = Signal(self.times - 1)
        m.d.sync += turns.eq(~turns)
        m.d.array += [seen.eq(turns), after.eq(after << 1 | (turns != seen))]
        m.d.comb += self.o.eq(after[-1])
        return m


class IntoArray(wiring.Component):
    """A stream into ``array``: a payload is taken from `i` after it was taken from `o`, so whoever
    gives it knows where it is. It stands at `o` from the second cycle of ``array`` on after the
    cycle of ``sync`` in which it came; in the cycle of ``sync`` after the one in which it is taken
    there, it is taken from `i`. So there is one every three cycles of ``sync``.

    Members
    -------
    i : In(stream(shape))
        In ``sync``.
    o : Out(stream(shape))
        In ``array``.
    """

    def __init__(self, shape: ShapeLike):
        self.shape = shape
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        held = Signal(self.shape, reset_less=True)
        there = Signal()  # in `held`, from the first cycle after it came to the one of its end
        seen = Signal()
        taken = Signal()
        kept = data_register(m, self.o.payload)
        m.d.comb += taken.eq(seen & (~self.o.valid | self.o.ready))
        with m.If(self.i.ready):
            m.d.sync += [there.eq(0), self.i.ready.eq(0)]
        with m.Elif(there):
            m.d.sync += self.i.ready.eq(taken)
        with m.Else():
            m.d.sync += [held.eq(self.i.payload), there.eq(self.i.valid)]
        m.d.array += seen.eq(there)
        with m.If(there & ~seen):
            m.d.array += [kept.eq(held), self.o.valid.eq(1)]
        with m.Elif(self.o.ready):
            m.d.array += self.o.valid.eq(0)
        return m


class OutOfArray(wiring.Component):
    """A stream out of ``array``, one payload every other cycle of ``sync``.

    Members
    -------
    last : In(1)
        :class:`LastCycle`.
    i : In(stream(shape))
        In ``array``; taken in last cycles only.
    o : Out(stream(shape))
        In ``sync``.
    """

    def __init__(self, shape: ShapeLike):
        self.shape = shape
        payloads = stream.Signature(shape)
        super().__init__({"last": In(1), "i": In(payloads), "o": Out(payloads)})

    def elaborate(self, platform):
        m = Module()
        kept = data_register(m, self.o.payload)
        m.d.comb += self.i.ready.eq(self.last & ~self.o.valid)
        with m.If(~self.o.valid):
            m.d.sync += [kept.eq(self.i.payload), self.o.valid.eq(self.i.valid & self.last)]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        return m


class PulsesOutOfArray(wiring.Component):
    """Pulses out of ``array``, none lost: at most `most` may be under way.

    Members
    -------
    last : In(1)
        :class:`LastCycle`.
    i : In(1)
        In ``array``.
    o : Out(1)
        In ``sync``, a cycle of it long; for a pulse that none is before, in the cycle after the one
        that ends with a later cycle of ``array``.
    """

    def __init__(self, most: int):
        self.most = most
        super().__init__({"last": In(1), "i": In(1), "o": Out(1)})

    def elaborate(self, platform):
        m = Module()
        owed = Signal(range(self.most + 1))
        leaves = Signal()
        m.d.comb += leaves.eq(self.last & (owed != 0))
        m.d.sync += self.o.eq(leaves)
        m.d.array += owed.eq(owed + self.i - leaves)
        return m


class Crossing:
    """Connects ports of ``sync`` with such of ``array``; where there is one clock, straight.

    Parameters
    ----------
    m : Module
        Where the parts go.
    times : int
        Cycles of ``array`` in one of ``sync``.
    """

    def __init__(self, m: Module, times: int):
        self.m = m
        self.times = times
        if times > 1:
            m.submodules.last_cycle = last = LastCycle(times)
            self.last = last.o

    def into(self, name: str, source, sink):
        """A stream's `source` in ``sync`` to its `sink` in ``array``."""
        if self.times > 1:
            self.m.submodules[f"{name}_into"] = part = IntoArray(source.payload.shape())
            connect(self.m, source, part.i)
            source = part.o
        connect(self.m, source, sink)

    def read(self, name: str, client, port):
        """Requests of a `client` in ``sync`` to a `port` in ``array``, and answers back."""
        self.into(name, client.request, port.request)
        answers = port.data
        if self.times > 1:
            part = OutOfArray(answers.payload.shape())
            self.m.submodules[f"{name}_back"] = part
            self.m.d.comb += part.last.eq(self.last)
            connect(self.m, answers, part.i)
            answers = part.o
        connect(self.m, answers, client.data)

    def pulses(self, name: str, pulse, most: int):
        """Pulses of ``array``, of which at most `most` are under way, as such of ``sync``."""
        if self.times == 1:
            return pulse
        self.m.submodules[f"{name}_back"] = part = PulsesOutOfArray(most)
        self.m.d.comb += [part.last.eq(self.last), part.i.eq(pulse)]
        return part.o

    def seen(self, signal):
        """What `signal` of ``array`` is, as ``sync`` sees it: as its last cycle ended."""
        if self.times == 1:
            return signal
        copy = Signal.like(signal, name_suffix="_seen")
        self.m.d.sync += copy.eq(signal)
        return copy
