"""Between the command queue and the decoder: numbers commands and unrolls loops."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...config import Config
from ...isa import BY_FUNCT, BY_NAME, ErrorCode
from ..decoder import ErrorReport
from ..ops import INDEX_BITS, CommandLayout
from .conv import Convolution
from .inner import Numbered
from .matmul import Matmul
from .settings import Settings

UNITS = ("load", "execute", "store")


def of_group(code, group: str):
    """Whether a command of function code `code` belongs to a group."""
    members = (each for each, specs in BY_FUNCT.items() if specs[0].group == group)
    return Cat(code == each for each in members).any()


class Sequencer(wiring.Component):
    """Gives every command its index and puts in the place of a loop what it stands for.

    Without loops in the configuration commands pass in the same cycle; with loops they take one
    more. Ordinary commands wait until all loops before them have been sent.

    Members
    -------
    i : In(stream(CommandLayout)), o : Out(stream(Numbered))
    settings : In(Settings)
        The decoder's configuration after the commands that it has finished.
    levels : In(range(65)).array(3)
        Commands that wait at, or run in, each unit.
    decoder_busy : In(1)
        A command stands in the decoder.
    error : Out(ErrorReport)
        A loop that does not begin.
    accepted : Out(32)
        Commands taken; the index of the next one.
    busy : Out(1)
        Commands are inside.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(CommandLayout())),
                "o": Out(stream.Signature(Numbered())),
                "settings": In(Settings()),
                "levels": In(range(65)).array(3),
                "decoder_busy": In(1),
                "error": Out(ErrorReport()),
                "accepted": Out(INDEX_BITS),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += self.accepted.eq(self.accepted + 1)
        if self.config.loop_ws or self.config.loop_conv:
            self._loops(m)
        else:
            m.d.comb += [
                self.o.valid.eq(self.i.valid),
                self.o.p.command.eq(self.i.payload),
                self.o.p.index.eq(self.accepted),
                self.i.ready.eq(self.o.ready),
            ]
        return m

    def _loops(self, m: Module):
        kinds = {}
        if self.config.loop_ws:
            m.submodules.matmul = kinds["loop_ws"] = Matmul(self.config)
        if self.config.loop_conv:
            m.submodules.convolution = kinds["loop_conv_ws"] = Convolution(self.config)
        sends, waits, busy, looped = Signal(), Signal(), Signal(), Signal()
        sp_half, acc_half = Signal(), Signal()
        indices = [Signal(INDEX_BITS, name=f"index{n}") for n in range(2)]
        m.d.comb += [
            sends.eq(~self.o.valid | self.o.ready),
            busy.eq(Cat(kind.busy for kind in kinds.values()).any()),
            self.busy.eq(busy | self.o.valid),
            self.error.index.eq(self.accepted),
        ]
        with m.If(self.o.valid):  # may change the settings that a loop looks at
            m.d.sync += waits.eq(1)
        with m.Elif(~self.decoder_busy):
            m.d.sync += waits.eq(0)
        m.d.comb += self.i.ready.eq(~looped & ~busy & sends)
        for name, kind in kinds.items():
            mine, ready = of_group(self.i.p.funct, BY_NAME[name].group), Signal(name=f"{name}_may")
            begun = Signal(name=f"{name}_begun")  # and not taken yet
            m.d.sync += begun.eq(kind.i.valid & ~kind.i.ready)
            begins = self.i.p.funct == BY_NAME[name].funct
            m.d.comb += [
                ready.eq(~begins | kind.busy | begun | ~(busy | waits | self.o.valid)),
                kind.i.valid.eq(self.i.valid & mine & ready),
                kind.i.payload.eq(self.i.payload),
                kind.settings.eq(self.settings),
                kind.sp_half.eq(sp_half),
                kind.acc_half.eq(acc_half),
            ]
            with m.If(mine):
                m.d.comb += [looped.eq(1), self.i.ready.eq(kind.i.ready & ready)]
            with m.If(kind.code != ErrorCode.NONE):
                m.d.comb += [self.error.valid.eq(1), self.error.code.eq(kind.code)]
            with m.If(kind.accept):
                m.d.sync += [sp_half.eq(~sp_half), acc_half.eq(acc_half ^ kind.flips)]
                for n, index in enumerate(indices):
                    with m.If(kind.parity == n):
                        m.d.sync += index.eq(self.accepted)
        with m.If(sends):
            m.d.sync += self.o.valid.eq(0)
            with m.If(self.i.valid & ~looped & ~busy):
                m.d.sync += [
                    self.o.valid.eq(1),
                    self.o.p.command.eq(self.i.payload),
                    self.o.p.index.eq(self.accepted),
                ]
        self._merge(m, list(kinds.values()), sends, indices)

    def _merge(self, m: Module, kinds, sends, indices):
        """Loads before computes before stores, as far as their units have room."""
        config = self.config
        depths = (config.load_queue, config.execute_queue, config.store_queue)
        under_way = Signal(3), Signal(3)  # the unit of the command here, and in the decoder
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += under_way[1].eq(under_way[0])
        with m.If(sends):
            m.d.sync += under_way[0].eq(0)
        goes, sources = [], []
        for n, (name, depth) in enumerate(zip(UNITS, depths, strict=True)):
            source, level = getattr(kinds[0], name), Signal(range(68), name=f"{name}_level")
            inner, valid = Signal.like(source.p, name=f"{name}_inner"), source.valid
            m.d.comb += inner.eq(source.p)
            for kind in kinds[1:]:
                valid = valid | getattr(kind, name).valid
                with m.If(kind.busy):
                    m.d.comb += inner.eq(getattr(kind, name).p)
            m.d.comb += level.eq(
                self.levels[n]
                + (self.o.valid & under_way[0][n])
                + (self.decoder_busy & under_way[1][n])
            )
            goes.append(Signal(name=f"{name}_goes"))
            sources.append(inner)
            m.d.comb += goes[n].eq(valid & sends & ((level < depth) | inner.free))
        for n, name in enumerate(UNITS):
            with m.If(goes[n]) if n == 0 else m.Elif(goes[n]):
                m.d.comb += [getattr(kind, name).ready.eq(1) for kind in kinds]
                m.d.sync += [
                    self.o.valid.eq(1),
                    self.o.p.command.eq(sources[n].command),
                    self.o.p.index.eq(Mux(sources[n].parity, indices[1], indices[0])),
                    under_way[0][n].eq(~sources[n].free),
                ]
