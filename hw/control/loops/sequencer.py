"""Between the command queue and the decoder: numbers commands and unrolls loops."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...config import Config
from ...isa import BY_FUNCT, ErrorCode
from ..decoder import ErrorReport
from ..ops import INDEX_BITS, CommandLayout
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
        m.submodules.matmul = matmul = Matmul(self.config)
        looped, settled, sends = Signal(), Signal(), Signal()
        indices = [Signal(INDEX_BITS, name=f"index{n}") for n in range(2)]
        sp_half, acc_half = Signal(), Signal()
        waits = Signal()  # an ordinary command may stand between here and the configuration
        m.d.comb += [
            looped.eq(of_group(self.i.p.funct, "loop_ws")),
            sends.eq(~self.o.valid | self.o.ready),
            settled.eq(matmul.busy | ~waits),
            matmul.i.valid.eq(self.i.valid & looped & settled),
            matmul.i.payload.eq(self.i.payload),
            matmul.settings.eq(self.settings),
            matmul.sp_half.eq(sp_half),
            matmul.acc_half.eq(acc_half),
            self.busy.eq(matmul.busy | self.o.valid),
            self.error.valid.eq(matmul.code != ErrorCode.NONE),
            self.error.code.eq(matmul.code),
            self.error.index.eq(self.accepted),
        ]
        passes = self.i.valid & ~looped & ~matmul.busy & sends
        m.d.comb += self.i.ready.eq(Mux(looped, matmul.i.ready & settled, ~matmul.busy & sends))
        with m.If(matmul.accept):
            m.d.sync += [sp_half.eq(~sp_half), acc_half.eq(acc_half ^ matmul.flips)]
            for n, index in enumerate(indices):
                with m.If(matmul.parity == n):
                    m.d.sync += index.eq(self.accepted)
        with m.If(sends):
            m.d.sync += self.o.valid.eq(passes)
        with m.If(passes):
            m.d.sync += [self.o.p.command.eq(self.i.payload), self.o.p.index.eq(self.accepted)]
            m.d.sync += waits.eq(1)
        with m.Elif(~self.o.valid & ~self.decoder_busy):
            m.d.sync += waits.eq(0)
        self._merge(m, matmul, sends, indices)

    def _merge(self, m: Module, loops, sends, indices):
        """Loads before computes before stores, as far as their units have room."""
        config = self.config
        depths = (config.load_queue, config.execute_queue, config.store_queue)
        under_way = Signal(3), Signal(3)  # the unit of the command here, and in the decoder
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += under_way[1].eq(under_way[0])
        with m.If(sends):
            m.d.sync += under_way[0].eq(0)
        goes = []
        for n, (name, depth) in enumerate(zip(UNITS, depths, strict=True)):
            source, level = getattr(loops, name), Signal(range(68), name=f"{name}_level")
            m.d.comb += level.eq(
                self.levels[n]
                + (self.o.valid & under_way[0][n])
                + (self.decoder_busy & under_way[1][n])
            )
            goes.append(Signal(name=f"{name}_goes"))
            m.d.comb += goes[n].eq(source.valid & sends & ((level < depth) | source.p.free))
        for n, name in enumerate(UNITS):
            source = getattr(loops, name)
            with m.If(goes[n]) if n == 0 else m.Elif(goes[n]):
                m.d.comb += source.ready.eq(1)
                m.d.sync += [
                    self.o.valid.eq(1),
                    self.o.p.command.eq(source.p.command),
                    self.o.p.index.eq(Mux(source.p.parity, indices[1], indices[0])),
                    under_way[0][n].eq(~source.p.free),
                ]
