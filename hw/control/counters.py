"""Performance counters: cycles in which something happens, read by the `counter` command."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..isa import ErrorCode, Event
from .fields import field
from .ops import CommandLayout

WIDTH = 32


class Counters(wiring.Component):
    """`count` counters of 32 bits, each counting the cycles of one event of `hw.isa.Event`.

    A command acts at the end of the cycle in which `go` is set; `value` and `error` answer it
    combinationally, with what holds before it acts. Events are registered before they are counted,
    as they end the longest paths; what has not been counted yet is part of every answer.

    Members
    -------
    events : In(64)
        Bit n: event n happens in this cycle.
    command : In(CommandLayout), go : In(1)
    value : Out(32)
        The addressed counter, or its snapshot while one is kept.
    error : Out(ErrorCode)
        Unknown event, counter or external event.
    """

    def __init__(self, count: int):
        self.count = count
        super().__init__(
            {
                "events": In(64),
                "command": In(CommandLayout()),
                "go": In(1),
                "value": Out(WIDTH),
                "error": Out(ErrorCode),
            }
        )

    def elaborate(self, platform):
        m = Module()

        def get(name):
            return field(self.command, "counter", name)

        layout = data.StructLayout({"event": 6, "value": WIDTH, "kept": WIDTH, "fresh": 1})
        counters = [Signal(layout, name=f"counter{n}") for n in range(self.count)]
        frozen, go, events = Signal(), Signal(), Signal.like(self.events)
        known = Cat(get("event") == event for event in Event).any()
        strange = get("configure") & (get("external") | ~known)
        wrong = strange | (get("index") >= self.count)
        m.d.comb += go.eq(self.go & ~wrong)
        m.d.sync += events.eq(self.events)
        with m.If(wrong):
            m.d.comb += self.error.eq(ErrorCode.NOT_SUPPORTED)
        with m.If(go):
            with m.If(get("snapshot_reset")):
                m.d.sync += frozen.eq(0)
            with m.If(get("snapshot")):
                m.d.sync += frozen.eq(1)
        for n, counter in enumerate(counters):
            chosen = get("index") == n
            value = Signal(WIDTH, name=f"value{n}")  # with the event that is not in it yet
            happened = events.bit_select(counter.event, 1) & ~counter.fresh
            m.d.comb += value.eq(counter.value + happened)
            m.d.sync += [counter.value.eq(value), counter.fresh.eq(0)]
            with m.If(go & (get("reset") | (get("configure") & chosen))):
                m.d.sync += [counter.value.eq(0), counter.fresh.eq(1)]
            with m.If(go & get("configure") & chosen):
                m.d.sync += counter.event.eq(get("event"))
            with m.If(go & get("snapshot")):
                m.d.sync += counter.kept.eq(value)
            with m.If(chosen & ~wrong):
                m.d.comb += self.value.eq(value)
                with m.If(frozen):
                    m.d.comb += self.value.eq(counter.kept)
        return m
