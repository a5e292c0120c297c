"""Counters nested in one another, with the addresses that follow them."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out


class Nest(wiring.Component):
    """Loops from the outermost to the innermost; no multiplier: addresses hop.

    A level counts its `count` down in steps; when it ends, the level around it steps and all
    inside begin again. An address hops by `hop` when a level steps, from where that level stood.
    A place stands two cycles after `start`, the next two cycles after `next`. Counts of a
    level may depend on `advances`, the level that the coming `next` steps.

    Members
    -------
    start : In(1)
        Begin; not while `busy`. Counts, steps, hops and origins hold until the end.
    busy, valid : Out(1)
        Places are left; one stands.
    next : In(1)
        To the next place.
    count, step, origin, hop : In
        Per level, per level, per address, per address and level.
    left, last, at : Out
        What is left of a level's count, whether this is its last step, and the addresses.
    advances : Out
        One bit per level.
    """

    def __init__(self, levels: dict[str, int], addresses: dict[str, tuple[int, str]]):
        self.levels = list(levels)
        self.hops = {name: hops.split() for name, (_, hops) in addresses.items()}
        counts = data.StructLayout(levels)
        bits = data.StructLayout(dict.fromkeys(levels, 1))
        widths = {name: width for name, (width, _) in addresses.items()}
        super().__init__(
            {
                "start": In(1),
                "busy": Out(1),
                "valid": Out(1),
                "next": In(1),
                "count": In(counts),
                "step": In(counts),
                "origin": In(data.StructLayout(widths)),
                "hop": In(
                    data.StructLayout(
                        {
                            name: data.StructLayout(dict.fromkeys(hops, widths[name]))
                            for name, hops in self.hops.items()
                        }
                    )
                ),
                "left": Out(counts),
                "last": Out(bits),
                "at": Out(data.StructLayout(widths)),
                "advances": Out(bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        ends = Signal()
        with m.If(self.busy & ~self.valid):
            m.d.sync += self.valid.eq(1)
            inner = []
            for level in reversed(self.levels):
                last = getattr(self.left, level) <= getattr(self.step, level)
                m.d.sync += [
                    getattr(self.last, level).eq(last),
                    getattr(self.advances, level).eq(~last & Cat(inner, 1).all()),
                ]
                inner.append(last)
            m.d.sync += ends.eq(Cat(inner, 1).all())
        with m.If(self.next):
            m.d.sync += [self.valid.eq(0), self.busy.eq(~ends)]
        with m.If(self.start):
            m.d.sync += self.busy.eq(1)
        inside = Signal()
        for level in self.levels:
            here = getattr(self.advances, level)
            left = getattr(self.left, level)
            before, inside = inside, Signal(name=f"inside_{level}")  # an outer level steps
            m.d.comb += inside.eq(before | here)
            with m.If(self.start | (self.next & before)):
                m.d.sync += left.eq(getattr(self.count, level))
            with m.Elif(self.next & here):
                m.d.sync += left.eq(left - getattr(self.step, level))
        for name, hops in self.hops.items():
            self._address(m, name, hops)
        return m

    def _address(self, m: Module, name: str, hops: list[str]):
        """One register per level that the address hops with; the innermost is the address."""
        width = len(getattr(self.at, name))
        origin = getattr(self.origin, name)
        chosen, distance, new = (
            Signal(width, name=f"{name}_{part}") for part in ("base", "hop", "new")
        )
        registers = {level: Signal(width, name=f"{name}_{level}") for level in hops}
        base, outer = origin, []
        m.d.comb += new.eq(chosen + distance)
        steps = Signal(len(self.levels), name=f"{name}_steps")
        m.d.comb += steps.eq(self.advances.as_value())
        for n, level in enumerate(self.levels):
            base = registers.get(level, base)
            with m.If(steps[n]):
                m.d.comb += chosen.eq(base)
                if level in hops:
                    m.d.comb += distance.eq(getattr(getattr(self.hop, name), level))
            outer.append(steps[n])
            if level in hops:
                with m.If(self.start):
                    m.d.sync += registers[level].eq(origin)
                with m.Elif(self.next & Cat(outer).any()):
                    m.d.sync += registers[level].eq(new)
        m.d.comb += getattr(self.at, name).eq(base)


def smaller(value, limit: int):
    """The smaller of a value and a constant."""
    return Mux(value > limit, limit, value)
