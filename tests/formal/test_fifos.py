"""Queue and Buffer: what goes in comes out, once, in order, and stands until it is taken."""

import pytest
from amaranth.hdl import Assert, Cover, Elaboratable, Module, Mux, Signal

from hw.bus.stream import Buffer, Queue, QuickQueue
from sim.formal import Inside, anything, prove

WIDTH = 3


class Order(Elaboratable):
    """Two marked payloads, any two, on their way through a FIFO of `places` places.

    `contents(m, inside, n)` is what the FIFO holds `n` places from its end: the invariant that
    carries the induction, with what is `known` of the inside when it holds so many.
    """

    def __init__(self, fifo, places: int, contents, known=lambda inside, count: []):
        self.fifo, self.places, self.contents, self.known = fifo, places, contents, known

    def elaborate(self, platform):
        m = Module()
        fifo, places = self.fifo, self.places
        m.submodules.fifo = inside = Inside(fifo)
        m.d.comb += [
            fifo.i.valid.eq(anything(m, 1, "i_valid")),
            fifo.i.payload.eq(anything(m, WIDTH, "i_payload")),
            fifo.o.ready.eq(anything(m, 1, "o_ready")),
        ]
        push, pop = Signal(), Signal()
        count = Signal(range(places + 1))
        m.d.comb += [
            push.eq(fifo.i.valid & fifo.i.ready),
            pop.eq(fifo.o.valid & fifo.o.ready),
        ]
        m.d.sync += count.eq(count + push - pop)
        m.d.comb += [
            Assert(fifo.i.ready == (count != places)),
            Assert(fifo.o.valid == (count != 0)),
            Assert(count <= places),
            Assert(count == getattr(fifo, "level", count)),
            *(Assert(claim) for claim in self.known(inside, count)),
        ]
        self._standing(m, fifo.o)
        first = self._mark(m, inside, "first", push, pop, count, 1)
        second = self._mark(m, inside, "second", push, pop, count, first["in"])
        m.d.comb += [
            Assert(~second["in"] | first["in"]),
            Assert(~second["out"] | first["out"]),
            Assert(
                ~(first["in"] & second["in"] & ~first["out"]) | (first["left"] < second["left"])
            ),
            Cover(second["out"] & (count == places)),
        ]
        return m

    def _standing(self, m: Module, o):
        waiting, payload = Signal(), Signal(WIDTH)
        m.d.sync += [waiting.eq(o.valid & ~o.ready), payload.eq(o.payload)]
        m.d.comb += Assert(~waiting | (o.valid & (o.payload == payload)))

    def _mark(self, m: Module, inside, name, push, pop, count, may):
        fifo = self.fifo
        entered, left_it = Signal(name=f"{name}_in"), Signal(name=f"{name}_out")
        left = Signal(range(self.places + 1), name=f"{name}_left")  # pops until it is at the end
        data = Signal(WIDTH, name=f"{name}_data")
        now = Signal(name=f"{name}_now")
        m.d.comb += now.eq(anything(m, 1, f"{name}_mark") & push & may & ~entered)
        with m.If(now):
            m.d.sync += [entered.eq(1), left.eq(count - pop), data.eq(fifo.i.payload)]
        flying = entered & ~left_it
        with m.If(flying & pop):
            m.d.sync += left.eq(Mux(left == 0, 0, left - 1))
            m.d.sync += left_it.eq(left == 0)
        held = self.contents(m, inside, left, name)
        m.d.comb += [
            Assert(~(flying & pop & (left == 0)) | (fifo.o.payload == data)),
            Assert(~flying | (left < count)),
            Assert(~flying | (held == data)),
            Assert(entered | ~left_it),
        ]
        return {"in": entered, "out": left_it, "left": left}


def queue(depth: int, kind=Queue) -> Order:
    fifo = kind(WIDTH, depth)

    def contents(m, inside, n, name):
        place = Signal(range(2 * depth), name=f"{name}_place")
        m.d.comb += place.eq(inside.signal("fifo.consume") + n)
        wrapped = Mux(place >= depth, place - depth, place)
        return inside.row(m, "fifo.storage", wrapped, f"{name}_held")

    return Order(fifo, depth, contents)


def quick_queue(depth: int) -> Order:
    fifo = QuickQueue(WIDTH, depth)

    def contents(m, inside, n, name):
        place = Signal(range(depth), name=f"{name}_place")
        m.d.comb += place.eq(inside.signal("consume") + n)
        return inside.row(m, "store", place, f"{name}_held")

    def known(inside, count):
        produce, consume, level = map(inside.signal, ("produce", "consume", "level"))
        return [level == (1 << count) - 1, (produce - consume - count)[: len(consume)] == 0]

    return Order(fifo, depth, contents, known)


def buffer(kind=Buffer) -> Order:
    fifo = kind(WIDTH)

    def contents(m, inside, n, name):
        return Mux(n == 0, fifo.o.payload, inside.signal("spare"))

    return Order(fifo, 2, contents)


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_queue_keeps_order_and_loses_nothing(depth):
    prove(queue(depth), f"queue{depth}", depth=3, cover=4 * depth)


@pytest.mark.parametrize("depth", [2, 4, 8])
def test_quick_queue_keeps_order_and_loses_nothing(depth):
    prove(quick_queue(depth), f"quick_queue{depth}", depth=3, cover=4 * depth)


def test_buffer_keeps_order_and_loses_nothing():
    prove(buffer(), "buffer", depth=3, cover=10)


class Careless(Buffer):
    """Takes a new payload for its output while the old one still stands."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += self.kept.eq(self.i.payload)
        return m


def test_a_buffer_that_loses_payloads_is_found():
    with pytest.raises(AssertionError, match="assertion fails: .*payload == (payload|data)"):
        prove(buffer(Careless), "careless", depth=8, cover=10, induction=False)
