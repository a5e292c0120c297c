"""Processing element of the weight-stationary mesh."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config import Config
from ..control.ops import shape_of


class PE(wiring.Component):
    """Multiplies the element that passes by its weight and adds the sum from above.

    ::

                 w_in   sum_in                three weights: one on its way down (w_out),
                   |      |                   one waiting (shadow), one at work (active)
         a_in -> [ x active + ] -> a_out
                   |      |
                 w_out  sum_out

    Every output is registered: one cycle per hop. The sum wraps at the accumulator's width.

    Members
    -------
    shift : In(1)
        Weights move down one row.
    capture : In(1)
        The passing weight becomes the waiting one.
    swap_in, swap_out : In(1), Out(1)
        The waiting weight goes to work; one cycle ahead of the first element that needs it.
    a_in, a_out, w_in, w_out, sum_in, sum_out
        Element, weight and partial sum.

    With `Config.depthwise`:

    swap_now : In(1)
        The waiting weight goes to work, and nobody hears of it.
    line, a_line : In(1), In(element)
        `a_out` takes `a_line` instead of `a_in`: an element of the next column's own.
    hold : In(1)
        The sum stays.
    """

    def __init__(self, config: Config):
        self.config = config
        element, weight, total = map(shape_of, (config.input, config.weight, config.accumulator))
        depthwise = {"swap_now": In(1), "line": In(1), "a_line": In(element), "hold": In(1)}
        super().__init__(
            (depthwise if config.dw_lines else {})
            | {
                "shift": In(1),
                "capture": In(1),
                "swap_in": In(1),
                "swap_out": Out(1),
                "a_in": In(element),
                "a_out": Out(element),
                "w_in": In(weight),
                "w_out": Out(weight),
                "sum_in": In(total),
                "sum_out": Out(total),
            }
        )

    def elaborate(self, platform):
        m = Module()
        shadow = Signal.like(self.w_in)
        active = Signal.like(self.w_in)
        product = Signal((self.a_in * active).shape())
        m.d.comb += product.eq(self.a_in * active)
        m.d.sync += [
            self.a_out.eq(self.a_in),
            self.swap_out.eq(self.swap_in),
            self.sum_out.eq(self.sum_in + product),
        ]
        with m.If(self.shift):
            m.d.sync += self.w_out.eq(self.w_in)
        with m.If(self.capture):
            m.d.sync += shadow.eq(self.w_out)
        swap = self.swap_in
        if self.config.dw_lines:
            swap = swap | self.swap_now
            with m.If(self.line):
                m.d.sync += self.a_out.eq(self.a_line)
            with m.If(self.hold):
                m.d.sync += self.sum_out.eq(self.sum_out)
        with m.If(swap):
            m.d.sync += active.eq(shadow)
        return m
