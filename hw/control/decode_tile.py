"""What the decoder makes of preload and compute: one op per tile."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data

from ..isa import ErrorCode, Local
from .fields import LocalView, first_failure
from .ops import Dispatch, row_bits


class TileCommands:
    """The handlers of preload and compute; a part of :class:`.decoder.Decoder`."""

    def _preload_state(self):
        """B and C of the computes to come, and the rows of the weights in the array."""
        size, rows = range(self.config.dim + 1), row_bits(self.config)
        names = {"row": rows, "last": rows, "rows": size, "cols": size}
        self.b = Signal(data.StructLayout(names))
        flags = {"acc": 1, "accumulate": 1, "stride": 16}
        self.c = Signal(data.StructLayout(names | flags))
        self.resident = Signal(size)

    def _preload(self, m: Module):
        dim, get = self.config.dim, self._get("preload")
        b, c = LocalView(get("b_addr")), LocalView(get("c_addr"))
        extents = [get(name) for name in ("b_rows", "b_cols", "c_rows", "c_cols")]
        b_used = ~b.garbage & (get("b_rows") != 0) & (get("b_cols") != 0)
        c_used = ~c.garbage & (get("c_rows") != 0) & (get("c_cols") != 0)
        b_last, c_last = Signal(Local.ROW_BITS + 2), Signal(Local.ROW_BITS + 2)
        m.d.comb += [
            b_last.eq(b.row + get("b_rows")[:6] - 1),
            c_last.eq(c.row + self.distance),
        ]
        bad_b = ~b.garbage & (b.acc | (b_used & self._outside(b, b_last)))
        first_failure(
            m,
            self.code,
            (Cat(extent > dim for extent in extents).any(), ErrorCode.BAD_SIZE),
            (bad_b, ErrorCode.BAD_ADDRESS),
            (c_used & self._outside(c, c_last), ErrorCode.BAD_ADDRESS),
        )
        good = self.code == ErrorCode.NONE
        with m.If(self.finish):
            m.d.sync += [
                self.b.row.eq(b.row),
                self.b.rows.eq(Mux(good & b_used, get("b_rows"), 0)),
                self.b.cols.eq(get("b_cols")),
                self.b.last.eq(b_last),
                self.c.row.eq(c.row),
                self.c.rows.eq(Mux(good & c_used, get("c_rows"), 0)),
                self.c.cols.eq(get("c_cols")),
                self.c.last.eq(c_last),
                self.c.acc.eq(c.acc),
                self.c.accumulate.eq(c.acc & c.accumulate),
                self.c.stride.eq(self.settings.execute.c_stride),
            ]

    def _compute(self, m: Module, kind: str):
        dim, get = self.config.dim, self._get(kind)
        a, d = LocalView(get("a_addr")), LocalView(get("d_addr"))
        extents = [get(name) for name in ("a_rows", "a_cols", "d_rows", "d_cols")]
        a_used = ~a.garbage & (get("a_rows") != 0) & (get("a_cols") != 0)
        d_used = ~d.garbage & (get("d_rows") != 0) & (get("d_cols") != 0)
        a_last, d_last = Signal(Local.ROW_BITS + 2), Signal(Local.ROW_BITS + 2)
        stride = self.settings.execute.a_stride
        m.d.comb += [
            a_last.eq(a.row + self.distance),
            d_last.eq(d.row + get("d_rows")[:6] - 1),
        ]
        shifted = [  # C would overwrite rows that are still to be read
            used
            & (self.c.row <= last)
            & (view.row <= self.c.last)
            & ((self.c.row != view.row) | (self.c.stride != step))
            for used, view, last, step in ((a_used, a, a_last, stride), (d_used, d, d_last, 1))
        ]
        bad = [
            ~view.garbage & (view.acc | (used & self._outside(view, last)))
            for view, used, last in ((a, a_used, a_last), (d, d_used, d_last))
        ]
        writes = self.c.rows != 0
        first_failure(
            m,
            self.code,
            (Cat(extent > dim for extent in extents).any(), ErrorCode.BAD_SIZE),
            (Cat(bad).any(), ErrorCode.BAD_ADDRESS),
            (writes & ~self.c.acc & Cat(shifted).any(), ErrorCode.OVERLAP),
        )
        k = Signal(range(dim + 1))
        m.d.comb += k.eq(self.b.rows if kind == "compute_preloaded" else self.resident)
        load = (k != 0) if kind == "compute_preloaded" else Const(0)
        with m.If(self.finish & (self.code == ErrorCode.NONE)):
            m.d.sync += self.resident.eq(k)
        a_cols = Mux(get("a_cols") < k, get("a_cols"), k)
        values = {
            "load_weights": load,
            "k": k,
            "b_row": self.b.row,
            "b_cols": self.b.cols,
            "a_rows": Mux(a_used, get("a_rows"), 0),
            "a_cols": a_cols,
            "a_row": a.row,
            "a_stride": stride,
            "d_rows": Mux(d_used, get("d_rows"), 0),
            "d_cols": get("d_cols"),
            "d_row": d.row,
            "c_rows": self.c.rows,
            "c_cols": self.c.cols,
            "c_row": self.c.row,
            "c_stride": self.c.stride,
            "c_acc": self.c.acc,
            "c_accumulate": self.c.accumulate,
            "relu": self.settings.execute.relu,
        }
        op = self.o.p.op.execute
        m.d.comb += [self.o.p.unit.eq(Dispatch.EXECUTE), self.dispatches.eq(load | writes)]
        m.d.comb += [op[name].eq(value) for name, value in values.items()]
        reads = self.o.p.reads
        self._span(m, reads[0], writes & a_used & (a_cols != 0), 0, a.row, a_last)
        self._span(m, reads[1], load, 0, self.b.row, self.b.last)
        self._span(m, reads[2], writes & d_used, 0, d.row, d_last)
        self._span(m, self.o.p.write, writes, self.c.acc, self.c.row, self.c.last)
