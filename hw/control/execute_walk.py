"""Walks through an op's rows of which every step begins at registers (:func:`.local.registered`).

What a row is like, and whether it is the last one, is known before its turn: of the first one as
the op comes, of the others a row ahead.
"""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..array.pe import clears
from ..bus.stream import Buffer
from ..config import Config
from .execute_results import mask_of, tagged
from .ops import ExecuteOp, row_bits


class InputWalk(wiring.Component):
    """Asks for an op's rows of A and D, and notes what is to come.

    Members
    -------
    op : In(stream(ExecuteOp))
    a, d : Out(stream(row))
        Requests; ready comes from a register.
    rows : Out(stream(layout))
        One at least for each op; not before its elements have been asked for.
    busy : Out(1)
        There is an op inside.
    """

    def __init__(self, config: Config, layout: data.StructLayout):
        self.config = config
        self.layout = layout
        request = Out(stream.Signature(row_bits(config)))
        super().__init__(
            {
                "op": In(stream.Signature(ExecuteOp(config))),
                "a": request,
                "d": request,
                "rows": Out(stream.Signature(layout)),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        flags = data.StructLayout({"use_a": 1, "use_d": 1, "last": 1})
        layout = data.StructLayout({"op": self.op.payload.shape(), "first": flags})
        m.submodules.ops = ops = Buffer(layout)
        new, op = self.op.p, ops.o.p.op
        first, rest, now = Signal(init=1), Signal(flags), Signal(flags)
        following, second = Signal.like(op.c_rows, init=1), Signal.like(op.c_rows, init=2)
        moves = Signal()
        m.d.comb += [
            ops.i.valid.eq(self.op.valid),
            self.op.ready.eq(ops.i.ready),
            ops.i.p.op.eq(new),
            ops.i.p.first.use_a.eq((new.a_rows != 0) & (new.a_cols != 0) & (new.c_rows != 0)),
            ops.i.p.first.use_d.eq((new.d_rows != 0) & (new.d_cols != 0) & (new.c_rows != 0)),
            ops.i.p.first.last.eq(new.c_rows <= 1),
            now.eq(Mux(first, ops.o.p.first, rest)),
            moves.eq(self.rows.valid & self.rows.ready),
            ops.o.ready.eq(moves & now.last),
            self.busy.eq(ops.o.valid),
        ]
        with m.If(moves):
            m.d.sync += [
                first.eq(now.last),
                rest.use_a.eq(now.use_a & (following != op.a_rows)),
                rest.use_d.eq(now.use_d & (following != op.d_rows)),
                rest.last.eq(second == op.c_rows),
                following.eq(Mux(now.last, 1, second)),
                second.eq(Mux(now.last, 2, second + 1)),
            ]
        self._ask(m, ops.o, now, moves)
        self._note(m, op, first, now, self._step(m, first, moves, op.c_row, op.c_stride))
        starts = {"a": (op.a_row, op.a_stride), "d": (op.d_row, 1)}
        for name, start in starts.items():
            m.d.comb += getattr(self, name).payload.eq(self._step(m, first, moves, *start))
        return m

    def _step(self, m: Module, first, moves, start, stride):
        """A row's address."""
        row, following = Signal.like(start), Signal.like(start)
        m.d.comb += row.eq(Mux(first, start, following))
        with m.If(moves):
            m.d.sync += following.eq(row + stride)
        return row

    def _ask(self, m: Module, ops, now, moves):
        """Requests, each until it is taken; the row goes on with the last of them."""
        valid = ops.valid
        for request, use, name in ((self.a, now.use_a, "a"), (self.d, now.use_d, "d")):
            sent = Signal(name=f"{name}_sent")
            m.d.comb += request.valid.eq(ops.valid & use & ~sent & self.rows.ready)
            valid = valid & (~use | sent | request.ready)
            with m.If(moves):
                m.d.sync += sent.eq(0)
            with m.Elif(request.valid & request.ready):
                m.d.sync += sent.eq(1)
        m.d.comb += self.rows.valid.eq(valid)

    def _note(self, m: Module, op, first, now, c_row):
        row, dim = self.rows.p, self.config.dim
        m.d.comb += [
            row.use_a.eq(now.use_a),
            row.use_d.eq(now.use_d),
            row.a_mask.eq(Cat(now.use_a & (n < op.a_cols) for n in range(dim))),
            row.d_mask.eq(Cat(now.use_d & (n < op.d_cols) for n in range(dim))),
            row.swap.eq(first & op.load_weights),
            *tagged(self.config, row.tag, op, c_row, now.last, op.c_rows),
        ]


class WeightWalk(wiring.Component):
    """Asks for an op's rows of B, the last one first, and notes what is to come.

    Members
    -------
    op : In(stream(ExecuteOp))
        Only ops with `load_weights`.
    b : Out(stream(row))
        Requests.
    rows : Out(stream(layout))
        In the cycle of its request.
    """

    def __init__(self, config: Config, layout: data.StructLayout):
        self.config = config
        super().__init__(
            {
                "op": In(stream.Signature(ExecuteOp(config))),
                "b": Out(stream.Signature(row_bits(config))),
                "rows": Out(stream.Signature(layout)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        new = self.op.p
        fields = {name: new[name].shape() for name in ("b_row", "k", "b_cols")}
        flags = {"single": 1} | ({"read": 1} if clears(self.config) else {})
        m.submodules.ops = ops = Buffer(data.StructLayout(fields | flags))
        op, first, rest = ops.o.p, Signal(init=1), Signal()
        row, following, last = Signal.like(op.b_row), Signal.like(op.b_row), Signal()
        second, moves = Signal.like(op.k, init=2), Signal()
        read = Const(1)
        if clears(self.config):  # no B: a row of zeros
            read = op.read
            m.d.comb += [ops.i.p.read.eq(new.b_cols != 0), self.rows.p.read.eq(read)]
        m.d.comb += [
            ops.i.valid.eq(self.op.valid),
            self.op.ready.eq(ops.i.ready),
            ops.i.p.b_row.eq(new.b_row + new.k - 1),
            ops.i.p.k.eq(new.k),
            ops.i.p.b_cols.eq(new.b_cols),
            ops.i.p.single.eq(new.k == 1),
            row.eq(Mux(first, op.b_row, following)),
            last.eq(Mux(first, op.single, rest)),
            self.b.payload.eq(row),
            self.b.valid.eq(ops.o.valid & self.rows.ready & read),
            moves.eq(ops.o.valid & self.rows.ready & (~read | self.b.ready)),
            self.rows.valid.eq(moves),
            self.rows.p.mask.eq(mask_of(self.config, op.b_cols)),
            self.rows.p.last.eq(last),
            ops.o.ready.eq(moves & last),
        ]
        with m.If(moves):
            m.d.sync += [
                first.eq(last),
                following.eq(row - 1),
                rest.eq(second == op.k),
                second.eq(Mux(last, 2, second + 1)),
            ]
        return m
