"""The way into and out of the accumulator memory: a row of registers with an adder each."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config import Config
from ..control.ops import shape_of
from ..memory.local import acc_row


class Lanes(wiring.Component):
    """In a cycle with `step`, lane n becomes sum n of the array, or with `shift` what lane n + 1
    holds (the last one: `enters`), or else with `zero` 0; with `add` that plus element n of `row`,
    modulo 2^width.

    So a row is read by adding it to zero, leaves and enters element by element, and is added to
    another with the last element that enters.

    Members
    -------
    step, shift, zero, add : In(1)
    sums : In(summed).array(dim)
    enters : In(accumulator)
    row : In(acc_row(config))
        Of the accumulator memory.
    lanes : Out(acc_row(config))
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                **{name: In(1) for name in ("step", "shift", "zero", "add")},
                "sums": In(shape_of(config.summed)).array(config.dim),
                "enters": In(shape_of(config.accumulator)),
                "row": In(acc_row(config)),
                "lanes": Out(acc_row(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        kept = Signal(self.lanes.shape(), reset_less=True)
        m.d.comb += self.lanes.eq(kept)
        shape = shape_of(self.config.accumulator)
        for n in range(self.config.dim):
            last = n + 1 == self.config.dim
            after = self.enters if last else kept[n + 1]
            term, total = Signal(shape, name=f"term{n}"), Signal(shape, name=f"total{n}")
            m.d.comb += [
                term.eq(Mux(self.shift, after, Mux(self.zero, 0, self.sums[n]))),
                total.eq(term + self.row[n]),
            ]
            with m.If(self.step):
                m.d.sync += kept[n].eq(Mux(self.add, total, term))
        return m
