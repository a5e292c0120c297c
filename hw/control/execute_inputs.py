"""Execute's way of the inputs: rows of A and D, joined, from the scratchpad to the array."""

from functools import reduce
from operator import and_

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..array.port import InputRow
from ..bus.stream import Queue, QuickQueue
from ..config import Config
from ..memory.local import SpReadPort, registered, sp_row, write_latency
from ..register import data_register
from .execute_blocks import one_of
from .execute_issue import Issue
from .execute_results import TILE_DISTANCE, ResultTag, tagged
from .execute_rows import alone
from .execute_walk import InputWalk
from .execute_weights import ROWS_AHEAD, keep, masked
from .ops import LINE_MOST, ExecuteOp

FILTER = 2
"""Steps of a depthwise line before its first result."""


class InputFetch(wiring.Component):
    """Brings the rows of A and D together and hands them to the array, one per cycle.

    Two results for the same row of the accumulator memory are kept `write_latency` cycles apart,
    as its read-add-write pipeline wants it. An op that writes nothing sends one row all the same:
    it takes the weights along (or takes note of a table) and keeps the ops in order.

    An op with `dw` sends steps: one per pixel that its outputs need, padding included, and two
    more. Its lines come through `a`, `d` and `x`.

    Members
    -------
    op : In(stream(ExecuteOp))
    a, d : Out(SpReadPort); if operands come by themselves (:func:`.execute_rows.alone`)
        In(stream(sp_row))
    x : In(stream(sp_row)), if there are three lines
    inputs : Out(stream(InputRow))
        From registers, without asking whether it is ready, where registers stand around the array.
    waiting : In(1)
        As the array has it; there.
    enters, waits : Out(1)
        A row enters the array (or that register); one stands ready and its weights do not.
    busy, held : Out(1)
        Rows are on their way; the elements of one stand ready, but not yet its row of C.
    """

    def __init__(self, config: Config):
        self.config = config
        size, kind = range(config.dim + 1), "cols"
        if registered(config):
            size, kind = config.dim, "mask"
        fields = {"use_a": 1, "use_d": 1, f"a_{kind}": size, f"d_{kind}": size, "swap": 1}
        fields |= {"tag": ResultTag(config)}
        if config.dw_lines:
            fields |= {"step": 1, "wanted": 1, "end": 1}
        if config.dw_lines > 2:
            fields |= {"use_x": 1}
        if config.stochastic:
            fields |= {"reseed": 1, "seed": 32}
        if config.weight_table:
            fields |= {"table": 1}
        self.row_layout = data.StructLayout(fields)
        rows = In(stream.Signature(sp_row(config)))
        operand = rows if alone(config) else Out(SpReadPort(config))
        x = {"x": rows} if config.dw_lines > 2 else {}
        super().__init__(
            {
                "op": In(stream.Signature(ExecuteOp(config))),
                "a": operand,
                "d": operand,
                "inputs": Out(stream.Signature(InputRow(config, ResultTag(config)))),
                "waiting": In(1),
                "enters": Out(1),
                "waits": Out(1),
                "busy": Out(1),
                "held": Out(1),
            }
            | x
        )

    def elaborate(self, platform):
        m = Module()
        kind = QuickQueue if registered(self.config) else Queue
        m.submodules.rows = self.rows = kind(self.row_layout, ROWS_AHEAD)
        if registered(self.config):
            self._at_registers(m)
        else:
            self._ask(m)
            self._feed(m, self._distance(m))
            m.d.comb += self.busy.eq(self.op.valid | (self.rows.level != 0))
        return m

    def _at_registers(self, m: Module):
        """The same with components that begin and end at registers."""
        m.submodules.walk = walk = InputWalk(self.config, self.row_layout)
        m.submodules.issue = issue = Issue(self.config, self.row_layout)
        wiring.connect(m, wiring.flipped(self.op), walk.op)
        wiring.connect(m, walk.a, wiring.flipped(self.a.request))
        wiring.connect(m, walk.d, wiring.flipped(self.d.request))
        wiring.connect(m, walk.rows, self.rows.i)
        wiring.connect(m, self.rows.o, issue.i)
        self._go(m, issue)
        m.d.comb += self.busy.eq(walk.busy | self.rows.o.valid | issue.busy)

    def _go(self, m: Module, issue):
        """Rows that may enter the array a cycle later do so, through registers without enables."""
        row, a, d, inputs = issue.o.p, self.a.data, self.d.data, self.inputs
        present, may = Signal(), Signal()
        swaps = inputs.valid & inputs.p.swap  # the tile that waits is not there for another row
        m.d.comb += [
            present.eq(issue.o.valid & (~row.use_a | a.valid) & (~row.use_d | d.valid)),
            may.eq(~row.swap | (self.waiting & ~swaps)),
            self.held.eq(present & issue.held),
            self.waits.eq(present & ~issue.held & ~may),
            self.enters.eq(present & ~issue.held & may),
            issue.o.ready.eq(self.enters),
            a.ready.eq(self.enters & row.use_a),
            d.ready.eq(self.enters & row.use_d),
        ]
        entering = data_register(m, inputs.payload, "entering")
        m.d.sync += [
            inputs.valid.eq(self.enters),
            entering.a.eq(masked(a.payload, row.a_mask)),
            entering.d.eq(masked(d.payload, row.d_mask)),
            entering.swap.eq(row.swap),
            entering.tag.eq(row.tag),
        ]

    def _ask(self, m: Module):
        """Walk through the op's rows: ask for A and D, and note what is to come."""
        config, op, row = self.config, self.op.p, self.rows.i.p
        count = op.rows if config.output_stationary else op.c_rows
        index = Signal(range((LINE_MOST if config.dw_lines else config.dim) + 1))
        first, last = Signal(), Signal()
        a_next, c_next = Signal.like(op.a_row), Signal.like(op.c_row)
        a_row, c_row = Signal.like(op.a_row), Signal.like(op.c_row)
        direct = {"a": (self.a, row.use_a), "d": (self.d, row.use_d)}
        direct = {} if alone(config) else direct
        sent = {name: Signal(name=f"{name}_sent") for name in direct}
        met = []
        m.d.comb += [
            first.eq(index == 0),
            last.eq(index + 1 >= count),
            a_row.eq(Mux(first, op.a_row, a_next)),
            c_row.eq(Mux(first, op.c_row, c_next)),
            row.use_a.eq((index < op.a_rows) & (op.a_cols != 0) & (count != 0)),
            row.use_d.eq((index < op.d_rows) & (op.d_cols != 0) & (count != 0)),
            row.a_cols.eq(op.a_cols),
            row.d_cols.eq(op.d_cols),
            row.swap.eq(first & op.load_weights),
            *tagged(config, row.tag, op, c_row, last, count),
        ]
        if config.input_block:
            m.d.comb += row.use_d.eq((index < op.d_rows) & (count != 0))
        if config.weight_block:
            m.d.comb += row.tag.swap.eq(row.swap)
        if config.stochastic:
            reseed = first & op.reseed & (op.c_rows != 0)
            m.d.comb += [row.reseed.eq(reseed), row.seed.eq(op.seed)]
        if config.weight_table:
            m.d.comb += row.table.eq(op.table)
            with m.If(op.table):
                m.d.comb += row.swap.eq(0)
        if direct:
            m.d.comb += self.a.request.payload.eq(a_row)
            m.d.comb += self.d.request.payload.eq(op.d_row + index)
        if config.output_stationary:
            m.d.comb += [
                row.tag.write.eq(index < op.c_rows),
                row.tag.index.eq(index),
                row.tag.os.eq(op.os),
                row.tag.add.eq(op.add),
                row.tag.shift.eq(op.shift),
            ]
        for name, (port, use) in direct.items():
            request = port.request
            m.d.comb += request.valid.eq(self.op.valid & use & ~sent[name] & self.rows.i.ready)
            met.append(~use | sent[name] | (request.valid & request.ready))
            with m.If(request.valid & request.ready):
                m.d.sync += sent[name].eq(1)
        m.d.comb += [
            self.rows.i.valid.eq(reduce(and_, met, self.op.valid)),
            self.op.ready.eq(self.rows.i.valid & self.rows.i.ready & last),
        ]
        with m.If(self.rows.i.valid & self.rows.i.ready):
            m.d.sync += [done.eq(0) for done in sent.values()]
            m.d.sync += [
                index.eq(Mux(last, 0, index + 1)),
                a_next.eq(a_row + op.a_stride),
                c_next.eq(c_row + op.c_stride),
            ]
        if config.dw_lines:
            self._line(m, index, last, c_row, c_next)

    def _line(self, m: Module, index, last, c_row, c_next):
        """The same for a depthwise line, whose `index` counts outputs.

        Steps follow one another faster than the accumulator memory may add to one row only where
        an op begins with the row with which the one before ended: then there is a step more.
        """
        op, row = self.op.p, self.rows.i.p
        pixel, before, phase = Signal.like(op.a_rows), Signal(5), Signal(range(8))
        ended = Signal(data.StructLayout({"valid": 1, "row": c_row.shape()}))
        again, inside, wanted = Signal(), Signal(), Signal()
        m.d.comb += [
            again.eq(ended.valid & op.c_accumulate & (ended.row == op.c_row)),
            inside.eq((before == op.left + again) & (pixel < op.a_rows)),
            wanted.eq(phase == Mux(index == 0, FILTER + again, op.step - 1)),
            row.step.eq(op.dw),
            row.wanted.eq(wanted),
            row.end.eq(last),
        ]
        moves = self.rows.i.valid & self.rows.i.ready
        with m.If(op.dw):
            m.d.comb += [
                last.eq(wanted & (index + 1 == op.c_rows)),
                row.use_a.eq(inside & op.lines[0]),
                row.use_d.eq(inside & op.lines[1:2].any()),
                row.swap.eq((index == 0) & (phase == 0) & op.load_weights),
                row.tag.write.eq(wanted),
                row.tag.whole.eq(0),
            ]
            if self.config.dw_lines > 2:
                m.d.comb += row.use_x.eq(inside & op.lines[2])
        with m.If(moves & op.dw):
            m.d.sync += [
                index.eq(Mux(last, 0, index + wanted)),
                phase.eq(Mux(wanted, 0, phase + 1)),
                pixel.eq(Mux(last, 0, pixel + inside)),
                before.eq(Mux(last, 0, before + (before != op.left + again))),
            ]
            with m.If(last):
                m.d.sync += [ended.valid.eq(op.c_acc), ended.row.eq(c_row)]
            with m.If(~wanted):
                m.d.sync += c_next.eq(c_next)
        with m.Elif(moves):
            m.d.sync += ended.valid.eq(0)

    def _distance(self, m: Module):
        """Whether the oldest row's C row may not be touched again."""
        row, config = self.rows.o.p, self.config
        fields = {"valid": 1, "row": row.tag.row.shape()}
        if config.output_stationary:
            fields |= {"os": 1, "index": row.tag.index.shape()}
        recent = [
            Signal(data.StructLayout(fields), name=f"recent{n}")
            for n in range(write_latency(config) - 1)
        ]
        clash, fire = Signal(), self.rows.o.valid & self.rows.o.ready
        holds = clash & row.tag.accumulate & row.tag.acc
        if config.output_stationary:
            near = [old.os & (old.index == row.tag.index) for old in recent[: TILE_DISTANCE - 1]]
            holds = holds | (row.tag.os & row.tag.add & Cat(near).any())
        m.d.comb += clash.eq(Cat(old.valid & (old.row == row.tag.row) for old in recent).any())
        m.d.sync += [
            recent[0].valid.eq(fire & row.tag.write & row.tag.acc),
            recent[0].row.eq(row.tag.row),
        ]
        if config.output_stationary:
            m.d.sync += [
                recent[0].os.eq(fire & row.tag.os),
                recent[0].index.eq(row.tag.index),
            ]
        m.d.sync += [new.eq(old) for old, new in zip(recent, recent[1:], strict=False)]
        return holds

    def _feed(self, m: Module, holds):
        """Join the elements of a row and send it when its C row may be touched again."""
        rows, row, config, dim = self.rows.o, self.rows.o.p, self.config, self.config.dim
        a, d = (self.a, self.d) if alone(config) else (self.a.data, self.d.data)
        fire, present = Signal(), Signal()
        m.d.comb += [
            present.eq(rows.valid & (~row.use_a | a.valid) & (~row.use_d | d.valid)),
            self.inputs.valid.eq(present & ~holds),
            self.held.eq(present & holds),
            fire.eq(self.inputs.valid & self.inputs.ready),
            self.enters.eq(fire),
            self.waits.eq(self.inputs.valid & ~self.inputs.ready),
            self.inputs.p.swap.eq(row.swap),
            self.inputs.p.tag.eq(row.tag),
            rows.ready.eq(fire),
            a.ready.eq(fire & row.use_a),
            d.ready.eq(fire & row.use_d),
        ]
        elements = keep(a.payload, Mux(row.use_a, row.a_cols, 0), dim)
        m.d.comb += [self.inputs.p.a.eq(elements), *self._second(row, d.payload)]
        if config.stochastic:
            m.d.comb += [
                self.inputs.p.draws.eq(row.tag.write),
                self.inputs.p.reseed.eq(row.reseed),
                self.inputs.p.seed.eq(row.seed),
            ]
        if config.weight_table:
            m.d.comb += self.inputs.p.table.eq(row.table)
        if config.dw_lines:
            self._feed_line(m, fire, present)

    def _second(self, row, lanes):
        """What D is: rows to start from, or the scales of A's rows, which go into the tag."""
        block, inputs = self.config.input_block, self.inputs.p
        if block is None:
            return [inputs.d.eq(keep(lanes, Mux(row.use_d, row.d_cols, 0), self.config.dim))]
        scale = lanes.as_value().word_select(row.d_cols, block.scale.width)
        return [inputs.tag.scale.eq(Mux(row.use_d, scale, one_of(block.scale)))]

    def _feed_line(self, m: Module, fire, present):
        """What a step has more than a row."""
        row, inputs = self.rows.o.p, self.inputs.p
        m.d.comb += [
            inputs.step.eq(row.step),
            inputs.wanted.eq(row.wanted),
            inputs.end.eq(row.end),
        ]
        if self.config.dw_lines > 2:
            line = self.x
            with m.If(row.use_x & ~line.valid):
                m.d.comb += present.eq(0)
            m.d.comb += [
                inputs.x.eq(
                    keep(line.payload, Mux(row.use_x, self.config.dim, 0), self.config.dim)
                ),
                line.ready.eq(fire & row.use_x),
            ]
