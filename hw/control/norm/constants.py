"""The constants of exponential and GELU, shifted so that small ones lose no accuracy."""

from amaranth.hdl import Array, C, Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .shapes import CONSTANTS, FACTOR_BITS, LIMIT_BITS, Widths


class Constants(wiring.Component):
    """Keeps the constants and derives h, c and j from them, one shift per cycle (up to 17).

    Members
    -------
    i : In(stream({qln2, qb, qc, keep}))
        Taken while the last ones are ready.
    ready : Out(1)
        The values below belong together; low for up to 19 cycles after new constants.
    qln2, qb : Out
    shift : Out(5)
        h.
    limit : Out(signed(36))
        c.
    gelu_shift : Out(5)
        j.
    gelu_power : Out(signed(7))
        g of iGELU.
    """

    def __init__(self, widths: Widths):
        self.widths = widths
        super().__init__(
            {
                "i": In(stream.Signature(CONSTANTS)),
                "ready": Out(1),
                "qln2": Out(32),
                "qb": Out(signed(32)),
                "shift": Out(5),
                "limit": Out(signed(LIMIT_BITS)),
                "gelu_shift": Out(5),
                "gelu_power": Out(signed(7)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        busy = Signal(init=1)  # zeros are shifted too
        size = Signal(32)  # |qb|, shifted
        enough = Signal()
        m.d.comb += [
            enough.eq(size[FACTOR_BITS - 1 :].any() | (self.shift == FACTOR_BITS)),
            self.ready.eq(~busy),
            self.i.ready.eq(~busy),
        ]
        with m.If(busy):
            with m.If(enough):
                m.d.sync += busy.eq(0)
            with m.Else():
                m.d.sync += [
                    size.eq(size << 1),
                    self.shift.eq(self.shift + 1),
                    self.limit.eq(self._quadruple(self.limit)),
                ]
        with m.Elif(self.i.valid):
            new = self.i.payload
            m.d.sync += [
                busy.eq(1),
                self.qln2.eq(Mux(new.keep, self.qln2, new.qln2)),
                self.qb.eq(new.qb),
                size.eq(Mux(new.qb < 0, -new.qb, new.qb)),
                self.shift.eq(0),
                self.limit.eq(new.qc),
            ]
        self._gelu(m)
        return m

    def _quadruple(self, limit):
        """4·limit, saturated."""
        top = limit[LIMIT_BITS - 3 :]
        sign = limit[-1]
        most = (1 << LIMIT_BITS - 1) - 1
        fits = top.all() | ~top.any()
        return Mux(fits, limit << 2, Mux(sign, ~C(most, signed(LIMIT_BITS)), most))

    def _gelu(self, m: Module):
        w = self.widths.w
        shifts = [max(min(FACTOR_BITS - h + 4, w - 1) + 18 - w, 0) for h in range(FACTOR_BITS + 1)]
        m.d.comb += [
            self.gelu_shift.eq(Array(C(j, 5) for j in shifts)[self.shift]),
            self.gelu_power.eq(self.gelu_shift + 19 - 2 * self.shift),
        ]
