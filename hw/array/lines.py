"""Steps of depthwise lines: what the rows of the mesh do when each column has pixels of its own."""

from amaranth.hdl import Cat, Module, ShapeLike, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import Config

TAPS = 3
"""Rows of the mesh, one below the other, that take the same pixel."""


class Step(data.StructLayout):
    """One pixel of every line.

    `swap`: the first step of an op with new weights; `wanted`: the sum of this pixel and its two
    predecessors is a result; `end`: the last step of an op.
    """

    def __init__(self, config: Config, element: ShapeLike):
        row = data.ArrayLayout(element, config.dim)
        lines = data.ArrayLayout(row, config.dw_lines)
        super().__init__({"lines": lines, "swap": 1, "wanted": 1, "end": 1})


class LineSteps(wiring.Component):
    """Moves all columns of the mesh together, one step per pixel.

    ::

        pixel of line 0 ---------------------------------> rows 0, 1, 2     sums move down one row
        pixel of line 1 -> three steps of delay ---------> rows 3, 4, 5     per step and stand
        pixel of line 2 -> six steps of delay -----------> rows 6, 7, 8     still between steps

    The sum that leaves row 2 has met three pixels in a row (a transposed FIR filter), and reaches
    row 3 with the step that brings it the pixel of line 1 of the same column. Steps need not come
    in consecutive cycles. When none comes between two ops, empty steps push the last results out.
    Pixels are of shape `element`.

    Members
    -------
    step : In(stream(Step)), always ready
        `settled` tells whether a step with `swap` may come.
    lanes : Out(row).array(dw_lines)
        What the rows of each line take; they use it in the next cycle but one of `moves`.
    swap : Out(dw_lines)
        The rows of a line take the waiting weights.
    hold : Out(1)
        Sums stay.
    valid : Out(1)
        The result of a wanted step stands below the last line's rows, 3 cycles after
        that step (more exactly, after the step that is 3·(dw_lines - 1) steps later).
    swapping, idle : Out(1)
        A swap is on its way; nothing is inside and no op is under way.
    """

    def __init__(self, config: Config, element: ShapeLike):
        self.config = config
        row = data.ArrayLayout(element, config.dim)
        super().__init__(
            {
                "step": In(stream.Signature(Step(config, element), always_ready=True)),
                "lanes": Out(row).array(config.dw_lines),
                "swap": Out(config.dw_lines),
                "hold": Out(1),
                "valid": Out(1),
                "swapping": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        depth = TAPS * (self.config.dw_lines - 1)  # steps between the first and the last line
        ended = Signal(init=1)
        wanted, swaps = Signal(depth + 1), Signal(depth + 1)  # by age in steps
        advance, moved, summed, ready = Signal(), Signal(), Signal(), Signal()
        step = self.step
        m.d.comb += advance.eq(step.valid | (ended & wanted[:depth].any()))
        m.d.sync += [moved.eq(advance), summed.eq(moved), ready.eq(moved & wanted[depth])]
        m.d.sync += self.valid.eq(ready)
        with m.If(step.valid):
            m.d.sync += ended.eq(step.p.end)
        with m.If(advance):
            m.d.sync += [
                wanted.eq(Cat(step.valid & step.p.wanted, wanted)),
                swaps.eq(Cat(step.valid & step.p.swap, swaps)),
            ]
        for line in range(self.config.dw_lines):
            m.d.comb += self.swap[line].eq(moved & swaps[TAPS * line])
            pixels = step.p.lines[line]
            for age in range(TAPS * line + 1):
                register = Signal.like(pixels, name=f"line{line}_{age}")
                with m.If(advance):
                    m.d.sync += register.eq(pixels)
                pixels = register
            m.d.comb += self.lanes[line].eq(pixels)
        m.d.comb += [
            self.hold.eq(~summed),
            self.swapping.eq(swaps[:depth].any() | self.swap.any()),
            self.idle.eq(ended & ~(wanted[:depth].any() | moved | summed | self.valid)),
        ]
        return m
