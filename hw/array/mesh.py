"""The weight-stationary systolic mesh."""

from amaranth.hdl import Module, Mux, ShapeLike, Signal
from amaranth.lib import data, wiring

from ..bus.stream import Queue
from ..config import Config
from ..control.ops import shape_of
from .lines import TAPS, LineSteps
from .pe import PE
from .port import ArrayPort
from .skew import Skew


class Mesh(wiring.Component):
    """`dim` × `dim` processing elements; weights stay, inputs stream, sums flow down.

    ::

                  weights, D (skewed by column)
                     |    |    |
          A row 0 -> PE - PE - PE         lane k of A meets row k of the weights
          A row 1 -> PE - PE - PE
          A row 2 -> PE - PE - PE
                     |    |    |
                  results (de-skewed)

    Sums are formed in ascending k from D and wrap at the accumulator's width. One input row per
    cycle; `latency` cycles from an accepted input to its result. While one tile is at work, a
    second waits and a third may be on its way down, so that tiles of `dim` weight rows follow
    one another every `dim` cycles without a gap.

    With `Config.depthwise`, steps (see :class:`InputRow`) move all columns together, one step per
    cycle at best (see :class:`LineSteps`). The mesh runs empty before it changes from rows to
    steps or back.

    Members: see :class:`ArrayPort`.
    """

    def __init__(self, config: Config, tag_shape: ShapeLike):
        self.config = config
        self.tag_shape = tag_shape
        super().__init__(ArrayPort(config, tag_shape))

    @property
    def latency(self) -> int:
        """Cycles from the acceptance of an input row to its result."""
        return 2 * self.config.dim

    def elaborate(self, platform):
        m = Module()
        if self.config.dw_lines:
            self._steps(m)
        self._weights(m)
        self._mesh(m)
        self._results(m)
        return m

    def _weights(self, m: Module):
        """When a complete tile moves to the waiting registers, and when an input may take it."""
        arrived = Signal()  # a whole tile stands in the mesh
        waiting = Signal()  # a tile stands in the waiting registers
        passing = Signal(range(self.config.dim))  # cycles until the last swap left the bottom row
        self.capture = Signal()
        self.shift = Signal()
        self.swap = Signal()
        needs = self.inputs.p.swap
        captures, may = arrived & ~waiting & (passing == 0), ~needs | waiting
        if self.config.dw_lines:
            captures, may = self._step_weights(m, captures, may)
        m.d.comb += [
            self.capture.eq(captures),
            self.weights.ready.eq(~arrived | self.capture),
            self.shift.eq(self.weights.valid & self.weights.ready),
            self.inputs.ready.eq(may),
            self.swap.eq(self.inputs.valid & self.inputs.ready & needs),
        ]
        with m.If(self.capture):
            m.d.sync += [arrived.eq(0), waiting.eq(1)]
        with m.If(self.shift & self.weights.p.last):
            m.d.sync += arrived.eq(1)
        with m.If(self.swap):
            m.d.sync += [waiting.eq(0), passing.eq(self.config.dim - 2)]
        with m.Elif(passing != 0):
            m.d.sync += passing.eq(passing - 1)

    def _mesh(self, m: Module):
        dim = self.config.dim
        element, weight = shape_of(self.config.input), shape_of(self.config.weight)
        steps = self.config.dw_lines > 0
        m.submodules.skew_a = skew_a = Skew(element, dim, first=0 if steps else 1)
        m.submodules.skew_d = skew_d = Skew(element, dim, first=1)
        m.submodules.skew_w = skew_w = Skew(weight, dim)
        m.submodules.skew_control = control = Skew(data.StructLayout({"s": 1, "c": 1}), dim)
        m.d.comb += [
            skew_a.i.eq(self.inputs.p.a),
            skew_d.i.eq(self.inputs.p.d),
            skew_w.i.eq(self.weights.p.lanes),
        ]
        self.bottom = Signal(data.ArrayLayout(shape_of(self.config.accumulator), dim))
        grid = [[PE(self.config) for _ in range(dim)] for _ in range(dim)]
        entries = self._step_elements(m, grid, skew_a, skew_d) if steps else skew_a.o
        for row, pes in enumerate(grid):
            for col, pe in enumerate(pes):
                m.submodules[f"pe_{row}_{col}"] = pe
                above = grid[row - 1][col] if row else None
                left = pes[col - 1] if col else None
                m.d.comb += [
                    pe.shift.eq(control.o[col].s),
                    pe.capture.eq(control.o[col].c),
                    pe.w_in.eq(above.w_out if row else skew_w.o[col]),
                    pe.sum_in.eq(above.sum_out if row else skew_d.o[col]),
                    pe.a_in.eq(left.a_out if col else entries[row]),
                ]
                if col or row:
                    m.d.comb += pe.swap_in.eq(left.swap_out if col else above.swap_out)
                else:
                    m.d.comb += pe.swap_in.eq(
                        self.swap & ~self.inputs.p.step if steps else self.swap
                    )
        for col in range(dim):
            m.d.comb += [
                control.i[col].s.eq(self.shift),
                control.i[col].c.eq(self.capture),
                self.bottom[col].eq(grid[-1][col].sum_out),
            ]

    def _results(self, m: Module):
        """De-skew, and the tags that wait beside the mesh."""
        dim = self.config.dim
        m.submodules.deskew = deskew = Skew(shape_of(self.config.accumulator), dim, reverse=True)
        m.submodules.tags = tags = Queue(self.tag_shape, self.latency + 1)
        valid = Signal(self.latency)
        accepted = tagged = self.inputs.valid & self.inputs.ready
        lanes, leaves = deskew.o, valid[-1]
        if self.config.dw_lines:
            step, wanted = self.inputs.p.step, self.inputs.p.wanted
            accepted, tagged = accepted & ~step, accepted & (~step | wanted)
            lanes = Mux(self.stepping, self.below.as_value(), deskew.o.as_value())
            leaves = Mux(self.stepping, self.lines.valid, leaves)
            m.d.comb += self.empty.eq(valid == 0)
        m.d.sync += valid.eq((valid << 1) | accepted)
        m.d.comb += [
            deskew.i.eq(self.bottom),
            self.results.p.lanes.eq(lanes),
            self.results.p.tag.eq(tags.o.payload),
            self.results.valid.eq(leaves),
            tags.i.payload.eq(self.inputs.p.tag),
            tags.i.valid.eq(tagged),
            tags.o.ready.eq(leaves),
        ]

    # Steps

    def _steps(self, m: Module):
        """Whether the mesh takes steps or rows: it changes when it is empty."""
        m.submodules.lines = self.lines = lines = LineSteps(self.config)
        row = self.inputs.p
        self.stepping = Signal()
        self.empty = Signal()  # of rows
        with m.If(self.inputs.valid & Mux(self.stepping, lines.idle, self.empty)):
            m.d.sync += self.stepping.eq(row.step)
        m.d.comb += [
            lines.step.valid.eq(self.inputs.valid & self.inputs.ready & row.step),
            lines.step.p.swap.eq(row.swap),
            lines.step.p.wanted.eq(row.wanted),
            lines.step.p.end.eq(row.end),
        ]
        for name, pixels in zip("adx", lines.step.p.lines, strict=False):
            m.d.comb += pixels.eq(row[name])

    def _step_weights(self, m: Module, captures, may):
        """When a tile may be captured and an input be taken, with steps: they take the weights
        of all columns at once, so these must have been captured in all columns."""
        settling = Signal(range(self.config.dim))
        with m.If(self.capture):
            m.d.sync += settling.eq(self.config.dim - 2)
        with m.Elif(settling != 0):
            m.d.sync += settling.eq(settling - 1)
        step, swap = self.inputs.p.step, self.inputs.p.swap
        unsettled = step & swap & (settling != 0)
        return captures & ~self.lines.swapping, may & ~unsettled & (step == self.stepping)

    def _step_elements(self, m: Module, grid, skew_a: Skew, skew_d: Skew):
        """Connect the lines to the rows that they feed; returns what enters column 0."""
        lines, high = self.lines, TAPS * self.config.dw_lines
        entries = [Signal.like(element, name=f"entry{n}") for n, element in enumerate(skew_a.o)]
        rows = self.inputs.valid & self.inputs.ready & ~self.inputs.p.step
        with m.If(~rows):  # the sums of steps start at zero
            m.d.comb += skew_d.i.eq(0)
        for row, pes in enumerate(grid):
            line = min(row // TAPS, self.config.dw_lines - 1)
            stepping = self.stepping if row < high else 0
            entry = Mux(stepping, lines.lanes[line][0], skew_a.o[row])
            m.d.sync += entries[row].eq(entry)
            for col, pe in enumerate(pes):
                m.d.comb += [
                    pe.swap_now.eq(lines.swap[line]),
                    pe.line.eq(stepping),
                    pe.a_line.eq(lines.lanes[line][min(col + 1, self.config.dim - 1)]),
                    pe.hold.eq(stepping & lines.hold),
                ]
        self.below = Signal(data.ArrayLayout(shape_of(self.config.accumulator), self.config.dim))
        m.d.comb += [self.below[n].eq(pe.sum_out) for n, pe in enumerate(grid[high - 1])]
        return entries
