"""Crossings between two clocks: everything arrives, once, and whoever gives it knows when.

The faster clock is the proof's; the slower one's registers are enabled in the last of its cycles,
which is what a second clock with an edge at every so-manieth of the first's comes to.
"""

import pytest
from amaranth.hdl import (
    Assert,
    Assume,
    Cover,
    DomainRenamer,
    Elaboratable,
    EnableInserter,
    Module,
    Mux,
    Signal,
)

from hw.bus.crossing import IntoArray, LastCycle, OutOfArray, PulsesOutOfArray
from sim.formal import Inside, anything, prove

WIDTH = 3
TIMES = [2, 3, 4]


class TwoClocks(Elaboratable):
    """A crossing with `times` cycles of its faster clock in one of the slower; `claims` are what is
    said of it: statements of (module, component, inside, phase, tick)."""

    def __init__(self, component, times: int, claims):
        self.component, self.times, self.claims = component, times, claims

    def elaborate(self, platform):
        m = Module()
        phase, tick = Signal(range(self.times)), Signal()
        m.d.comb += tick.eq(phase == self.times - 1)
        m.d.sync += phase.eq(Mux(tick, 0, phase + 1))
        m.d.comb += Assert(phase < self.times)
        slow = EnableInserter({"sync": tick})(self.component)
        m.submodules.part = inside = Inside(DomainRenamer({"array": "sync"})(slow))
        self.claims(m, self.component, inside, phase, tick)
        return m


def standing_input(m: Module, i, changes):
    """A stream of anything, that stands until it is taken in a cycle in which it `changes`."""
    waits, payload = Signal(), Signal(WIDTH)
    m.d.comb += [i.valid.eq(anything(m, 1, "i_valid")), i.payload.eq(anything(m, WIDTH, "i_data"))]
    m.d.sync += [waits.eq(i.valid & ~(changes & i.ready)), payload.eq(i.payload)]
    m.d.comb += Assume(~waits | (i.valid & (i.payload == payload)))


def into(m, dut, inside, phase, tick):
    begins = phase == 0
    standing_input(m, dut.i, tick)
    newly, before = Signal(), Signal()  # the slower side changes with its clock only
    m.d.sync += before.eq(dut.i.valid)
    m.d.comb += [newly.eq(dut.i.valid & ~before), Assume(~newly | begins)]
    m.d.comb += dut.o.ready.eq(anything(m, 1, "o_ready"))
    delivered, twice = Signal(), Signal()
    takes, ends = dut.o.valid & dut.o.ready, dut.i.valid & dut.i.ready & tick
    m.d.sync += delivered.eq((delivered | takes) & ~ends)
    with m.If(ends):
        m.d.sync += twice.eq(1)
    there, seen = inside.signal("there"), inside.signal("seen")
    m.d.comb += [
        Assert(~takes | ~delivered),
        Assert(~dut.i.ready | delivered),
        Assert(~dut.o.valid | (dut.i.valid & (dut.o.payload == dut.i.payload))),
        Assert(~there | (dut.i.valid & (inside.signal("held") == dut.i.payload))),
        Assert(~dut.o.valid | (there & seen)),
        Assert(delivered == (there & seen & ~dut.o.valid)),
        Assert((there == seen) | begins),
        Cover(ends & twice),
    ]


def out_of(m, dut, inside, phase, tick):
    standing_input(m, dut.i, 1)
    known = anything(m, 1, "known")  # not from the beginning on
    m.d.comb += [dut.last.eq(tick & known), dut.o.ready.eq(anything(m, 1, "o_ready"))]
    data, full, twice = Signal(WIDTH), Signal(), Signal()
    enters, leaves = dut.i.valid & dut.i.ready, dut.o.valid & dut.o.ready & tick
    with m.If(enters):
        m.d.sync += data.eq(dut.i.payload)
    with m.If(leaves):
        m.d.sync += twice.eq(1)
    m.d.sync += full.eq((full | enters) & ~leaves)
    m.d.comb += [
        Assert(~enters | tick),
        Assert(dut.o.valid == full),
        Assert(~full | (dut.o.payload == data)),
        Cover(leaves & twice),
    ]


def pulses(m, dut, inside, phase, tick):
    m.d.comb += [dut.last.eq(tick & anything(m, 1, "known")), dut.i.eq(anything(m, 1, "pulse"))]
    under_way = Signal(range(dut.most + 1))
    m.d.sync += under_way.eq(under_way + dut.i - (dut.o & tick))
    m.d.comb += [
        Assume(under_way + dut.i <= dut.most),
        Assert(under_way == inside.signal("owed") + dut.o),
        Cover(under_way == dut.most),
    ]


def last_cycle(m, dut, inside, phase, tick):
    started, late = Signal(), Signal()
    with m.If(tick):
        m.d.sync += started.eq(1)
    m.d.sync += late.eq(started)
    turns, seen, after = (inside.signal(name) for name in ("turns", "seen", "after"))
    m.d.comb += [
        Assert(dut.o == (tick & started)),
        Assert((turns != seen) == ((phase == 0) & started)),
        Assert(after == Mux(started & (phase != 0), 1 << (phase - 1).as_unsigned(), 0)),
        Cover(dut.o),
    ]


@pytest.mark.parametrize("times", TIMES)
def test_what_goes_in_is_acknowledged_when_it_was_taken(times):
    prove(TwoClocks(IntoArray(WIDTH), times, into), f"into{times}", depth=8, cover=30)


@pytest.mark.parametrize("times", TIMES)
def test_what_comes_out_comes_once(times):
    prove(TwoClocks(OutOfArray(WIDTH), times, out_of), f"out{times}", depth=8, cover=30)


@pytest.mark.parametrize("times", TIMES)
def test_no_pulse_is_lost(times):
    prove(TwoClocks(PulsesOutOfArray(3), times, pulses), f"pulses{times}", depth=8, cover=30)


@pytest.mark.parametrize("times", TIMES)
def test_the_last_cycle_is_known(times):
    prove(TwoClocks(LastCycle(times), times, last_cycle), f"last{times}", depth=8, cover=30)


class Hasty(IntoArray):
    """Acknowledges what stands, whether it was taken or not."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.d.sync += self.i.ready.eq(self.o.valid)
        return m


def test_an_early_acknowledgement_is_found():
    with pytest.raises(AssertionError, match="assertion"):
        prove(TwoClocks(Hasty(WIDTH), 3, into), "into_hasty", depth=12, cover=30)
