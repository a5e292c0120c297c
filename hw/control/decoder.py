"""The decoder: checks commands in order and turns them into ops for the units."""

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..arith.mac.rows import tree
from ..config import Config
from ..isa import BY_FUNCT, BY_NAME, ErrorCode, supported
from ..register import data_register
from .configuration import Configuration
from .decode_line import LineCommands
from .decode_load import MVIN_SETS, LoadCommands, search
from .decode_store import StoreCommands
from .decode_table import TableCommands
from .decode_tile import TileCommands
from .fields import LocalView, field, first_failure, funct, near, responds
from .loops.settings import Settings, settings_of
from .ops import INDEX_BITS, CommandLayout, Dispatch, row_bits


def checks_apart(config: Config) -> bool:
    """Whether a command is checked in two cycles and leaves in a third: where commands are compared
    with others in turn, or wait for each other, that costs next to nothing in the long run."""
    return config.serial_hazards or config.in_order


class ErrorReport(data.StructLayout):
    """`valid` for one cycle: command `index` was not executed because of `code`."""

    def __init__(self):
        super().__init__({"valid": 1, "code": ErrorCode, "index": INDEX_BITS})


class Decoder(
    LoadCommands, StoreCommands, TileCommands, LineCommands, TableCommands, wiring.Component
):
    """Two stages, one command per cycle (one more after a configuration command, for a
    compute_depthwise after its preload, and for a mvin of more than eight blocks if `dim` is not a
    power of two).

    The first stage registers the command and multiplies rows by strides; the second checks it
    against docs/semantics.md, updates configuration and preload, and dispatches.

    If it :func:`checks_apart`, commands follow each other every third cycle: the first stage
    registers the factors, and the second takes three cycles. The product is made in the first of
    them, beside the checks that it has no part in; the others are made in the next.

    Members
    -------
    i : In(stream(CommandLayout))
    o : Out(stream(Dispatch))
    special : Out(stream(CommandLayout))
        `error` and `counter` commands, which answer with a value.
    error : Out(ErrorReport)
    number : In(32)
        Index of the command at `i`; if `sequential`, of the one inside.
    busy, done, index : Out(1), Out(1), Out(32)
        A command stands in the second stage; it leaves in this cycle; which one.
    loop_settings : Out(Settings)
        What the finished commands have left for loops.
    scale : Out(32), if `sequential`
        The stores', as the finished commands have left it: the machine's StoreOp does without.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(CommandLayout())),
                "o": Out(stream.Signature(Dispatch(config))),
                "special": Out(stream.Signature(CommandLayout())),
                "error": Out(ErrorReport()),
                "number": In(INDEX_BITS),
                "busy": Out(1),
                "done": Out(1),
                "index": Out(INDEX_BITS),
                "loop_settings": Out(Settings()),
            }
            | ({"scale": Out(32)} if config.sequential else {})
        )

    def elaborate(self, platform):
        m, apart = Module(), checks_apart(self.config)
        m.submodules.configuration = self.settings = Configuration(self.config)
        self.command = Signal(CommandLayout())
        counts = (self.config.dim, self.config.max_load_blocks, self.config.max_block_len)
        most = 10 if self.config.dw_lines else (max(counts) - 1).bit_length()
        # (rows or blocks - 1) · stride
        self.stride_bits = min(16, row_bits(self.config) + 1)
        self.distance = Signal(unsigned(most + self.stride_bits), reset_less=apart)
        self.reach = near(self.config, self.distance)
        self.wide = max(row_bits(self.config) + 1, 10) + 3  # bits of a sum of rows and columns
        self.first, self.last = Signal(self.wide), Signal(self.wide)  # where checks are apart
        self.whole = Signal()
        self.code = Signal(ErrorCode)
        self.early = Signal(ErrorCode) if apart else self.code  # as if there were no product
        self.known = Signal(ErrorCode, reset_less=True)  # `early`, a cycle later
        self._later = [(self.known, self.early)]  # registers, and what goes into them
        self.good = Signal()  # there is none; known in the cycle of `finish`
        self.finish = Signal()  # the second stage's command leaves
        self.dispatches = Signal()  # it goes to a unit
        self._preload_state()
        self._first_stage(m)
        m.d.comb += self.settings.command.eq(self.command)
        if self.config.sequential:
            m.d.comb += self.scale.eq(self.settings.store.scale)
        if apart:
            m.d.comb += self.code.eq(self.known)
            reach = Mux(self._kept(self.whole, "is_whole"), 0, self.reach)
            m.d.comb += self.last.eq(self._kept(self.first, "begins") + reach)
        if self.config.loop_ws or self.config.loop_conv:
            left = settings_of(self.config, self.settings)
            m.d.comb += [self.loop_settings[name].eq(value) for name, value in left.items()]
        with m.Switch(self.command.funct):
            for code, handler in self._handlers().items():
                with m.Case(code):
                    handler(m)
            with m.Default():
                m.d.comb += self.early.eq(ErrorCode.BAD_FUNCT)
        self._second_stage(m)
        if apart:
            m.d.sync += [register.eq(value) for register, value in self._later]
        return m

    def _handlers(self):
        handlers = {}
        for code, specs in BY_FUNCT.items():
            if not any(supported(self.config, spec) for spec in specs):
                handlers[code] = self._unsupported
        handlers[funct("config_ex")] = self._configure
        handlers[funct("flush")] = lambda m: None
        handlers[funct("mvout")] = self._mvout
        if self.config.spad_store:
            handlers[funct("mvout_spad")] = self._mvout_spad
        handlers[funct("preload")] = self._preload
        if self.config.stochastic:
            handlers[funct("random_seed")] = self._random_seed
        if self.config.weight_table:
            handlers[funct("weight_table")] = self._weight_table
        lines = self.config.dw_lines > 0
        handlers[funct("compute_depthwise")] = self._depthwise if lines else self._unsupported
        for kind in ("compute_preloaded", "compute_accumulated"):
            handlers[funct(kind)] = lambda m, kind=kind: self._compute(m, kind)
        for kind in MVIN_SETS:
            handlers[funct(kind)] = self._mvin
        for kind in ("error", "counter"):
            handlers[funct(kind)] = self._special
        return handlers

    # Stages

    def _first_stage(self, m: Module):
        """Register a command with its index and the one product that its checks need."""
        full, configures, accept = Signal(), Signal(), Signal()
        blocks, block_stride, counted = self._count_blocks(m, self.i.valid & ~configures, accept)
        waits = self.command.funct == funct("config_ex")
        if self.config.dw_lines:
            line = self.i.p.funct == funct("compute_depthwise")
            waits = waits | (line & (self.command.funct == funct("preload")))
        m.d.comb += [
            configures.eq(self.busy & waits),
            full.eq(self.busy & ~self.finish),
            self.i.ready.eq(~full & ~configures & counted),
            accept.eq(self.i.valid & self.i.ready),
        ]
        stride = Signal(16)
        factors = count, near_stride = (
            Signal(len(self.distance) - self.stride_bits),
            Signal(self.stride_bits),
        )
        m.d.comb += near_stride.eq(near(self.config, stride))
        with m.Switch(self.i.p.funct):
            with m.Case(*(funct(kind) for kind in MVIN_SETS)):
                m.d.comb += [count.eq(blocks), stride.eq(block_stride)]
            with m.Case(funct("mvout")):
                cols = field(self.i.p, "mvout", "cols")
                m.d.comb += [
                    count.eq(search(cols, self.config.dim, self.config.max_block_len)),
                    stride.eq(self.config.dim),
                ]
            if self.config.spad_store:
                with m.Case(funct("mvout_spad")):
                    m.d.comb += [
                        count.eq(field(self.i.p, "mvout_spad", "source_rows") - 1),
                        stride.eq(field(self.i.p, "mvout_spad", "stride")),
                    ]
            if self.config.dw_lines:
                with m.Case(funct("compute_depthwise")):
                    outputs, c_stride = self._line_product(self.i.p)
                    m.d.comb += [count.eq(outputs), stride.eq(c_stride)]
            with m.Case(funct("preload")):
                m.d.comb += [
                    count.eq(field(self.i.p, "preload", "c_rows") - 1),
                    stride.eq(self.settings.execute.c_stride),
                ]
            with m.Default():
                rows = field(self.i.p, "compute_preloaded", "a_rows")
                if self.config.transposes:
                    cols = field(self.i.p, "compute_preloaded", "a_cols")
                    rows = Mux(self.settings.execute.turn_a, cols, rows)
                m.d.comb += [
                    count.eq(rows - 1),
                    stride.eq(self.settings.execute.a_stride),
                ]
        with m.If(self.finish):
            m.d.sync += self.busy.eq(0)
        with m.If(accept):
            m.d.sync += [self.busy.eq(1), self.command.eq(self.i.payload)]
        if self.config.sequential:
            m.d.comb += self.index.eq(self.number)
        else:
            with m.If(accept):
                m.d.sync += self.index.eq(self.number)
        if checks_apart(self.config):
            kept = [Signal.like(each, name="factor", reset_less=True) for each in factors]
            with m.If(accept):
                m.d.sync += [old.eq(new) for old, new in zip(kept, factors, strict=True)]
            product = tree(m, *kept) if self.config.sequential else kept[0] * kept[1]
            self._later.append((self.distance, product))
        else:
            with m.If(accept):
                m.d.sync += self.distance.eq(count * near_stride)

    def _second_stage(self, m: Module):
        """Report, dispatch or simply finish."""
        checked, goes, special = (Signal(name=name) for name in ("checked", "goes", "special"))
        stands, code, dispatches = self.busy, self.code, self.dispatches
        checks = m.d.comb
        if checks_apart(self.config):
            checks = m.d.sync
            found, error = Signal(name="found"), data_register(m, self.error.code)
            checks += [found.eq(stands & ~self.finish), error.eq(code)]
            stands, dispatches = found & ~self.finish, self._kept(dispatches, "sends")
        else:
            checks += self.error.code.eq(code)
        none = code == ErrorCode.NONE
        checks += [
            checked.eq(stands),
            self.good.eq(none),
            goes.eq(dispatches & none),
            special.eq(responds(self.command.funct)),
        ]
        m.d.comb += [
            self.o.valid.eq(checked & goes),
            self.special.valid.eq(checked & special),
            self.special.payload.eq(self.command),
            self.finish.eq(
                checked
                & (~self.o.valid | self.o.ready)
                & (~self.special.valid | self.special.ready)
            ),
            self.error.valid.eq(checked & ~self.good),  # it waits for nobody
            self.error.index.eq(self.index),
            self.done.eq(self.finish),
        ]

    # Checks

    def _kept(self, value, name: str):
        """`value`, which the second stage's command alone decides: what it was a cycle before if
        checks are apart, and so not yet right in the command's first cycle."""
        if not checks_apart(self.config):
            return value
        kept = Signal(Value.cast(value).shape(), name=name, reset_less=True)
        self._later.append((kept, value))
        return kept

    def _last(self, m: Module, row, name: str, whole=0):
        """The local row that lies as far behind `row` as the product says, or `row` if that is the
        `whole` of it. Where checks are apart, a command has but one, and all share the sum."""
        if checks_apart(self.config):
            m.d.comb += [self.first.eq(row), self.whole.eq(whole)]
            return self.last
        last = Signal(self.wide, name=name)
        m.d.comb += last.eq(row + Mux(whole, 0, self.reach))
        return last

    def _check(self, m: Module, *early, late):
        """The error is that of the first condition that holds: one of `early`, in which the product
        has no part, or one of `late`, whose other parts are :meth:`_kept`."""
        if not checks_apart(self.config):
            first_failure(m, self.code, *early, *late)
            return
        first_failure(m, self.early, *early)
        with m.If(self.known == ErrorCode.NONE):
            first_failure(m, self.code, *late)

    # Commands

    def _unsupported(self, m: Module):
        m.d.comb += self.early.eq(ErrorCode.NOT_SUPPORTED)

    def _configure(self, m: Module):
        m.d.comb += [
            self.early.eq(self.settings.error),
            self.settings.apply.eq(self.finish & self.good),
        ]
        if self.config.output_stationary or self.config.transposes:
            with m.If(self.settings.apply & self.settings.forget):
                self._forget_preload(m)
        if self.config.normalisation:
            with m.If(self.command.rs1[:2] == BY_NAME["config_norm"].select):
                self._config_norm(m)

    def _special(self, m: Module):
        """Carried out by whoever takes it from the `special` stream."""

    def _get(self, kind: str):
        """Shorthand for the fields of a command of one kind."""
        return lambda name: field(self.command, kind, name)

    def _outside(self, local: LocalView, last):
        """Whether local row `last` lies beyond its memory."""
        sp, acc = self.config.sp_row_bits, self.config.acc_row_bits
        return Mux(local.acc, last[acc:].any(), last[sp:].any())

    def _span(self, m: Module, span, valid, acc, first, last):
        m.d.comb += [
            span.valid.eq(self._kept(valid, "touches")),
            span.acc.eq(acc),
            span.first.eq(first),
            span.last.eq(last),
        ]
