"""The register bus: what a peripheral sees of the core, and the decoder in front."""

from collections.abc import Mapping
from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..soc.map import PERIPHERALS_BASE, WINDOW, Peripheral
from .wishbone import Wishbone

WORD_BITS = 6
"""Bits of a register's word offset."""


class RegisterBus(wiring.Signature):
    """One word at a time; `select` and the rest stand until a cycle with `done`.

    Members (as the decoder sees them)
    -------
    select : Out(1)
    write : Out(1)
    word : Out(6)
        Word offset in the window.
    data_w : Out(32)
    data_r : In(32)
    done : In(1)
        The access happens in this cycle.
    """

    def __init__(self):
        super().__init__(
            {
                "select": Out(1),
                "write": Out(1),
                "word": Out(WORD_BITS),
                "data_w": Out(32),
                "data_r": In(32),
                "done": In(1),
            }
        )


class Decoder(wiring.Component):
    """Splits the core's data bus: bit 31 clear to `memory`, set to the peripherals.

    A register access takes two cycles plus what the peripheral waits. Windows without a
    peripheral answer with `err` (and `ack`).

    Members
    -------
    bus : In(Wishbone())
    memory : Out(Wishbone())
    {name} : Out(RegisterBus())
        One for every peripheral.
    """

    def __init__(self, peripherals: Mapping[str, Peripheral]):
        self.peripherals = dict(peripherals)
        super().__init__(
            {
                "bus": In(Wishbone()),
                "memory": Out(Wishbone()),
                **{name: Out(RegisterBus()) for name in self.peripherals},
            }
        )

    def elaborate(self, platform):
        m = Module()
        bus, memory = self.bus, self.memory
        outside = Signal()
        m.d.comb += outside.eq(bus.adr[29])
        for name in ("stb", "we", "adr", "sel", "dat_w", "cti"):
            m.d.comb += getattr(memory, name).eq(getattr(bus, name))
        m.d.comb += memory.cyc.eq(bus.cyc & ~outside)

        ended = Signal()
        answer = Signal(32)
        fault = Signal()
        here = Signal()
        matches, done, answers = [], [], []
        m.d.comb += here.eq(bus.cyc & bus.stb & outside & ~ended)
        for name, peripheral in self.peripherals.items():
            port = getattr(self, name)
            match = Signal(name=f"match_{name}")
            number = (peripheral.base - PERIPHERALS_BASE) // WINDOW
            m.d.comb += [
                match.eq(bus.adr[10:29] == number),
                port.select.eq(here & match),
                port.write.eq(bus.we),
                port.word.eq(bus.adr[:WORD_BITS]),
                port.data_w.eq(bus.dat_w),
            ]
            matches.append(match)
            done.append(match & port.done)
            answers.append(port.data_r & match.replicate(32))
        unknown = ~Cat(matches).any()
        m.d.sync += [ended.eq(here & (Cat(done).any() | unknown)), fault.eq(here & unknown)]
        with m.If(here):
            m.d.sync += answer.eq(reduce(or_, answers))

        with m.If(outside):
            m.d.comb += [bus.ack.eq(ended), bus.err.eq(fault), bus.dat_r.eq(answer)]
        with m.Else():
            m.d.comb += [bus.ack.eq(memory.ack), bus.err.eq(memory.err)]
            m.d.comb += bus.dat_r.eq(memory.dat_r)
        return m
