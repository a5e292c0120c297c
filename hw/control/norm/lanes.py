"""The lanes beside each other: rows in, sums or rows out."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .lane import LATENCY, Lane
from .shapes import FACTOR_BITS, LIMIT_BITS, Kind, Widths

SETTINGS = ("kind", "centre", "factor", "amount", "qln2", "qb", "shift", "limit")
"""Inputs that are the same for all lanes, and stand while `busy`."""


def lane_count(dim: int) -> int:
    """Lanes for rows of `dim` elements: the largest divisor up to an eighth, at least one."""
    return max(n for n in range(1, max(dim // 8, 1) + 1) if dim % n == 0)


class Lanes(wiring.Component):
    """`lanes` elements per cycle, so that a row takes `dim / lanes` cycles.

    Sums and maxima come one group at a time, `LATENCY` + 1 cycles after its elements entered; a
    normalised row stands at `values` in the cycle after its last group's, and everything waits
    while it is not taken.

    Members
    -------
    row : In({values, keep})
    row_valid, row_ready : In(1), Out(1)
    taken : In(1)
        Takes the row at `values`.
    kind, centre, factor, amount, qln2, qb, shift, limit : In
        As of :class:`.lane.Lane`.
    group : Out
        Sum or maximum of a group's terms, while `group_valid`.
    values, values_valid : Out
    busy : Out(1)
        Elements are inside, or a normalised row is.
    """

    def __init__(self, dim: int, widths: Widths, lanes: int):
        self.dim = dim
        self.widths = widths
        self.lanes = lanes
        values = data.ArrayLayout(signed(widths.w), dim)
        super().__init__(
            {
                "row": In(data.StructLayout({"values": values, "keep": dim})),
                "row_valid": In(1),
                "row_ready": Out(1),
                "taken": In(1),
                "kind": In(Kind),
                "centre": In(widths.centre),
                "factor": In(FACTOR_BITS),
                "amount": In(7),
                "qln2": In(32),
                "qb": In(signed(32)),
                "shift": In(5),
                "limit": In(signed(LIMIT_BITS)),
                "group": Out(widths.term + (lanes - 1).bit_length()),
                "group_valid": Out(1),
                "values": Out(values),
                "values_valid": Out(1),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        enable, arrives, sums = Signal(), Signal(), Signal()
        m.d.comb += [
            enable.eq(~self.values_valid | self.taken),
            sums.eq(self.kind < Kind.LAYERNORM),
        ]
        issue, elements, keep = self._issue(m, enable)
        out = self._lanes(m, enable, elements, keep)
        tokens = self._tokens(m, enable, issue)
        m.d.comb += [
            arrives.eq(tokens[-1] & enable),
            self.busy.eq(tokens.any() | issue | self.group_valid | self.values_valid),
        ]
        self._gather(m, arrives & sums, [lane.term for lane in out])
        self._collect(m, arrives & ~sums, [lane.value for lane in out])
        return m

    def _issue(self, m: Module, enable):
        """A row is held and leaves group by group, the first lanes first."""
        groups, w = self.dim // self.lanes, self.widths.w
        values, keep = Signal(w * self.dim), Signal(self.dim)
        held, left = Signal(), Signal(range(groups))
        leaves = Signal()
        m.d.comb += [
            leaves.eq(held & enable & (left == 0)),
            self.row_ready.eq(~held | leaves),
        ]
        with m.If(held & enable):
            m.d.sync += [
                values.eq(values >> w * self.lanes),
                keep.eq(keep >> self.lanes),
                left.eq(left - 1),
            ]
        with m.If(self.row_ready):
            m.d.sync += held.eq(self.row_valid)
        with m.If(self.row_ready & self.row_valid):
            m.d.sync += [
                values.eq(self.row.values.as_value()),
                keep.eq(self.row.keep),
                left.eq(groups - 1),
            ]
        elements = [values[n * w : (n + 1) * w].as_signed() for n in range(self.lanes)]
        return held, elements, keep

    def _lanes(self, m: Module, enable, elements, keep):
        out = []
        for n, element in enumerate(elements):
            m.submodules[f"lane{n}"] = lane = Lane(self.widths)
            m.d.comb += [lane.enable.eq(enable), lane.x.eq(element), lane.keep.eq(keep[n])]
            m.d.comb += [getattr(lane, name).eq(getattr(self, name)) for name in SETTINGS]
            out.append(lane)
        return out

    def _tokens(self, m: Module, enable, issue):
        """One bit per stage; a kind that needs fewer stages enters further on."""
        length = max(LATENCY.values())
        tokens = Signal(length)
        enters = [
            Cat(self.kind == kind for kind, latency in LATENCY.items() if latency == left).any()
            for left in range(length, 0, -1)
        ]
        entry = Cat(enter & issue for enter in enters)
        with m.If(enable):
            m.d.sync += tokens.eq(tokens << 1 | entry)
        return tokens

    def _gather(self, m: Module, arrives, terms):
        """Sum or maximum over the lanes."""
        total, most = terms[0], terms[0]
        for n, term in enumerate(terms[1:]):
            larger = Signal(self.widths.term, name=f"larger{n}")
            m.d.comb += larger.eq(Mux(term > most, term, most))
            total, most = total + term, larger
        m.d.sync += [
            self.group_valid.eq(arrives),
            self.group.eq(Mux(self.kind == Kind.MAXIMUM, most, total)),
        ]

    def _collect(self, m: Module, arrives, values):
        """Groups shift in from the top until the row is complete."""
        groups, w = self.dim // self.lanes, self.widths.w
        out = Signal(w * self.dim)
        come = Signal(range(groups))
        m.d.comb += self.values.as_value().eq(out)
        with m.If(self.taken):
            m.d.sync += self.values_valid.eq(0)
        with m.If(arrives):
            m.d.sync += [
                out.eq(Cat(out[w * self.lanes :], *values)),
                come.eq(come + 1),
            ]
            with m.If(come == groups - 1):
                m.d.sync += [self.values_valid.eq(1), come.eq(0)]
