"""The weight-stationary systolic mesh."""

from amaranth.hdl import Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import data, wiring

from ..arith.widen import Widen
from ..bus.stream import Queue, Stage, behind
from ..config import Config
from ..control.ops import shape_of
from ..formats import Int
from ..formats.draws import WORD
from ..memory.local import registered
from ..register import data_register
from .draws import Generators
from .lines import TAPS, LineSteps
from .pair import Pair
from .pe import PE, clears, mac_of
from .port import ArrayPort
from .register import own_register
from .skew import Skew
from .weight_table import WeightTable

ROWS = 4
"""Rows that one register steers: in a large array, all of a column are too far apart."""


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

    Sums are formed in ascending k from D, as the accumulator's format does it. Lanes are decoded
    as they enter, results become codes as they leave; a tile of fewer than `dim` weight rows has
    zeros in the others (integers: anything, their inputs are zeros). One input row per cycle;
    `latency` cycles from an accepted input to its result. Everything that goes down, weights and
    their control too, takes `Mac.hop` cycles per row. While one tile is at work, a
    second waits and a third may be on its way down, so that tiles of `dim` weight rows follow
    one another every `dim` cycles without a gap.

    With `Config.weight_table`, weights are looked up where they enter (:class:`.WeightTable`).

    With `Config.depthwise`, steps (see :class:`InputRow`) move all columns together, one step per
    cycle at best (see :class:`LineSteps`). The mesh runs empty before it changes from rows to
    steps or back.

    Members: see :class:`ArrayPort`.
    """

    def __init__(self, config: Config, tag_shape: ShapeLike):
        self.config = config
        self.tag_shape = tag_shape
        self.mac = mac_of(config)
        self.together = config.products_per_dsp  # columns with one time
        super().__init__(ArrayPort(config, tag_shape))

    @property
    def latency(self) -> int:
        """Cycles from the acceptance of an input row to its result."""
        return self.config.dim * (self.mac.hop + 1) + self.mac.before

    def elaborate(self, platform):
        m = Module()
        self.elements = {}  # decoded, by line and lane
        if self.config.dw_lines:
            self._steps(m)
        self._weights(m)
        self._mesh(m, platform)
        self._results(m)
        return m

    def _weights(self, m: Module):
        """When a complete tile moves to the waiting registers, and when an input may take it."""
        arrived = Signal()  # a whole tile stands in the mesh
        waiting = Signal()  # a tile stands in the waiting registers
        passing = Signal(range(self.config.dim))  # cycles until the last swap left the bottom row
        passed = Signal(init=1)  # there are none: a register, the capture goes to all rows at once
        self.capture = Signal()
        self.shift = Signal()
        self.swap = Signal()
        needs = self.inputs.p.swap
        captures, may = arrived & ~waiting & passed, ~needs | waiting
        room, taken = ~arrived | self.capture, self.weights.valid & self.weights.ready
        if self.config.dw_lines:
            captures, may = self._step_weights(m, captures, may)
        if self.config.weight_table:
            room, taken, may = self._load_table(m, room, taken, may)
        m.d.comb += [
            self.capture.eq(captures),
            self.waiting.eq(waiting),
            self.captured.eq(captures),
            self.weights.ready.eq(room),
            self.shift.eq(taken),
            self.inputs.ready.eq(may),
            self.swap.eq(self.inputs.valid & self.inputs.ready & needs),
        ]
        with m.If(self.capture):
            m.d.sync += [arrived.eq(0), waiting.eq(1)]
        with m.If(self.shift & self.weights.p.last):
            m.d.sync += arrived.eq(1)
        with m.If(self.swap):
            left = self.config.dim - 2
            m.d.sync += [waiting.eq(0), passing.eq(left), passed.eq(left == 0)]
        with m.Elif(~passed):
            m.d.sync += [passing.eq(passing - 1), passed.eq(passing == 1)]

    def _mesh(self, m: Module, platform):
        dim, mac, steps = self.config.dim, self.mac, self.config.dw_lines > 0
        first = 0 if steps else 1
        m.submodules.skew_a = skew_a = Skew(mac.input_layout, dim, first, step=mac.hop)
        m.submodules.skew_w = skew_w = Skew(mac.weight_layout, dim, together=self.together)
        for lane in range(dim):
            m.d.comb += [
                skew_a.i[lane].eq(self._decoded(m, "a", lane)),
                skew_w.i[lane].eq(self._weight(m, lane)),
            ]
        self.grid = grid = [self._row(m, row) for row in range(dim)]
        top = self._tops(m)
        entries = self._step_elements(m, skew_a) if steps else skew_a.o
        control = self._control(m, platform)
        words = self._words(m) if self.config.stochastic else []
        for row, pes in enumerate(grid):
            for col, pe in enumerate(pes):
                above = grid[row - 1][col] if row else None
                left = pes[col - 1] if col else None
                steer = control[row][skew_w.delay(col) + row * (mac.hop - 1)]
                w_in, swap = skew_w.o[col], self.swap
                if row:
                    w_in = self._late(m, f"w_{row}_{col}", above.w_out)
                    swap = None if col else self._late(m, f"swap_{row}", above.swap_out)
                elif steps:
                    swap = self.swap & ~self.inputs.p.step
                m.d.comb += [
                    pe.shift.eq(steer.shift),
                    pe.capture.eq(steer.capture),
                    pe.w_in.eq(w_in),
                    pe.sum_in.eq(above.sum_out if row else top[col]),
                    pe.a_in.eq(left.a_out if col else entries[row]),
                    pe.swap_in.eq(left.swap_out if col else swap),
                ]
                if words:
                    m.d.comb += pe.random_in.eq(left.random_out if col else words[row])
                if clears(self.config):
                    m.d.comb += pe.clear.eq(steer.first if row else 0)
        self.bottom = Signal(data.ArrayLayout(mac.sum_layout, dim))
        m.d.comb += [self.bottom[col].eq(pe.sum_out) for col, pe in enumerate(grid[-1])]

    def _row(self, m: Module, row: int) -> list:
        """Elements of a row, alone or in pairs."""
        dim, pes = self.config.dim, []
        for col in range(0, dim, self.together):
            pe = Pair(self.config) if self.together > 1 else PE(self.config, row + col * dim)
            m.submodules[f"pe_{row}_{col}"] = pe
            pes += pe.columns if self.together > 1 else [pe]
        return pes

    def _load_table(self, m: Module, room, taken, may):
        """Rows of a table go by the mesh: when a row of weights and an input may be taken."""
        m.submodules.table = self.table = WeightTable(self.config, self.mac.operands[1])
        row, loaded = self.weights.p, Signal()  # a table that no input has taken note of
        m.d.comb += [
            self.table.lanes.eq(row.lanes),
            self.table.write.eq(self.weights.valid & row.table & ~loaded),
            self.table.last.eq(row.last),
        ]
        with m.If(self.table.taken & row.last):
            m.d.sync += loaded.eq(1)
        with m.If(self.inputs.valid & self.inputs.ready & self.inputs.p.table):
            m.d.sync += loaded.eq(0)
        room = Mux(row.table, self.table.taken, room & self.table.ready)
        return room, taken & ~row.table, may & (~self.inputs.p.table | loaded)

    def _weight(self, m: Module, lane: int):
        """A lane of a row of weights, decoded."""
        row = self.weights.p
        if not self.config.weight_table:
            return self._decode(m, "w", lane, row.lanes[lane])
        return Mux(row.zero, 0, Value.cast(self.table.o[lane]))

    def _decode(self, m: Module, name: str, lane: int, code):
        """An element or weight as it travels through the mesh."""
        unit = self.mac.decode_weight() if name == "w" else self.mac.decode_input()
        m.submodules[f"decode_{name}{lane}"] = unit
        m.d.comb += unit.i.eq(code)
        return unit.o

    def _decoded(self, m: Module, line: str, lane: int):
        """A lane of a line of the inputs, decoded once."""
        if (line, lane) not in self.elements:
            code = self.inputs.p[line][lane]
            self.elements[line, lane] = self._decode(m, line, lane, code)
        return self.elements[line, lane]

    def _late(self, m: Module, name: str, value):
        """What goes down one row as slowly as the sums do."""
        for step in range(1, self.mac.hop):
            register = Signal.like(value, name=f"{name}_late{step}")
            m.d.sync += register.eq(value)
            value = register
        return value

    def _control(self, m: Module, platform):
        """Shift and capture of the weights, by rows and delay: one cycle per column, and in each
        row as late as sums are late. `ROWS` neighbours have registers of their own."""
        bits = ("shift", "capture", *(("first",) if clears(self.config) else ()))
        layout = data.StructLayout(dict.fromkeys(bits, 1))
        begins, start = Signal(init=1), Signal(layout, name="control")
        with m.If(self.shift):
            m.d.sync += begins.eq(self.weights.p.last)
        m.d.comb += [start.shift.eq(self.shift), start.capture.eq(self.capture)]
        if clears(self.config):
            m.d.comb += start.first.eq(begins & self.shift)
        groups = []
        for group in range(0, self.config.dim, ROWS):
            taps = [start]
            for n in range((self.config.dim - 1) * self.mac.hop):
                tap, name = Signal(layout, name=f"control{group}_{n}"), f"control{group}_{n}"
                for bit in bits:
                    kept = own_register(m, f"{name}_{bit}", taps[-1][bit], platform)
                    m.d.comb += tap[bit].eq(kept)
                taps.append(tap)
            groups += [taps] * ROWS
        return groups

    def _words(self, m: Module):
        """The random words of the rows, in time for their sums."""
        mac, dim, row = self.mac, self.config.dim, self.inputs.p
        m.submodules.draws = draws = Generators(dim)
        m.submodules.skew_draws = skew = Skew(WORD, dim, mac.before + 1, step=mac.hop)
        m.d.comb += [
            draws.taken.eq(self.inputs.valid & self.inputs.ready),
            draws.steps.eq(row.draws),
            draws.reseed.eq(row.reseed),
            draws.seed.eq(row.seed),
            skew.i.eq(draws.words),
        ]
        return skew.o

    def _tops(self, m: Module):
        """The sums that enter the columns: D, converted."""
        mac, dim, steps = self.mac, self.config.dim, self.config.dw_lines > 0
        plain = isinstance(self.config.summed, Int)
        first = mac.before + 1 if plain else mac.before
        m.submodules.skew_d = skew_d = Skew(
            shape_of(self.config.input), dim, first, together=self.together
        )
        m.d.comb += skew_d.i.eq(self.inputs.p.d)
        if steps:  # the sums of steps start at zero
            rows = self.inputs.valid & self.inputs.ready & ~self.inputs.p.step
            with m.If(~rows):
                m.d.comb += skew_d.i.eq(0)
        tops = []
        for lane in range(dim):
            m.submodules[f"enter{lane}"] = enter = mac.enter()
            top = Signal(mac.sum_layout, name=f"top{lane}")
            m.d.comb += enter.i.eq(skew_d.o[lane])
            m.d["comb" if plain else "sync"] += top.eq(enter.o)
            tops.append(top)
        return tops

    def _results(self, m: Module):
        """De-skew, and the tags that wait beside the mesh."""
        dim, total = self.config.dim, self.mac.sum_layout
        m.submodules.deskew = deskew = Skew(total, dim, reverse=True, together=self.together)
        m.submodules.tags = queue = Queue(self.tag_shape, self.latency + 1)
        tag = behind(m, "tag", Stage, queue.o) if registered(self.config) else queue.o
        valid = Signal(self.latency)
        accepted = tagged = self.inputs.valid & self.inputs.ready
        lanes, leaves = Signal(data.ArrayLayout(total, dim)), valid[-1]
        m.d.comb += lanes.eq(deskew.o)
        if self.config.dw_lines:
            step, wanted = self.inputs.p.step, self.inputs.p.wanted
            accepted, tagged = accepted & ~step, accepted & (~step | wanted)
            leaves = Mux(self.stepping, self.summed, leaves)
            m.d.comb += self.empty.eq(valid == 0)
            with m.If(self.stepping):
                m.d.comb += lanes.eq(self.below)
        m.d.sync += valid.eq((valid << 1) | accepted)
        for lane in range(dim):
            m.submodules[f"leave{lane}"] = leave = self.mac.leave()
            m.d.comb += leave.i.eq(lanes[lane])
            if self.config.partial and not self.config.blocks:  # the memory's format
                widen = Widen(self.config.partial, self.config.accumulator).create()
                m.submodules[f"widen{lane}"] = widen
                m.d.comb += widen.i.eq(leave.o)
                leave = widen
            m.d.comb += self.results.p.lanes[lane].eq(leave.o)
        m.d.comb += [
            deskew.i.eq(self.bottom),
            self.results.p.tag.eq(tag.payload),
            self.results.valid.eq(leaves),
            tag.ready.eq(leaves),
        ]
        enters, into = m.d.comb, queue.i.payload
        if registered(self.config):
            enters, into = m.d.sync, data_register(m, into, "tag_in")
        enters += [into.eq(self.inputs.p.tag), queue.i.valid.eq(tagged)]

    # Steps

    def _steps(self, m: Module):
        """Whether the mesh takes steps or rows: it changes when it is empty."""
        m.submodules.lines = self.lines = lines = LineSteps(self.config, self.mac.input_layout)
        row, late = self.inputs.p, Signal(self.mac.before + 1)
        self.stepping = Signal()
        self.empty = Signal()  # of rows
        self.summed = late[-1]
        m.d.comb += late[0].eq(lines.valid)
        m.d.sync += late[1:].eq(late[:-1])
        idle = lines.idle & ~late.any()
        with m.If(self.inputs.valid & Mux(self.stepping, idle, self.empty)):
            m.d.sync += self.stepping.eq(row.step)
        m.d.comb += [
            lines.step.valid.eq(self.inputs.valid & self.inputs.ready & row.step),
            lines.step.p.swap.eq(row.swap),
            lines.step.p.wanted.eq(row.wanted),
            lines.step.p.end.eq(row.end),
        ]
        for name, pixels in zip("adx", lines.step.p.lines, strict=False):
            for lane, pixel in enumerate(pixels):
                m.d.comb += pixel.eq(self._decoded(m, name, lane))

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

    def _step_elements(self, m: Module, skew_a: Skew):
        """Connect the lines to the rows that they feed; returns what enters column 0."""
        lines, high = self.lines, TAPS * self.config.dw_lines
        entries = [Signal.like(element, name=f"entry{n}") for n, element in enumerate(skew_a.o)]
        hold = Signal(self.mac.before + 1)
        m.d.comb += hold[0].eq(lines.hold)
        m.d.sync += hold[1:].eq(hold[:-1])
        for row, pes in enumerate(self.grid):
            line = min(row // TAPS, self.config.dw_lines - 1)
            stepping = self.stepping if row < high else 0
            with m.If(stepping):
                m.d.sync += entries[row].eq(lines.lanes[line][0])
            with m.Else():
                m.d.sync += entries[row].eq(skew_a.o[row])
            for col, pe in enumerate(pes):
                m.d.comb += [
                    pe.swap_now.eq(lines.swap[line]),
                    pe.line.eq(stepping),
                    pe.a_line.eq(lines.lanes[line][min(col + 1, self.config.dim - 1)]),
                    pe.hold.eq(stepping & hold[-1]),
                ]
        self.below = Signal(data.ArrayLayout(self.mac.sum_layout, self.config.dim))
        m.d.comb += [self.below[n].eq(pe.sum_out) for n, pe in enumerate(self.grid[high - 1])]
        return entries
