"""The random bits of stochastic rounding."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..formats.draws import GOLDEN, WORD, first_state


class Generators(wiring.Component):
    """One xorshift generator per row of the array, see :class:`hw.formats.draws.Draws`.

    Members
    -------
    taken : In(1)
        An input row enters the array.
    steps : In(1)
        It takes its words: the generators step.
    reseed, seed : In(1), In(32)
        They start anew from the seed before that.
    words : Out(ArrayLayout(16, dim))
        Of the row that enters, in the same cycle.
    """

    def __init__(self, dim: int):
        self.dim = dim
        super().__init__(
            {
                "taken": In(1),
                "steps": In(1),
                "reseed": In(1),
                "seed": In(32),
                "words": Out(data.ArrayLayout(WORD, dim)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        for row in range(self.dim):
            state = Signal(32, init=first_state(0, row), name=f"state{row}")
            fresh, used = Signal(32, name=f"fresh{row}"), Signal(32, name=f"used{row}")
            m.d.comb += [
                fresh.eq(self.seed ^ (GOLDEN * (row + 1) & 0xFFFF_FFFF)),
                used.eq(Mux(self.reseed, Mux(fresh == 0, 1, fresh), state)),
                self.words[row].eq(used[32 - WORD :]),
            ]
            with m.If(self.taken):
                m.d.sync += state.eq(Mux(self.steps, self._step(m, row, used), used))
        return m

    @staticmethod
    def _step(m: Module, row: int, state):
        """Shifts by 13 up, 17 down and 5 up, each added modulo 2."""
        first, second, third = (Signal(32, name=f"{name}_{row}") for name in ("up", "down", "step"))
        m.d.comb += [
            first.eq(state ^ (state << 13)),
            second.eq(first ^ (first >> 17)),
            third.eq(second ^ (second << 5)),
        ]
        return third
