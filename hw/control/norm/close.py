"""The end of a series: mean, inverse standard deviation or inverse sum, a bit per cycle."""

from amaranth.hdl import C, Module, Mux, Signal
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from .shapes import EXP_BITS, FACTOR_BITS, Widths


class Close(enum.IntEnum, shape=2):
    """Which result."""

    MEAN = 0
    DEVIATION = 1
    SUM = 2


class CloseSeries(wiring.Component):
    """One result at a time, by long division and long root.

    With L bits of dividend (102 for 32-bit accumulators) and R = max(w + 11, 35 + count bits) of
    root or sum a mean takes L + 2 cycles, an inverse deviation at most 3·L/2 + R + 22, an
    inverse sum at most R + 20.

    ::

        total ─┬─> divide by count ─┬─> mean
               │                    └─> root ─┐
               └──────────────────────────────┴─> normalise ─> invert ─> m, k

    Members
    -------
    i : In(stream({what, total, count}))
        `count` at least 1.
    o : Out(stream({centre, m, k}))
        `centre` of a mean, `m` and `k` of the others.
    """

    def __init__(self, widths: Widths, count_bits: int):
        self.widths = widths
        self.count_bits = count_bits
        self.root_bits = max(widths.w + 11, EXP_BITS + count_bits, FACTOR_BITS + 1)
        longest = widths.total(count_bits) + 16
        self.dividend_bits = longest + longest % 2
        super().__init__(
            {
                "i": In(
                    stream.Signature(
                        data.StructLayout(
                            {
                                "what": Close,
                                "total": widths.total(count_bits),
                                "count": count_bits,
                            }
                        )
                    )
                ),
                "o": Out(
                    stream.Signature(
                        data.StructLayout({"centre": widths.centre, "m": FACTOR_BITS, "k": 7})
                    )
                ),
            }
        )

    def elaborate(self, platform):
        m = Module()
        self._state(m)
        new = self.i.payload
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid):
                    self._start(m, new)
                    m.next = "divide"
                    with m.If(new.what == Close.SUM):
                        m.next = "bound"
            with m.State("divide"):
                self._divide(m)
                with m.If(self.last):
                    m.next = "root"
                    m.d.sync += [self.steps.eq(self.dividend_bits // 2 - 1), self.rest.eq(0)]
                    with m.If(self.what == Close.MEAN):
                        m.next = "done"
            with m.State("root"):
                self._root(m)
                with m.If(self.last):
                    m.next = "bound"
            with m.State("bound"):
                self._bound(m)
                m.next = "normalise"
            with m.State("normalise"):
                with m.If(self.root[-1]):
                    self._numerator(m)
                    m.next = "invert"
                with m.Else():
                    m.d.sync += [self.root.eq(self.root << 1), self.bits.eq(self.bits - 1)]
            with m.State("invert"):
                self._invert(m)
                with m.If(self.last):
                    m.next = "done"
            with m.State("done"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.next = "idle"
        self._result(m)
        return m

    def _state(self, m: Module):
        self.what = Signal(Close)
        self.count = Signal(self.count_bits)
        self.work = Signal(self.dividend_bits)  # dividend, its quotient from below
        self.root = Signal(self.root_bits)
        self.rest = Signal(self.root_bits + 2)
        self.bits = Signal(range(self.root_bits + 1))
        self.steps = Signal(range(self.dividend_bits))
        self.last = Signal()
        self.minuend = Signal(self.root_bits + 3)
        self.subtrahend = Signal(self.root_bits + 2)
        self.left = Signal(self.root_bits + 4)
        self.fits = Signal()
        m.d.comb += [
            self.last.eq(self.steps == 0),
            self.left.eq(self.minuend - self.subtrahend),
            self.fits.eq(~self.left[-1]),
        ]
        m.d.sync += self.steps.eq(self.steps - 1)

    def _start(self, m: Module, new):
        mean = new.what == Close.MEAN
        rounded = Signal(self.dividend_bits)
        m.d.comb += rounded.eq((new.total << 3) + (new.count >> 1))
        m.d.sync += [
            self.what.eq(new.what),
            self.count.eq(new.count),
            self.work.eq(Mux(mean, rounded, new.total << 16)),
            self.root.eq(Mux(new.what == Close.SUM, new.total[: self.root_bits], 0)),
            self.rest.eq(0),
            self.steps.eq(self.dividend_bits - 1),
        ]

    def _take(self, m: Module):
        m.d.sync += self.rest.eq(Mux(self.fits, self.left, self.minuend))

    def _divide(self, m: Module):
        m.d.comb += [
            self.minuend.eq(self.rest << 1 | self.work[-1]),
            self.subtrahend.eq(self.count),
        ]
        self._take(m)
        m.d.sync += self.work.eq(self.work << 1 | self.fits)

    def _root(self, m: Module):
        m.d.comb += [
            self.minuend.eq(self.rest << 2 | self.work[-2:]),
            self.subtrahend.eq(self.root << 2 | 1),
        ]
        self._take(m)
        m.d.sync += [self.work.eq(self.work << 2), self.root.eq(self.root << 1 | self.fits)]

    def _bound(self, m: Module):
        """No less than 2^16 or 128, so that k is not negative."""
        low = Mux(self.what == Close.SUM, self.root[16:].any(), self.root[7:].any())
        least = Mux(self.what == Close.SUM, 1 << 16, 128)
        m.d.sync += [self.root.eq(Mux(low, self.root, least)), self.bits.eq(self.root_bits)]

    def _numerator(self, m: Module):
        """The numerator stands so high that 17 steps give all bits of m."""
        most, bits = self.widths.most, self.widths.most_bits
        deviation, inverse = (1 << FACTOR_BITS) - 1, most << FACTOR_BITS - bits
        value = Mux(self.what == Close.SUM, C(inverse), C(deviation))
        m.d.sync += [
            self.rest.eq(value << self.root_bits - 1 - FACTOR_BITS),
            self.steps.eq(FACTOR_BITS - 1),
        ]

    def _invert(self, m: Module):
        m.d.comb += [self.minuend.eq(self.rest << 1), self.subtrahend.eq(self.root)]
        self._take(m)
        m.d.sync += self.work.eq(self.work << 1 | self.fits)

    def _result(self, m: Module):
        """The quotient of a sum of elements above the least one, back around zero; m and k."""
        widths, out = self.widths, self.o.payload
        quotient = self.work[: widths.w + 3]
        deviation = 8 - widths.layernorm_bits
        inverse = 16 - widths.most_bits - widths.softmax_bits
        m.d.comb += [
            out.centre.eq(quotient ^ (1 << widths.w + 2)),
            out.m.eq(self.work[:FACTOR_BITS]),
            out.k.eq(self.bits + Mux(self.what == Close.SUM, inverse, deviation)),
        ]
