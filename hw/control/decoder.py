"""The decoder: checks commands in order and turns them into ops for the units."""

from amaranth.hdl import Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import Config
from ..isa import BY_FUNCT, ErrorCode, supported
from .configuration import Configuration
from .decode_move import MoveCommands
from .decode_tile import TileCommands
from .fields import LocalView, field, funct, responds
from .ops import INDEX_BITS, CommandLayout, Dispatch

MVIN_SETS = ("mvin", "mvin2", "mvin3")


class ErrorReport(data.StructLayout):
    """`valid` for one cycle: command `index` was not executed because of `code`."""

    def __init__(self):
        super().__init__({"valid": 1, "code": ErrorCode, "index": INDEX_BITS})


class Decoder(MoveCommands, TileCommands, wiring.Component):
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
            if not any(supported(self.config, spec) for spec in specs):
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
            special.eq(responds(self.command.funct)),
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

    def _span(self, m: Module, span, valid, acc, first, last):
        m.d.comb += [
            span.valid.eq(valid),
            span.acc.eq(acc),
            span.first.eq(first),
            span.last.eq(last),
        ]
