"""What the decoder makes of preload and compute: one op per tile."""

from typing import NamedTuple

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data

from ..array.lines import TAPS
from ..array.pe import clears
from ..isa import ErrorCode
from .fields import LocalView
from .ops import Dispatch, row_bits


class Operand(NamedTuple):
    """A tile in the scratchpad: its rows there and its extents."""

    row: Value
    last: Value
    rows: Value
    cols: Value

    def swapped(self, condition, other: "Operand") -> "Operand":
        """`other` under the condition, otherwise this one."""
        return Operand(*(Mux(condition, b, a) for a, b in zip(self, other, strict=True)))


class TileCommands:
    """The handlers of preload and compute; a part of :class:`.decoder.Decoder`."""

    def _preload_state(self):
        """B and C of the computes to come, and the rows of the weights in the array."""
        size, rows = range(self.config.dim + 1), row_bits(self.config)
        names = {"row": rows, "last": rows, "rows": size, "cols": size}
        self.b = Signal(data.StructLayout(names))
        flags = {"acc": 1, "accumulate": 1, "stride": 16}
        if self.config.dw_lines:  # a line of outputs needs no rows of C
            names |= {"row": row_bits(self.config) + 1}
            flags |= {"named": 1}
        self.c = Signal(data.StructLayout(names | flags))
        self.resident = Signal(size)
        if self.config.stochastic:
            self.seed, self.reseed = Signal(32), Signal()  # a seed that no op has taken

    def _random_seed(self, m: Module):
        with m.If(self.finish):
            m.d.sync += [self.seed.eq(self._get("random_seed")("seed")), self.reseed.eq(1)]

    def _stationary(self):
        """Whether B is what compute names, and whether B and A are read transposed."""
        execute, config = self.settings.execute, self.config
        os = execute.os if config.output_stationary else Const(0)
        turns = (execute.turn_a, execute.turn_b) if config.transposes else (Const(0), Const(0))
        return os, *turns

    def _forget_preload(self, m: Module):
        """A preload that failed, or means something else by now, leaves nothing behind."""
        m.d.sync += [self.b.rows.eq(0), self.c.rows.eq(0)]
        if self.config.dw_lines:
            m.d.sync += self.c.named.eq(0)

    def _preload(self, m: Module):
        dim, get = self.config.dim, self._get("preload")
        b, c = (LocalView(self.config, get(name)) for name in ("b_addr", "c_addr"))
        extents = [get(name) for name in ("b_rows", "b_cols", "c_rows", "c_cols")]
        b_used = ~b.garbage & (get("b_rows") != 0) & (get("b_cols") != 0)
        c_used = ~c.garbage & (get("c_rows") != 0) & (get("c_cols") != 0)
        b_last, c_last = Signal(self.wide), self._last(m, c.row, "c_last")
        os, _, turn_b = self._stationary()
        b_rows = get("b_rows")[:6]
        if self.config.transposes:
            b_rows = Mux(turn_b & ~os, get("b_cols")[:6], b_rows)
        if self.config.scale_rows:
            b_rows = b_rows + self.config.scale_rows
        m.d.comb += b_last.eq(b.row + b_rows - 1)
        bad_b = ~b.garbage & (b.acc | (b_used & self._outside(b, b_last)))
        beyond = self._kept(c_used, "preload_c") & self._outside(c, c_last)
        refused = self._kept(~(c.garbage | c.acc | self.config.spad_results), "preload_refused")
        self._check(
            m,
            (Cat(extent > dim for extent in extents).any(), ErrorCode.BAD_SIZE),
            (bad_b, ErrorCode.BAD_ADDRESS),
            late=[(beyond, ErrorCode.BAD_ADDRESS), (refused, ErrorCode.NOT_SUPPORTED)],
        )
        with m.If(self.finish):
            m.d.sync += [
                self.b.row.eq(b.row),
                self.b.rows.eq(Mux(self.good & b_used, get("b_rows"), 0)),
                self.b.cols.eq(get("b_cols")),
                self.b.last.eq(b_last),
                self.c.row.eq(c.row),
                self.c.rows.eq(Mux(self.good & c_used, get("c_rows"), 0)),
                self.c.cols.eq(get("c_cols")),
                self.c.last.eq(c_last),
                self.c.acc.eq(c.acc),
                self.c.accumulate.eq(c.acc & c.accumulate),
                self.c.stride.eq(self.settings.execute.c_stride),
            ]
            if self.config.dw_lines:
                m.d.sync += self.c.named.eq(self.good & ~c.garbage & (get("c_cols") != 0))

    def _compute(self, m: Module, kind: str):
        dim, get = self.config.dim, self._get(kind)
        preloaded = kind == "compute_preloaded"
        a, d = (LocalView(self.config, get(name)) for name in ("a_addr", "d_addr"))
        extents = [get(name) for name in ("a_rows", "a_cols", "d_rows", "d_cols")]
        a_used = ~a.garbage & (get("a_rows") != 0) & (get("a_cols") != 0)
        scales = self.config.row_scales  # D's columns say which one of its rows
        d_used = ~d.garbage & (get("d_rows") != 0)
        if not scales:
            d_used = d_used & (get("d_cols") != 0)
        a_last, d_last = self._last(m, a.row, "a_last"), Signal(self.wide)
        stride = self.settings.execute.a_stride
        os, turn_a, turn_b = self._stationary()
        d_rows = get("d_rows")[:6]
        if self.config.transposes and self.config.output_stationary:
            d_rows = Mux(turn_b & os, get("d_cols")[:6], d_rows)
        m.d.comb += d_last.eq(d.row + d_rows - 1)
        tiles = [(d_used, d.row, d_last, 1)]
        if self.config.output_stationary:  # then d is B, and D is what the preload named
            tiles[0] = (d_used & ~os, d.row, d_last, 1)
            if preloaded:
                tiles.append((os & (self.b.rows != 0), self.b.row, self.b.last, 1))
        writes = self.c.rows != 0

        def shifts(used, row, step):
            """Whether C would overwrite rows still to be read, unless it lies beyond the last."""
            differs = (self.c.row != row) | (self.c.stride != step)
            return writes & ~self.c.acc & used & (row <= self.c.last) & differs

        shifted = [
            shifts(used, row, step) & (self.c.row <= last) for used, row, last, step in tiles
        ]
        name = "with" if preloaded else "again"
        a_shifts = self._kept(shifts(a_used, a.row, stride), f"a_shifts_{name}")
        overlaps = self._kept(Cat(shifted).any(), f"overlaps_{name}")
        overlaps = overlaps | (a_shifts & (self.c.row <= a_last))
        bad_a = self._kept(a_used, f"a_used_{name}") & self._outside(a, a_last)
        bad_d = ~d.garbage & (d.acc | (d_used & self._outside(d, d_last)))
        large = [extent > dim for extent in extents]
        if scales:
            large.append(~d.garbage & (get("d_cols") >= scales))
        self._check(
            m,
            (Cat(large).any(), ErrorCode.BAD_SIZE),
            ((~a.garbage & a.acc) | bad_d, ErrorCode.BAD_ADDRESS),
            late=[(bad_a, ErrorCode.BAD_ADDRESS), (overlaps, ErrorCode.OVERLAP)],
        )
        self._tile(m, preloaded, get, (a, a_used, a_last), (d, d_used, d_last), writes)

    def _tile(self, m: Module, preloaded: bool, get, a_operand, d_operand, writes):
        """The op of a checked compute, with its spans."""
        (a, a_used, a_last), (d, d_used, d_last) = a_operand, d_operand
        os, _, _ = self._stationary()
        k = Signal(range(self.config.dim + 1))
        b = Operand(self.b.row, self.b.last, self.b.rows, self.b.cols)
        d = Operand(d.row, d_last, Mux(d_used, get("d_rows"), 0), get("d_cols"))
        kept, load = b.rows if preloaded else self.resident, (k != 0) if preloaded else Const(0)
        reading, d_read = writes, writes & d_used
        if self.config.output_stationary:
            named = b if preloaded else b._replace(rows=0)
            kept, load = Mux(os, d.rows, kept), (k != 0) if preloaded else os & (k != 0)
            reading, d_read = writes | os, Mux(os, named.rows != 0, d_read)
            b, d = b.swapped(os, d), d.swapped(os, named)
        m.d.comb += k.eq(kept)
        with m.If(self.finish & self.good):
            m.d.sync += self.resident.eq(k)
        b_read, b_rows = load, k
        if preloaded and (clears(self.config) or self.config.weight_block):  # no B: a row of zeros
            load, b_rows = Const(1), Mux(k == 0, 1, k)
            b = b._replace(cols=Mux(k == 0, 0, b.cols))
        a_cols = Mux(get("a_cols") < k, get("a_cols"), k)
        values = {
            "load_weights": load,
            "k": b_rows,
            "b_row": b.row,
            "b_cols": b.cols,
            "a_rows": Mux(a_used, get("a_rows"), 0),
            "a_cols": a_cols,
            "a_row": a.row,
            "a_stride": self.settings.execute.a_stride,
            "d_rows": d.rows,
            "d_cols": d.cols,
            "d_row": d.row,
            "c_rows": self.c.rows,
            "c_cols": self.c.cols,
            "c_row": self.c.row,
            "c_stride": self.c.stride,
            "c_acc": self.c.acc,
            "c_accumulate": self.c.accumulate,
            "relu": self.settings.execute.relu,
        }
        a_read = a_used & (a_cols != 0)
        values |= self._options(m, preloaded, k, values, os & a_read)
        op = self.o.p.op.execute
        goes = load | writes
        if self.config.output_stationary:
            goes = goes | (os & (preloaded | a_read))
        m.d.comb += [self.o.p.unit.eq(Dispatch.EXECUTE), self.dispatches.eq(goes)]
        if self.config.stochastic:
            with m.If(self.finish & self.o.valid & writes):
                m.d.sync += self.reseed.eq(0)
        m.d.comb += [op[name].eq(value) for name, value in values.items()]
        reads = self.o.p.reads
        self._span(m, reads[0], reading & a_used & (a_cols != 0), 0, a.row, a_last)
        self._span(m, reads[1], b_read, 0, b.row, b.last)
        self._span(m, reads[2], d_read, 0, d.row, d.last)
        self._span(m, self.o.p.write, writes, self.c.acc, self.c.row, self.c.last)

    def _options(self, m: Module, preloaded: bool, k, values: dict, a_read) -> dict:
        """What an op of a configuration with transposes or several dataflows has more."""
        config, more = self.config, {}
        os, turn_a, turn_b = self._stationary()
        rows = self.c.rows
        if config.output_stationary:
            rows = Signal(range(config.dim + 1))
            reach = Mux(a_read, values["a_rows"], 0)
            most = Mux(reach > self.c.rows, reach, self.c.rows)
            m.d.comb += rows.eq(Mux(os, config.dim if preloaded else most, self.c.rows))
            shift = Mux(os, self.settings.execute.shift, 0)
            more |= {"os": os, "add": not preloaded, "rows": rows, "shift": shift}
        if config.transposes:
            turned = turn_b & (k != 0) if config.weight_table else turn_b
            more |= {"a_turn": turn_a, "b_turn": turned}  # zeros pass as they are
        if config.transposes or config.dw_lines:
            need = TAPS * config.dw_lines
            least = Const(need) if not clears(config) else Const(max(need, 1))
            more |= {"b_rows": k, "k": Mux(k < least, least, k)}
        if config.stochastic:
            more |= {"reseed": self.reseed, "seed": self.seed}
        if config.weight_block:
            more |= {"scaled": k != 0}
        return more
