"""Execute's way of the weights: rows of B from the scratchpad to the array."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..array.pe import clears
from ..array.port import WeightRow
from ..array.transposer import Turner
from ..bus.stream import Queue, QuickQueue
from ..config import Config
from ..memory.local import SpReadPort, registered
from ..register import data_register
from .execute_walk import WeightWalk
from .ops import ExecuteOp, shape_of, weight_rows

ROWS_AHEAD = 8
"""Rows whose elements may be under way from the scratchpad."""


def keep(lanes, count, dim: int):
    """Lanes below `count`; zeros in the others."""
    return Cat(Mux(n < count, lanes[n], Const(0, lanes[n].shape())) for n in range(dim))


def masked(lanes, mask):
    """Lanes of the bits that are set; zeros in the others."""
    return Cat(
        Mux(bit, lane, Const(0, lane.shape())) for bit, lane in zip(mask, lanes, strict=True)
    )


def each(weights, lanes):
    """Statements: weights take the low bits of the elements of a row, lane by lane."""
    size = len(lanes) // len(weights)
    return [weight.eq(lanes.word_select(n, size)) for n, weight in enumerate(weights)]


def weight_ports(config: Config) -> dict:
    """What brings weights to the array has these members."""
    return {
        "op": In(stream.Signature(ExecuteOp(config))),
        "b": Out(SpReadPort(config)),
        "weights": Out(stream.Signature(WeightRow(config))),
        "captured": In(1),
    }


def _mark(config: Config) -> dict:
    """What tells rows of a table from rows of B."""
    return {"table": 1} if config.weight_table else {}


class WeightFetch(wiring.Component):
    """Brings rows k-1 … 0 of B to the array, one per cycle, ahead of the inputs; rows of a table
    in ascending order.

    Members
    -------
    op : In(stream(ExecuteOp))
        Only ops with `load_weights`.
    b : Out(SpReadPort)
    weights : Out(stream(WeightRow))
        From registers, without asking whether it is ready, where registers stand around the array.
    captured : In(1)
        As the array has it; there.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(weight_ports(config))

    def elaborate(self, platform):
        m = Module()
        dim = self.config.dim
        count = {"mask": dim} if registered(self.config) else {"cols": range(dim + 1)}
        layout = count | {"last": 1} | _mark(self.config)
        layout |= {"read": 1} if clears(self.config) else {}
        kind = QuickQueue if registered(self.config) else Queue
        m.submodules.rows = rows = kind(data.StructLayout(layout), ROWS_AHEAD)
        elements, row = self.b.data.payload, rows.o.p
        read = row.read if clears(self.config) else Const(1)
        present, into = rows.o.valid & (self.b.data.valid | ~read), self.weights
        if registered(self.config):
            m.submodules.walk = walk = WeightWalk(self.config, rows.i.payload.shape())
            connect(m, flipped(self.op), walk.op)
            connect(m, walk.b, flipped(self.b.request))
            connect(m, walk.rows, rows.i)
            fire = present & self._room(m, present & row.last)
            sent = data_register(m, into.payload, "sent")
            m.d.sync += [
                into.valid.eq(fire),
                *each(sent.lanes, masked(elements, row.mask)),
                sent.last.eq(row.last),
            ]
        else:
            self._ask(m, rows)
            fire = into.valid & into.ready
            m.d.comb += [
                into.valid.eq(present),
                *each(into.p.lanes, keep(elements, row.cols, dim)),
                into.p.last.eq(row.last),
            ]
        m.d.comb += [rows.o.ready.eq(fire), self.b.data.ready.eq(fire & read)]
        return m

    def _room(self, m: Module, ends):
        """Whether the array takes a row that comes in the next cycle, whatever it is then: it is
        not asked. `ends`: the row is a tile's last."""
        full = Signal()
        with m.If(self.captured):
            m.d.sync += full.eq(0)
        with m.Elif(ends):
            m.d.sync += full.eq(1)
        return ~full

    def _ask(self, m: Module, rows):
        """Walk through the op's rows."""
        op = self.op.p
        done = Signal(weight_rows(self.config))
        last = Signal()
        taken = Signal()
        row, read = op.b_row + op.k - 1 - done, Const(1)
        if clears(self.config):  # no B: a row of zeros
            read = op.b_cols != 0
            m.d.comb += rows.i.p.read.eq(read)
        if self.config.weight_table:
            row = Mux(op.table, op.b_row + done, row)
            m.d.comb += [
                rows.i.p.table.eq(op.table),
                self.weights.p.table.eq(rows.o.p.table),
                self.weights.p.zero.eq(rows.o.p.cols == 0),
            ]
        m.d.comb += [
            last.eq(done == op.k - 1),
            self.b.request.payload.eq(row),
            self.b.request.valid.eq(self.op.valid & rows.i.ready & read),
            taken.eq(self.op.valid & rows.i.ready & (~read | self.b.request.ready)),
            rows.i.valid.eq(taken),
            rows.i.p.cols.eq(op.b_cols),
            rows.i.p.last.eq(last),
            self.op.ready.eq(taken & last),
        ]
        with m.If(taken):
            m.d.sync += done.eq(Mux(last, 0, done + 1))


