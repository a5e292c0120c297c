"""Which local rows a pooled mvout reads, in which order."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect

from ..config import Config
from .ops import StoreOp, row_bits
from .store_rows import RowPlan, StoreRows, narrow_bytes, pass_on


class PoolRows(wiring.Component):
    """The taps of pooled operations, one per cycle.

    Windows of one pooled row share columns: for each pooled row its image rows are walked once,
    column by column and downwards within one, so that a pooled row costs `pool_size` taps for each
    column that a window covers. Taps outside the image are `absent`. The address is that of the
    pooled pixel, and counts at `emit`.

    The first tap comes two cycles after its operation; an operation is taken when none is inside.
    The bytes between pooled rows, pool_out_dim·stride, take up to 8 cycles to multiply, which a
    very small first row waits for.

    Members
    -------
    i : In(stream(StoreOp))
        `pooled`, with all five extents and the size at least 1, and at most `dim` columns.
    o : Out(stream(RowPlan))
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(StoreOp(config))),
                "o": Out(stream.Signature(RowPlan(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        self.op = op = Signal(StoreOp(self.config))
        prepared, active = Signal(), Signal()
        self.starts = Signal()  # the operation's first tap comes next
        self.column_ends, self.emits, self.row_ends = Signal(), Signal(), Signal()
        step, end, known = Signal(), Signal(), Signal()
        windows, rows = Signal(8), Signal(8)  # left in this pooled row; left with this one
        m.d.comb += [
            self.i.ready.eq(~prepared & ~active),
            self.starts.eq(prepared),
            self.row_ends.eq(self.emits & (windows == 1)),
            end.eq(self.row_ends & (rows == 1)),
            self.o.valid.eq(active & (known | end | ~self.row_ends)),
            step.eq(self.o.valid & self.o.ready),
        ]
        with m.If(self.i.ready):
            m.d.sync += [op.eq(self.i.payload), prepared.eq(self.i.valid)]
        with m.If(self.starts):
            m.d.sync += [
                prepared.eq(0),
                active.eq(1),
                rows.eq(op.pooling.pool_out_rows),
                windows.eq(op.pooling.pool_out_cols),
            ]
        with m.If(step & self.emits):
            m.d.sync += windows.eq(windows - 1)
        with m.If(step & self.row_ends):
            m.d.sync += [
                windows.eq(op.pooling.pool_out_cols),
                rows.eq(rows - 1),
                active.eq(~end),
            ]
        self._taps(m, step)
        self._rows(m, step)
        self._addresses(m, step, known)
        self._plan(m, end)
        return m

    def _taps(self, m: Module, step):
        """Where in the image the tap lies, and which part of its window it is."""
        pool = self.op.pooling
        size, stride = pool.pool_size, pool.pool_stride
        tap, wanted = Signal(2), Signal(2)  # taps above it; columns until a window is complete
        top, image_row, image_col = Signal(signed(11)), Signal(signed(11)), Signal(signed(11))
        next_top, next_row, next_col = (
            Signal(signed(11), name=f"next_{name}") for name in ("top", "row", "col")
        )
        row_inside, col_inside = Signal(), Signal()
        self.inside, self.first, self.skip = Signal(), Signal(), Signal(2)
        m.d.comb += [
            self.first.eq(tap == 0),
            self.column_ends.eq(tap == size - 1),
            self.emits.eq(self.column_ends & (wanted == 1)),
            self.skip.eq(Mux(self.emits & (stride > size), stride - size, 0)),
            self.inside.eq(row_inside & col_inside),
            next_top.eq(Mux(self.starts, -pool.upper_pad, top + stride)),
            next_row.eq(image_row + 1),
            next_col.eq(image_col),
        ]
        with m.If(self.starts | self.row_ends):
            m.d.comb += [next_row.eq(next_top), next_col.eq(-pool.left_pad)]
        with m.Elif(self.column_ends):
            m.d.comb += [next_row.eq(top), next_col.eq(image_col + self.skip + 1)]
        with m.If(self.starts | step):
            m.d.sync += [
                image_row.eq(next_row),
                image_col.eq(next_col),
                row_inside.eq((next_row >= 0) & (next_row < pool.out_rows)),
                col_inside.eq((next_col >= 0) & (next_col < pool.out_cols)),
            ]
        with m.If(step):
            m.d.sync += tap.eq(Mux(self.column_ends, 0, tap + 1))
            with m.If(self.emits):
                m.d.sync += wanted.eq(Mux(stride < size, stride, size))
            with m.Elif(self.column_ends):
                m.d.sync += wanted.eq(wanted - 1)
        with m.If(self.starts | step & self.row_ends):
            m.d.sync += [tap.eq(0), wanted.eq(size), top.eq(next_top)]

    def _rows(self, m: Module, step):
        """Local rows: of the tap, of its column's top, of the pooled row's first column."""
        pool, bits = self.op.pooling, row_bits(self.config)
        self.row, column, start = (Signal(bits, name=n) for n in ("row", "column", "start"))
        above, down, next_start = Signal(10), Signal(10), Signal(bits)
        next_column = Signal(bits)
        m.d.comb += [
            above.eq(_times(pool.out_cols, pool.upper_pad)),
            down.eq(_times(pool.out_cols, pool.pool_stride)),
            next_start.eq(
                Mux(self.starts, self.op.row - above - pool.left_pad, start + down),
            ),
            next_column.eq(column + self.skip + 1),
        ]
        with m.If(step):
            m.d.sync += self.row.eq(self.row + pool.out_cols)
            with m.If(self.column_ends):
                m.d.sync += [column.eq(next_column), self.row.eq(next_column)]
        with m.If(self.starts | step & self.row_ends):
            m.d.sync += [start.eq(next_start), column.eq(next_start), self.row.eq(next_start)]

    def _addresses(self, m: Module, step, known):
        """Memory addresses: of the pooled pixel, and of its row; `known` is their distance."""
        op = self.op
        self.address, line = Signal(32), Signal(32)
        product, addend, factor = Signal(32), Signal(32), Signal(8)
        next_line = Signal(32)
        m.d.comb += [
            known.eq(factor == 0),
            next_line.eq(Mux(self.starts, op.address, line + product)),
        ]
        with m.If(self.starts):
            m.d.sync += [product.eq(0), addend.eq(op.stride), factor.eq(op.pooling.pool_out_dim)]
        with m.Else():
            m.d.sync += [addend.eq(addend << 1), factor.eq(factor >> 1)]
            with m.If(factor[0]):
                m.d.sync += product.eq(product + addend)
        with m.If(step & self.emits):
            m.d.sync += self.address.eq(self.address + op.stride)
        with m.If(self.starts | step & self.row_ends):
            m.d.sync += [line.eq(next_line), self.address.eq(next_line)]

    def _plan(self, m: Module, end):
        """The tap as it goes to the memories and to whatever takes the maximum."""
        config, op, plan = self.config, self.op, self.o.payload
        piece = plan.piece
        keep = Cat(op.cols > lane for lane in range(config.dim))
        m.d.comb += [
            *pass_on(config, plan, op),
            plan.row.eq(self.row),
            plan.absent.eq(~self.inside),
            piece.keep.eq(Mux(self.inside, keep, 0)),
            piece.bytes.eq(narrow_bytes(config, op, op.cols)),
            piece.first.eq(1),
            piece.last.eq(1),
            piece.end.eq(end),
            piece.address.eq(self.address),
            piece.tap.pooled.eq(1),
            piece.tap.size.eq(op.pooling.pool_size),
            piece.tap.first.eq(self.first),
            piece.tap.last.eq(self.column_ends),
            piece.tap.emit.eq(self.emits),
        ]


def _times(count, factor):
    """`count` times a factor of two bits."""
    return Mux(factor[0], count, 0) + (Mux(factor[1], count, 0) << 1)


class StoreWalk(wiring.Component):
    """The local rows of all operations, pooled or not, in order.

    Rows of plain ones as :class:`.store_rows.StoreRows` gives them; a pooled one starts when the
    operations before it have no row left.

    Members
    -------
    i : In(stream(StoreOp))
    o : Out(stream(RowPlan))
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(StoreOp(config))),
                "o": Out(stream.Signature(RowPlan(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.plain = plain = StoreRows(self.config)
        m.submodules.pool = pool = PoolRows(self.config)
        pooled = self.i.payload.pooled
        m.d.comb += [
            plain.i.payload.eq(self.i.payload),
            pool.i.payload.eq(self.i.payload),
            plain.i.valid.eq(self.i.valid & ~pooled & pool.i.ready),
            pool.i.valid.eq(self.i.valid & pooled & ~plain.o.valid),
            self.i.ready.eq(pool.i.ready & Mux(pooled, ~plain.o.valid, plain.i.ready)),
        ]
        with m.If(plain.o.valid):
            connect(m, plain.o, wiring.flipped(self.o))
        with m.Else():
            connect(m, pool.o, wiring.flipped(self.o))
        return m
