"""Commands as custom-0 instructions: the port of VexRiscv's CFU plug-in."""

from amaranth.hdl import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .issue import Issuer, Kind, issuing, pass_on


class CfuCommand(data.StructLayout):
    """`function` holds funct3 in [2:0] and funct7 in [9:3]."""

    def __init__(self):
        super().__init__({"function": 10, "inputs_0": 32, "inputs_1": 32})


class Cfu(wiring.Signature):
    """The core's side: one response per command, in order.

    Members
    -------
    command : Out(stream(CfuCommand))
    response : In(stream(32))
    """

    def __init__(self):
        super().__init__(
            {
                "command": Out(stream.Signature(CfuCommand())),
                "response": In(stream.Signature(32)),
            }
        )


class CfuPort(wiring.Component):
    """Custom-0, R-type: funct3 is a :class:`~hw.bus.issue.Kind`, funct7 the command's funct.

    Other values of funct3 answer 0. Two instructions a command, one if both upper halves
    are zero; each takes a cycle unless it has to wait.

    Members
    -------
    cfu : In(Cfu())
    command, response, read_request, read_data, busy, error, hold, idle, fault, status
        As in :class:`~hw.bus.issue.Issuer`.
    """

    def __init__(self, depth: int, width: int):
        self.depth = depth
        self.width = width
        super().__init__(
            {
                "cfu": In(Cfu()),
                **issuing(width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.issuer = issuer = Issuer(self.depth, self.width)
        pass_on(m, self, issuer)
        connect(m, issuer.answer, flipped(self.cfu.response))
        ask = self.cfu.command
        m.d.comb += [
            issuer.request.valid.eq(ask.valid),
            ask.ready.eq(issuer.request.ready),
            issuer.request.payload.kind.eq(Kind(ask.payload.function[:3])),
            issuer.request.payload.funct.eq(ask.payload.function[3:]),
            issuer.request.payload.a.eq(ask.payload.inputs_0),
            issuer.request.payload.b.eq(ask.payload.inputs_1),
        ]
        return m
