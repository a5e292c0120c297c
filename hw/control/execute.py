"""Execute: fetches weights, A and D from the scratchpad, feeds the array, delivers C."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..array.port import ArrayPort, InputRow, WeightRow
from ..bus.stream import Queue
from ..config import Config
from ..memory.local import WRITE_LATENCY, AccWrite, SpReadPort, SpWrite
from .ops import ExecuteOp, row_bits

OPS_AHEAD = 4
"""Ops inside execute: their weights are fetched while earlier ops stream."""

ROWS_AHEAD = 8
"""Rows whose elements may be under way from the scratchpad."""


class ResultTag(data.StructLayout):
    """Where a result row goes; travels with it through the array."""

    def __init__(self, config: Config):
        super().__init__(
            {
                "row": row_bits(config),
                "cols": range(config.dim + 1),
                "write": 1,
                "acc": 1,
                "accumulate": 1,
                "relu": 1,
                "last": 1,  # last row of its op
            }
        )


def keep(lanes, count, dim: int):
    """Lanes below `count`; zeros in the others."""
    return Cat(Mux(n < count, lanes[n], Const(0, lanes[n].shape())) for n in range(dim))


class WeightFetch(wiring.Component):
    """Brings rows k-1 … 0 of B to the array, one per cycle, ahead of the inputs.

    Members
    -------
    op : In(stream(ExecuteOp))
        Only ops with `load_weights`.
    b : Out(SpReadPort)
    weights : Out(stream(WeightRow))
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "op": In(stream.Signature(ExecuteOp(config))),
                "b": Out(SpReadPort(config)),
                "weights": Out(stream.Signature(WeightRow(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        dim = self.config.dim
        op = self.op.p
        m.submodules.rows = rows = Queue(
            data.StructLayout({"cols": range(dim + 1), "last": 1}), ROWS_AHEAD
        )
        done = Signal(range(dim + 1))
        last = Signal()
        taken = Signal()
        m.d.comb += [
            last.eq(done == op.k - 1),
            self.b.request.payload.eq(op.b_row + op.k - 1 - done),
            self.b.request.valid.eq(self.op.valid & rows.i.ready),
            taken.eq(self.b.request.valid & self.b.request.ready),
            rows.i.valid.eq(taken),
            rows.i.p.cols.eq(op.b_cols),
            rows.i.p.last.eq(last),
            self.op.ready.eq(taken & last),
        ]
        with m.If(taken):
            m.d.sync += done.eq(Mux(last, 0, done + 1))
        fire = self.weights.valid & self.weights.ready
        m.d.comb += [
            self.weights.valid.eq(rows.o.valid & self.b.data.valid),
            self.weights.p.lanes.eq(keep(self.b.data.payload, rows.o.p.cols, dim)),
            self.weights.p.last.eq(rows.o.p.last),
            rows.o.ready.eq(fire),
            self.b.data.ready.eq(fire),
        ]
        return m


class InputFetch(wiring.Component):
    """Brings the rows of A and D together and hands them to the array, one per cycle.

    Two results for the same row of the accumulator memory are kept `WRITE_LATENCY` cycles apart,
    as its read-add-write pipeline wants it. An op that writes nothing sends one row all the same:
    it takes the weights along and keeps the ops in order.

    Members
    -------
    op : In(stream(ExecuteOp))
    a, d : Out(SpReadPort)
    inputs : Out(stream(InputRow))
    """

    def __init__(self, config: Config):
        self.config = config
        size = range(config.dim + 1)
        self.row_layout = data.StructLayout(
            {
                "use_a": 1,
                "use_d": 1,
                "a_cols": size,
                "d_cols": size,
                "swap": 1,
                "tag": ResultTag(config),
            }
        )
        super().__init__(
            {
                "op": In(stream.Signature(ExecuteOp(config))),
                "a": Out(SpReadPort(config)),
                "d": Out(SpReadPort(config)),
                "inputs": Out(stream.Signature(InputRow(config, ResultTag(config)))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.rows = self.rows = Queue(self.row_layout, ROWS_AHEAD)
        self._ask(m)
        self._feed(m)
        return m

    def _ask(self, m: Module):
        """Walk through the op's rows: ask for A and D, and note what is to come."""
        op, row = self.op.p, self.rows.i.p
        index = Signal(range(self.config.dim + 1))
        first, last = Signal(), Signal()
        a_next, c_next = Signal.like(op.a_row), Signal.like(op.c_row)
        a_row, c_row = Signal.like(op.a_row), Signal.like(op.c_row)
        sent = {name: Signal(name=f"{name}_sent") for name in "ad"}
        met = []
        m.d.comb += [
            first.eq(index == 0),
            last.eq(index + 1 >= op.c_rows),
            a_row.eq(Mux(first, op.a_row, a_next)),
            c_row.eq(Mux(first, op.c_row, c_next)),
            row.use_a.eq((index < op.a_rows) & (op.a_cols != 0) & (op.c_rows != 0)),
            row.use_d.eq((index < op.d_rows) & (op.d_cols != 0) & (op.c_rows != 0)),
            row.a_cols.eq(op.a_cols),
            row.d_cols.eq(op.d_cols),
            row.swap.eq(first & op.load_weights),
            row.tag.row.eq(c_row),
            row.tag.cols.eq(op.c_cols),
            row.tag.write.eq(op.c_rows != 0),
            row.tag.acc.eq(op.c_acc),
            row.tag.accumulate.eq(op.c_accumulate),
            row.tag.relu.eq(op.relu),
            row.tag.last.eq(last),
            self.a.request.payload.eq(a_row),
            self.d.request.payload.eq(op.d_row + index),
        ]
        for name, port, use in (("a", self.a, row.use_a), ("d", self.d, row.use_d)):
            request = port.request
            m.d.comb += request.valid.eq(self.op.valid & use & ~sent[name] & self.rows.i.ready)
            met.append(~use | sent[name] | (request.valid & request.ready))
            with m.If(request.valid & request.ready):
                m.d.sync += sent[name].eq(1)
        m.d.comb += [
            self.rows.i.valid.eq(self.op.valid & met[0] & met[1]),
            self.op.ready.eq(self.rows.i.valid & self.rows.i.ready & last),
        ]
        with m.If(self.rows.i.valid & self.rows.i.ready):
            m.d.sync += [
                sent["a"].eq(0),
                sent["d"].eq(0),
                index.eq(Mux(last, 0, index + 1)),
                a_next.eq(a_row + op.a_stride),
                c_next.eq(c_row + op.c_stride),
            ]

    def _feed(self, m: Module):
        """Join the elements of a row and send it when its C row may be touched again."""
        row, dim = self.rows.o.p, self.config.dim
        recent = [
            Signal(data.StructLayout({"valid": 1, "row": row.tag.row.shape()}), name=f"recent{n}")
            for n in range(WRITE_LATENCY - 1)
        ]
        clash, fire = Signal(), Signal()
        m.d.comb += [
            clash.eq(Cat(old.valid & (old.row == row.tag.row) for old in recent).any()),
            self.inputs.valid.eq(
                self.rows.o.valid
                & (~row.use_a | self.a.data.valid)
                & (~row.use_d | self.d.data.valid)
                & ~(clash & row.tag.accumulate & row.tag.acc)
            ),
            fire.eq(self.inputs.valid & self.inputs.ready),
            self.inputs.p.a.eq(keep(self.a.data.payload, Mux(row.use_a, row.a_cols, 0), dim)),
            self.inputs.p.d.eq(keep(self.d.data.payload, Mux(row.use_d, row.d_cols, 0), dim)),
            self.inputs.p.swap.eq(row.swap),
            self.inputs.p.tag.eq(row.tag),
            self.rows.o.ready.eq(fire),
            self.a.data.ready.eq(fire & row.use_a),
            self.d.data.ready.eq(fire & row.use_d),
        ]
        m.d.sync += [
            recent[0].valid.eq(fire & row.tag.write & row.tag.acc),
            recent[0].row.eq(row.tag.row),
        ]
        m.d.sync += [new.eq(old) for old, new in zip(recent, recent[1:], strict=False)]


class Execute(wiring.Component):
    """Runs ops in order; weights of the next op come while the rows of this one stream.

    One row per cycle without a gap between ops, as long as each op has at least `dim` rows or
    keeps its weights. `done` is pulsed when the last row of the oldest op is handed to its memory.

    Members
    -------
    op : In(stream(ExecuteOp))
    done : Out(1)
    a, d, b : Out(SpReadPort)
    array : In(ArrayPort)
        The array's port, seen from outside.
    sp, acc : Out(SpWrite), Out(AccWrite)
        Results; must be ready at all times.
    active, waits : Out(1)
        A row enters the array; a row stands ready and its weights do not.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "op": In(stream.Signature(ExecuteOp(config))),
                "done": Out(1),
                "a": Out(SpReadPort(config)),
                "d": Out(SpReadPort(config)),
                "b": Out(SpReadPort(config)),
                "array": In(ArrayPort(config, ResultTag(config))),
                "sp": Out(SpWrite(config)),
                "acc": Out(AccWrite(config)),
                "active": Out(1),
                "waits": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.weights = weights = WeightFetch(config)
        m.submodules.inputs = inputs = InputFetch(config)
        m.submodules.weight_ops = weight_ops = Queue(ExecuteOp(config), OPS_AHEAD)
        m.submodules.input_ops = input_ops = Queue(ExecuteOp(config), OPS_AHEAD)
        needs = self.op.p.load_weights
        m.d.comb += [
            self.op.ready.eq(input_ops.i.ready & (weight_ops.i.ready | ~needs)),
            input_ops.i.valid.eq(self.op.valid & (weight_ops.i.ready | ~needs)),
            weight_ops.i.valid.eq(self.op.valid & needs & input_ops.i.ready),
            input_ops.i.payload.eq(self.op.payload),
            weight_ops.i.payload.eq(self.op.payload),
        ]
        connect(m, weight_ops.o, weights.op)
        connect(m, input_ops.o, inputs.op)
        connect(m, weights.b, flipped(self.b))
        connect(m, inputs.a, flipped(self.a))
        connect(m, inputs.d, flipped(self.d))
        connect(m, weights.weights, flipped(self.array.weights))
        connect(m, inputs.inputs, flipped(self.array.inputs))
        m.d.comb += [
            self.active.eq(self.array.inputs.valid & self.array.inputs.ready),
            self.waits.eq(self.array.inputs.valid & ~self.array.inputs.ready),
        ]
        self._deliver(m)
        return m

    def _deliver(self, m: Module):
        """Register a result, saturate it for the scratchpad, and write it."""
        result, tag = self.array.results.p, self.array.results.p.tag
        fmt = self.config.input
        mask = Cat(n < tag.cols for n in range(self.config.dim))
        m.d.sync += [
            self.done.eq(self.array.results.valid & tag.last),
            self.acc.valid.eq(self.array.results.valid & tag.write & tag.acc),
            self.sp.valid.eq(self.array.results.valid & tag.write & ~tag.acc),
            self.acc.p.accumulate.eq(tag.accumulate),
            self.acc.p.lanes.eq(result.lanes),
        ]
        for port in (self.acc, self.sp):
            m.d.sync += [port.p.row.eq(tag.row), port.p.mask.eq(mask)]
        for n, value in enumerate(result.lanes):
            low = Mux(tag.relu, max(fmt.min, 0), fmt.min)
            with m.If(value < low):
                m.d.sync += self.sp.p.lanes[n].eq(low)
            with m.Elif(value > fmt.max):
                m.d.sync += self.sp.p.lanes[n].eq(fmt.max)
            with m.Else():
                m.d.sync += self.sp.p.lanes[n].eq(value)
