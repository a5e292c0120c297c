"""The decoder: checks commands in order and turns them into ops for the units."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import Config
from ..isa import BY_FUNCT, BY_NAME, LATER_GROUPS, ErrorCode, Local
from .configuration import Configuration
from .fields import LocalView, field
from .ops import INDEX_BITS, CommandLayout, Dispatch, row_bits

MVIN_SETS = ("mvin", "mvin2", "mvin3")


def funct(name: str) -> int:
    """Function code of a command."""
    return BY_NAME[name].funct


class ErrorReport(data.StructLayout):
    """`valid` for one cycle: command `index` was not executed because of `code`."""

    def __init__(self):
        super().__init__({"valid": 1, "code": ErrorCode, "index": INDEX_BITS})


class Decoder(wiring.Component):
    """Two stages, one command per cycle (one more after a configuration command).

    The first stage registers the command and multiplies rows by strides; the second checks it
    against docs/semantics.md, updates configuration and preload, and dispatches.

    Members
    -------
    i : In(stream(CommandLayout))
    o : Out(stream(Dispatch))
    special : Out(stream(CommandLayout))
        `error` and `counter` commands, which answer with a value.
    error : Out(ErrorReport)
    accepted : Out(32)
        Commands that passed the first stage; the index of the next one.
    busy, index : Out(1), Out(32)
        A command stands in the second stage; which one.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(CommandLayout())),
                "o": Out(stream.Signature(Dispatch(config))),
                "special": Out(stream.Signature(CommandLayout())),
                "error": Out(ErrorReport()),
                "accepted": Out(INDEX_BITS),
                "busy": Out(1),
                "index": Out(INDEX_BITS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.configuration = self.settings = Configuration(self.config)
        self.command = Signal(CommandLayout())
        self.distance = Signal(unsigned(22))  # (rows or blocks - 1) · stride
        self.code = Signal(ErrorCode)
        self.finish = Signal()  # the second stage's command leaves
        self.dispatches = Signal()  # it goes to a unit
        self._preload_state()
        self._first_stage(m)
        m.d.comb += self.settings.command.eq(self.command)
        with m.Switch(self.command.funct):
            for code, handler in self._handlers().items():
                with m.Case(code):
                    handler(m)
            with m.Default():
                m.d.comb += self.code.eq(ErrorCode.BAD_FUNCT)
        self._second_stage(m)
        return m

    def _handlers(self):
        handlers = {}
        for code, specs in BY_FUNCT.items():
            if all(spec.group in LATER_GROUPS for spec in specs):
                handlers[code] = self._unsupported
        handlers[funct("config_ex")] = self._configure
        handlers[funct("flush")] = lambda m: None
        handlers[funct("mvout")] = self._mvout
        handlers[funct("preload")] = self._preload
        for kind in ("compute_preloaded", "compute_accumulated"):
            handlers[funct(kind)] = lambda m, kind=kind: self._compute(m, kind)
        for n, kind in enumerate(MVIN_SETS):
            handlers[funct(kind)] = lambda m, kind=kind, n=n: self._mvin(m, kind, n)
        for kind in ("error", "counter"):
            handlers[funct(kind)] = self._special
        return handlers

    # Stages

    def _first_stage(self, m: Module):
        """Register a command with its index and the one product that its checks need."""
        full, configures, accept = Signal(), Signal(), Signal()
        m.d.comb += [
            configures.eq(self.busy & (self.command.funct == funct("config_ex"))),
            full.eq(self.busy & ~self.finish),
            self.i.ready.eq(~full & ~configures),
            accept.eq(self.i.valid & self.i.ready),
        ]
        count, stride = Signal(6), Signal(16)
        with m.Switch(self.i.p.funct):
            for n, kind in enumerate(MVIN_SETS):
                with m.Case(funct(kind)):
                    m.d.comb += [
                        count.eq(self._blocks(field(self.i.p, kind, "cols"))),
                        stride.eq(self.settings.load[n].block_stride),
                    ]
            with m.Case(funct("mvout")):
                m.d.comb += [
                    count.eq(self._blocks(field(self.i.p, "mvout", "cols"))),
                    stride.eq(self.config.dim),
                ]
            with m.Case(funct("preload")):
                m.d.comb += [
                    count.eq(field(self.i.p, "preload", "c_rows") - 1),
                    stride.eq(self.settings.execute.c_stride),
                ]
            with m.Default():
                m.d.comb += [
                    count.eq(field(self.i.p, "compute_preloaded", "a_rows") - 1),
                    stride.eq(self.settings.execute.a_stride),
                ]
        with m.If(self.finish):
            m.d.sync += self.busy.eq(0)
        with m.If(accept):
            m.d.sync += [
                self.busy.eq(1),
                self.command.eq(self.i.payload),
                self.index.eq(self.accepted),
                self.accepted.eq(self.accepted + 1),
                self.distance.eq(count * stride),
            ]

    def _blocks(self, cols):
        """Blocks of `dim` columns beyond the first: a balanced tree of comparisons."""

        def between(low, high):
            if low == high:
                return Const(low, 6)
            middle = (low + high) // 2
            beyond = cols > (middle + 1) * self.config.dim
            return Mux(beyond, between(middle + 1, high), between(low, middle))

        return between(0, self.config.max_block_len - 1)

    def _second_stage(self, m: Module):
        """Report, dispatch or simply finish."""
        failed = self.code != ErrorCode.NONE
        special = Signal()
        m.d.comb += [
            special.eq(
                (self.command.funct == funct("error")) | (self.command.funct == funct("counter"))
            ),
            self.o.valid.eq(self.busy & self.dispatches & ~failed),
            self.special.valid.eq(self.busy & special),
            self.special.payload.eq(self.command),
            self.finish.eq(
                self.busy
                & (~self.o.valid | self.o.ready)
                & (~self.special.valid | self.special.ready)
            ),
            self.error.valid.eq(self.finish & failed),
            self.error.code.eq(self.code),
            self.error.index.eq(self.index),
        ]

    def _fail(self, m: Module, *checks):
        """The first condition that holds gives the error code."""
        for condition, code in reversed(checks):
            with m.If(condition):
                m.d.comb += self.code.eq(code)

    # Commands

    def _unsupported(self, m: Module):
        m.d.comb += self.code.eq(ErrorCode.NOT_SUPPORTED)

    def _configure(self, m: Module):
        m.d.comb += [self.code.eq(self.settings.error), self.settings.apply.eq(self.finish)]

    def _special(self, m: Module):
        """Carried out by whoever takes it from the `special` stream."""

    def _get(self, kind: str):
        """Shorthand for the fields of a command of one kind."""
        return lambda name: field(self.command, kind, name)

    def _outside(self, local: LocalView, last):
        """Whether local row `last` (26 bits and more) lies beyond its memory."""
        sp, acc = self.config.sp_row_bits, self.config.acc_row_bits
        return Mux(local.acc, last[acc:].any(), last[sp:].any())

    def _move(self, m: Module, get, blocks: int, full, extra=()):
        """Checks and addresses that mvin and mvout have in common; the last local row."""
        dim = self.config.dim
        local = LocalView(get("local"))
        rows, cols = get("rows"), get("cols")
        last = Signal(Local.ROW_BITS + 2)
        limit = Mux(full, blocks * dim, self.config.max_block_len * dim)
        some = (rows != 0) & (cols != 0)
        m.d.comb += [last.eq(local.row + self.distance + rows[:6] - 1), self.dispatches.eq(some)]
        self._fail(
            m,
            (local.garbage, ErrorCode.BAD_ADDRESS),
            *extra,
            ((rows > dim) | (cols > limit), ErrorCode.BAD_SIZE),
            (some & self._outside(local, last), ErrorCode.BAD_ADDRESS),
        )
        return local, rows, cols, last

    def _span(self, m: Module, span, valid, acc, first, last):
        m.d.comb += [
            span.valid.eq(valid),
            span.acc.eq(acc),
            span.first.eq(first),
            span.last.eq(last),
        ]

    def _mvin(self, m: Module, kind: str, which: int):
        get = self._get(kind)
        kept = self.settings.load[which]
        wide = LocalView(get("local")).acc & ~kept.shrunk
        local, rows, cols, last = self._move(m, get, self.config.max_block_len_acc, wide)
        op = self.o.p.op.load
        values = {
            "address": get("address"),
            "zero": get("address") == 0,
            "stride": kept.stride,
            "rows": rows,
            "cols": cols,
            "acc": local.acc,
            "accumulate": local.acc & local.accumulate,
            "wide": wide,
            "row": local.row,
            "block_stride": kept.block_stride,
            "scale": kept.scale,
            "index": self.index,
        }
        m.d.comb += self.o.p.unit.eq(Dispatch.LOAD)
        m.d.comb += [op[name].eq(value) for name, value in values.items()]
        self._span(m, self.o.p.write, 1, local.acc, local.row, last)

    def _mvout(self, m: Module):
        get = self._get("mvout")
        local = LocalView(get("local"))
        full = local.acc & local.full
        normalises = (local.acc & (local.norm != 0), ErrorCode.NOT_SUPPORTED)
        local, rows, cols, last = self._move(m, get, 1, full, extra=(normalises,))
        kept = self.settings.store
        op = self.o.p.op.store
        values = {
            "address": get("address"),
            "stride": kept.stride,
            "rows": rows,
            "cols": cols,
            "acc": local.acc,
            "full": full,
            "relu": kept.relu,
            "row": local.row,
            "scale": kept.scale,
            "index": self.index,
        }
        m.d.comb += self.o.p.unit.eq(Dispatch.STORE)
        m.d.comb += [op[name].eq(value) for name, value in values.items()]
        self._span(m, self.o.p.reads[0], 1, local.acc, local.row, last)

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
        self._fail(
            m,
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
        self._fail(
            m,
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
