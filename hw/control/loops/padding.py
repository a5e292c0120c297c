"""How much of what a loop of a convolution reads in one direction is padding."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Padding(wiring.Component):
    """Splits a stretch into padding before, image and padding after, as docs/loops.md clips them.

    The parts stand two cycles after the inputs settled.

    Parameters
    ----------
    bits : int
        Width of the stretch and of its parts.

    Members
    -------
    reach : In(bits)
        Pixels that are read.
    before_most, after_most : In
        Pads of the command.
    before, image, after : Out(bits)
        Their sum is `reach`; the pad before is filled first.
    """

    def __init__(self, bits: int, before_bits: int, after_bits: int):
        super().__init__(
            {
                "reach": In(bits),
                "before_most": In(before_bits),
                "after_most": In(after_bits),
                "before": Out(bits),
                "image": Out(bits),
                "after": Out(bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        rest = Signal.like(self.reach)
        m.d.comb += [rest.eq(self.reach - self.before), self.image.eq(rest - self.after)]
        m.d.sync += [
            self.before.eq(_smaller(self.before_most, self.reach)),
            self.after.eq(_smaller(self.after_most, rest)),
        ]
        return m


def _smaller(x, y):
    return Mux(x < y, x, y)