class WeightTiles(wiring.Component):
    """:class:`WeightFetch` for configurations in which rows of B may be zeros or columns.

    Rows of B from `b_rows` on are zeros. B with `b_turn` lies transposed in the scratchpad: its
    `b_cols` rows there pass a transposer, in `dim` cycles, and are `dim` + 3 cycles later.

    Members: those of :class:`WeightFetch`.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(weight_ports(config))

    def elaborate(self, platform):
        m = Module()
        dim, size = self.config.dim, range(self.config.dim + 1)
        op = self.op.p
        turn = op.b_turn if self.config.transposes else Const(0)
        layout = {"cols": size, "last": 1, "read": 1, "turn": 1, "count": size}
        layout |= _mark(self.config)
        m.submodules.rows = rows = Queue(data.StructLayout(layout), ROWS_AHEAD)
        done, row = Signal(weight_rows(self.config)), Signal(weight_rows(self.config))
        last, taken, read = Signal(), Signal(), Signal()
        ascends = turn
        if self.config.weight_table:
            ascends = turn | op.table
            m.d.comb += rows.i.p.table.eq(op.table)
        m.d.comb += [
            row.eq(Mux(ascends, done, op.k - 1 - done)),
            read.eq(row < Mux(turn, op.b_cols, op.b_rows)),
            last.eq(done == Mux(turn, dim, op.k) - 1),
            self.b.request.payload.eq(op.b_row + row),
            self.b.request.valid.eq(self.op.valid & rows.i.ready & read),
            taken.eq(self.op.valid & rows.i.ready & (~read | self.b.request.ready)),
            rows.i.valid.eq(taken),
            rows.i.p.cols.eq(Mux(turn, op.b_rows, op.b_cols)),
            rows.i.p.last.eq(last),
            rows.i.p.read.eq(read),
            rows.i.p.turn.eq(turn),
            rows.i.p.count.eq(op.k),
            self.op.ready.eq(taken & last),
        ]
        with m.If(taken):
            m.d.sync += done.eq(Mux(last, 0, done + 1))
        self._deliver(m, rows.o)
        return m

    def _deliver(self, m: Module, row):
        """Rows as they come, zeros for those that are not read, through the transposer."""
        config, dim = self.config, self.config.dim
        into = self.weights
        if config.transposes:
            element = shape_of(config.input)
            m.submodules.turner = turner = Turner(element, dim, descending=True)
            into = turner.i
            m.d.comb += [
                into.p.turn.eq(row.p.turn),
                into.p.count.eq(row.p.count),
                self.weights.valid.eq(turner.o.valid),
                *each(self.weights.p.lanes, turner.o.p.lanes.as_value()),
                self.weights.p.last.eq(turner.o.p.last),
                turner.o.ready.eq(self.weights.ready),
            ]
        if config.weight_table:
            passes = ~turner.transposer.busy if config.transposes else 1
            m.d.comb += [
                self.weights.p.table.eq(row.p.table & passes),
                self.weights.p.zero.eq((row.p.cols == 0) & passes),
            ]
        fire = into.valid & into.ready
        lanes = keep(self.b.data.payload, Mux(row.p.read, row.p.cols, 0), dim)
        if config.transposes:
            m.d.comb += into.p.lanes.eq(lanes)
        else:
            m.d.comb += each(into.p.lanes, lanes)
        m.d.comb += [
            into.valid.eq(row.valid & (~row.p.read | self.b.data.valid)),
            into.p.last.eq(row.p.last),
            row.ready.eq(fire),
            self.b.data.ready.eq(fire & row.p.read),
        ]
