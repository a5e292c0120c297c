"""The sticky error register: the error of the lowest command index since it was cleared."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..isa import ErrorCode
from .decoder import ErrorReport
from .ops import INDEX_BITS


class ErrorRegister(wiring.Component):
    """Keeps one of the errors that `sources` units report, each for one cycle. All indices are
    compared at once, so that a source may say so late in the cycle.

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
        reports, before = [held, *self.sources], []
        for n, report in enumerate(reports):
            before.append([self._lower(report, other) for other in reports[:n]])
        m.d.sync += [self.code.eq(ErrorCode.NONE), self.index.eq(0)]
        for n, report in enumerate(reports):
            beaten = [reports[k].valid & ~lower for k, lower in enumerate(before[n])]
            later = range(n + 1, len(reports))
            beaten += [reports[k].valid & before[k][n] for k in later]
            with m.If(report.valid & ~Cat(beaten).any()):
                m.d.sync += [self.code.eq(report.code), self.index.eq(report.index)]
        return m

    def _lower(self, report, other):
        """Whether a report counts more than one that stands before it."""
        lower = report.index < other.index
        if self.loops:
            lower |= (report.index == other.index) & (report.code < other.code)
        return lower
