"""The sticky error register: the error of the lowest command index since it was cleared."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..isa import ErrorCode
from .decoder import ErrorReport
from .ops import INDEX_BITS


class ErrorRegister(wiring.Component):
    """Keeps one of the errors that `sources` units report, each for one cycle. A source that says
    so late in the cycle stands last: its index has been compared with the others' by then.

    With `loops` several may have the same index; then the lowest code counts.

    Members
    -------
    sources : list of In(ErrorReport)
    clear : In(1)
        Forget; an error reported in the same cycle is kept.
    code : Out(ErrorCode), index : Out(32)
    """

    def __init__(self, sources: int, loops: bool = False):
        self.loops = loops
        super().__init__(
            {
                "sources": In(ErrorReport()).array(sources),
                "clear": In(1),
                "code": Out(ErrorCode),
                "index": Out(INDEX_BITS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        held = Signal(ErrorReport())
        m.d.comb += [
            held.valid.eq((self.code != ErrorCode.NONE) & ~self.clear),
            held.code.eq(self.code),
            held.index.eq(self.index),
        ]
        best = held
        for n, source in enumerate(self.sources):
            better = Signal(ErrorReport(), name=f"best{n}")
            m.d.comb += better.eq(best)
            lower = source.index < best.index
            if self.loops:
                lower |= (source.index == best.index) & (source.code < best.code)
            with m.If(source.valid & (~best.valid | lower)):
                m.d.comb += better.eq(source)
            best = better
        m.d.sync += [self.code.eq(ErrorCode.NONE), self.index.eq(0)]
        with m.If(best.valid):
            m.d.sync += [self.code.eq(best.code), self.index.eq(best.index)]
        return m
