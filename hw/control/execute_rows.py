"""Execute's way of the operands by themselves: rows of A, D and of depthwise lines, in order."""

from functools import reduce
from operator import and_

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..array.transposer import Turner
from ..bus.stream import Queue
from ..config import Config
from ..memory.local import SpReadPort, sp_row
from .execute_weights import ROWS_AHEAD
from .ops import LINE_MOST, ExecuteOp, shape_of

OPS_AHEAD = 4
"""Ops inside execute: what they read is fetched while earlier ops stream."""


def alone(config: Config) -> bool:
    """Whether operands are fetched by themselves: lines, and A with its scales, so that they run
    side by side although they lie in the same bank, and tiles to transpose, because all of their
    rows come first."""
    return config.transposes or config.dw_lines > 0 or config.row_scales > 0


class RowsOp(data.StructLayout):
    """`rows` rows from `row` on, `stride` apart; with `turn` so many columns of `cols` rows."""

    def __init__(self, config: Config):
        super().__init__(
            {
                "row": config.sp_row_bits,
                "stride": 16,
                "rows": range((LINE_MOST if config.dw_lines else config.dim) + 1),
                "cols": range(config.dim + 1),
                "turn": 1,
            }
        )


class RowFetch(wiring.Component):
    """Brings rows, one per cycle. With `turns`, those of an op with `turn` pass a transposer: in
    `dim` cycles, and `dim` + 3 cycles later.

    Members
    -------
    op : In(stream(RowsOp))
        With at least one row, and one column.
    port : Out(SpReadPort)
    o : Out(stream(sp_row))
        `rows` rows for each op, in order.
    """

    def __init__(self, config: Config, *, turns: bool):
        self.config = config
        self.turns = turns
        super().__init__(
            {
                "op": In(stream.Signature(RowsOp(config))),
                "port": Out(SpReadPort(config)),
                "o": Out(stream.Signature(sp_row(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        op, request = self.op.p, self.port.request
        done, row, following = Signal.like(op.rows), Signal.like(op.row), Signal.like(op.row)
        last, taken = Signal(), Signal()
        m.d.comb += [
            row.eq(Mux(done == 0, op.row, following)),
            request.payload.eq(row),
            self.op.ready.eq(taken & last),
        ]
        with m.If(taken):
            m.d.sync += [done.eq(Mux(last, 0, done + 1)), following.eq(row + op.stride)]
        if self.turns:
            self._turn(m, done, last, taken)
        else:
            m.d.comb += [
                last.eq(done + 1 == op.rows),
                request.valid.eq(self.op.valid),
                taken.eq(request.valid & request.ready),
            ]
            connect(m, flipped(self.port.data), flipped(self.o))
        return m

    def _turn(self, m: Module, done, last, taken):
        """Rows pass the transposer; those of a tile that A does not have are not read."""
        dim, op, request = self.config.dim, self.op.p, self.port.request
        layout = data.StructLayout({"read": 1, "turn": 1, "count": range(dim + 1)})
        m.submodules.rows = rows = Queue(layout, ROWS_AHEAD)
        m.submodules.turner = turner = Turner(shape_of(self.config.input), dim)
        read = Signal()
        fire = turner.i.valid & turner.i.ready
        m.d.comb += [
            read.eq(~op.turn | (done < op.cols)),
            last.eq(done + 1 == Mux(op.turn, dim, op.rows)),
            request.valid.eq(self.op.valid & rows.i.ready & read),
            taken.eq(self.op.valid & rows.i.ready & (~read | request.ready)),
            rows.i.valid.eq(taken),
            rows.i.p.read.eq(read),
            rows.i.p.turn.eq(op.turn),
            rows.i.p.count.eq(op.rows),
            turner.i.valid.eq(rows.o.valid & (~rows.o.p.read | self.port.data.valid)),
            turner.i.p.lanes.eq(self.port.data.payload.as_value()),
            turner.i.p.turn.eq(rows.o.p.turn),
            turner.i.p.count.eq(rows.o.p.count),
            rows.o.ready.eq(fire),
            self.port.data.ready.eq(fire & rows.o.p.read),
            self.o.valid.eq(turner.o.valid),
            self.o.payload.eq(turner.o.p.lanes.as_value()),
            turner.o.ready.eq(self.o.ready),
        ]


class Operands(wiring.Component):
    """Splits ops into the rows of A, of D (or the second line), and of the third line.

    Members
    -------
    op : In(stream(ExecuteOp))
    a, d, x : Out(SpReadPort)
    a_rows, d_rows, x_rows : Out(stream(sp_row))
        Every row that an op uses, in order; `x` only if there are three lines.
    """

    def __init__(self, config: Config):
        self.config = config
        self.names = "adx" if config.dw_lines > 2 else "ad"
        members = {"op": In(stream.Signature(ExecuteOp(config)))}
        for name in self.names:
            members[name] = Out(SpReadPort(config))
            members[f"{name}_rows"] = Out(stream.Signature(sp_row(config)))
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        config = self.config
        queues = []
        for name in self.names:
            job, uses = self._job(name), Signal(name=f"uses_{name}")
            m.submodules[f"{name}_ops"] = ops = Queue(RowsOp(config), OPS_AHEAD)
            turns = config.transposes and name == "a"
            m.submodules[f"{name}_fetch"] = fetch = RowFetch(config, turns=turns)
            m.d.comb += [ops.i.p[field].eq(value) for field, value in job.items()]
            m.d.comb += uses.eq((ops.i.p.rows != 0) & (ops.i.p.cols != 0))
            connect(m, ops.o, fetch.op)
            connect(m, fetch.port, flipped(getattr(self, name)))
            connect(m, fetch.o, flipped(getattr(self, f"{name}_rows")))
            queues.append((ops.i, uses))
        room = [queue.ready | ~uses for queue, uses in queues]
        m.d.comb += self.op.ready.eq(reduce(and_, room))
        for queue, uses in queues:
            m.d.comb += queue.valid.eq(self.op.valid & self.op.ready & uses)
        return m

    def _job(self, name: str) -> dict:
        """The rows that an op wants of one operand: one assignment each, as Verilator wants it."""
        config, op = self.config, self.op.p
        count = op.rows if config.output_stationary else op.c_rows
        line = "adx".index(name)
        rows, cols = Const(0), Const(config.dim)
        if name != "x":
            rows = op[f"{name}_rows"]
            cols = Const(1) if name == "d" and config.row_scales else op[f"{name}_cols"]
            rows = Mux(rows < count, rows, count)
        if config.dw_lines:
            seen = op.lines[line] if line < config.dw_lines else 0
            rows, cols = Mux(op.dw, Mux(seen, op.a_rows, 0), rows), Mux(op.dw, config.dim, cols)
        turns = config.transposes and name == "a"
        return {
            "row": op[f"{name}_row"],
            "stride": op.a_stride if name == "a" else 1,
            "rows": rows,
            "cols": cols,
            "turn": op.a_turn if turns else 0,
        }
