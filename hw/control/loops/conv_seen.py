"""Which outputs of a tile see the image under a tap, and which only padding."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...config import Config


class Seen(wiring.Component):
    """Leaves out outputs whose pixel under a tap is padding.

    What follows from `y`, `x` and `outputs` stands a cycle after `looks`.

    Members
    -------
    looks : In(1)
        A place has come.
    y, x : In
        Line and column of the pixel under the tap of the tile's first output, padding included.
    outputs : In
        Outputs of the tile.
    top, bottom, left, right : In
        The image: first line and column, and those behind the last ones.
    doubles : In(1)
        Outputs are two columns apart, else one.
    by_row, by_column : In(1)
        Whether lines, and columns, of padding are left out.
    none : Out(1)
        All outputs are left out.
    skipped, rows : Out
        Outputs left out in front, and those that remain after them.
    lines : Out(3)
        Which of three lines from `y` on are in the image.
    """

    def __init__(self, config: Config, bits: int):
        self.config = config
        count = range(config.dim + 1)
        super().__init__(
            {
                "looks": In(1),
                **dict.fromkeys(("y", "x", "top", "bottom", "left", "right"), In(bits)),
                "outputs": In(count),
                "doubles": In(1),
                "by_row": In(1),
                "by_column": In(1),
                "none": Out(1),
                "skipped": Out(count),
                "rows": Out(count),
                "lines": Out(3),
            }
        )

    def elaborate(self, platform):
        m = Module()
        bits = len(self.y) + 2
        inside = Cat((self.y + n >= self.top) & (self.y + n < self.bottom) for n in range(3))
        first, end = (Signal(bits, name=name) for name in ("first", "end"))
        for place, edge in ((first, self.left), (end, self.right)):
            apart, beyond = Signal(bits), Const(0, bits)
            m.d.comb += [
                apart.eq(edge - self.x),
                place.eq(
                    Mux(edge < self.x, beyond, Mux(self.doubles, (apart + 1) >> 1, apart)),
                ),
            ]
        last = Signal.like(self.outputs)
        m.d.comb += last.eq(Mux(self.by_column & (end < self.outputs), end, self.outputs))
        with m.If(self.looks):
            m.d.sync += [
                self.lines.eq(inside),
                self.none.eq((self.by_row & ~inside[0]) | (self.by_column & (first >= last))),
                self.skipped.eq(Mux(self.by_column, first, 0)),
                self.rows.eq(last - Mux(self.by_column, first, 0)),
            ]
        return m
