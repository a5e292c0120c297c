"""Commands as custom-1 instructions: PicoRV32's co-processor port."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..soc.host import CUSTOM
from .issue import Issuer, Kind, issuing, pass_on


class Pcpi(wiring.Signature):
    """The Pico Co-Processor Interface, from the core's side (PicoRV32's README).

    Members
    -------
    valid : Out(1)
        Stays with what belongs to it until `ready`.
    instruction, rs1, rs2 : Out(32)
    wait : In(1)
        Somebody knows the instruction; without it the core gives up after 16 cycles.
    ready : In(1)
    rd : In(32)
    """

    def __init__(self):
        super().__init__(
            {
                "valid": Out(1),
                "instruction": Out(32),
                "rs1": Out(32),
                "rs2": Out(32),
                "wait": In(1),
                "ready": In(1),
                "rd": In(32),
            }
        )


class PcpiPort(wiring.Component):
    """Custom-1, R-type: funct3 is a :class:`~hw.bus.issue.Kind`, funct7 the command's funct.

    Other values of funct3 answer 0. Two instructions a command, one if both upper halves are
    zero; each takes two cycles of the port unless it has to wait.

    Members
    -------
    pcpi : In(Pcpi())
    command, response, read_request, read_data, busy, error, hold, idle, fault, status
        As in :class:`~hw.bus.issue.Issuer`.
    """

    def __init__(self, depth: int, width: int):
        self.depth = depth
        self.width = width
        super().__init__({"pcpi": In(Pcpi()), **issuing(width)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.issuer = issuer = Issuer(self.depth, self.width)
        pass_on(m, self, issuer)
        pcpi, request, asked = self.pcpi, issuer.request, Signal()
        ours = pcpi.valid & (pcpi.instruction[:7] == CUSTOM["pcpi"])
        m.d.comb += [
            request.valid.eq(ours & ~asked),
            request.payload.kind.eq(Kind(pcpi.instruction[12:15])),
            request.payload.funct.eq(pcpi.instruction[25:]),
            request.payload.a.eq(pcpi.rs1),
            request.payload.b.eq(pcpi.rs2),
            issuer.answer.ready.eq(asked),
            pcpi.wait.eq(ours),
            pcpi.ready.eq(asked & issuer.answer.valid),
            pcpi.rd.eq(issuer.answer.payload),
        ]
        with m.If(pcpi.ready):
            m.d.sync += asked.eq(0)
        with m.Elif(request.valid & request.ready):
            m.d.sync += asked.eq(1)
        return m
