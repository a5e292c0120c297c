"""Commands through memory-mapped registers, for cores without custom instructions."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ..soc.map import COMMAND
from .issue import Issuer, Kind, issuing, pass_on
from .registers import RegisterBus


class MmioPort(wiring.Component):
    """The registers of :data:`hw.soc.map.COMMAND` in front of an issuer.

    A write to `issue` ends when the command is in the queue (and its response is there); a read
    of `wait` when everything has retired.

    Members
    -------
    bus : In(RegisterBus())
    command, response, read_request, read_data, busy, error, hold, idle, fault, status
        As in :class:`~hw.bus.issue.Issuer`.
    """

    def __init__(self, depth: int, width: int):
        self.depth = depth
        self.width = width
        super().__init__(
            {
                "bus": In(RegisterBus()),
                **issuing(width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.issuer = issuer = Issuer(self.depth, self.width)
        pass_on(m, self, issuer)
        m.d.comb += [
            issuer.answer.ready.eq(1),
        ]
        self._registers(m, issuer)
        return m

    def _registers(self, m, issuer):
        bus, answer = self.bus, issuer.answer
        low = [Signal(32, name=name) for name in ("rs1_low", "rs2_low")]
        high, names = [issuer.staged.a, issuer.staged.b], ("rs1_high", "rs2_high")
        last = Signal(32)

        def at(name, write):
            return (bus.word == COMMAND.word(name)) & (bus.write == write)

        def ask(kind, a, b, then):
            request = issuer.request
            m.d.comb += [
                request.valid.eq(1),
                request.payload.kind.eq(kind),
                request.payload.funct.eq(bus.data_w[:7]),
                request.payload.a.eq(a),
                request.payload.b.eq(b),
            ]
            with m.If(request.ready):
                m.next = then

        with m.FSM(name="mmio"):
            with m.State("IDLE"):
                with m.If(bus.select & at("issue", 1)):
                    m.next = "ISSUE"
                with m.Elif(bus.select & at("status", 0)):
                    m.next = "STATUS"
                with m.Elif(bus.select & at("wait", 0)):
                    m.next = "WAIT"
                with m.Elif(bus.select & at("run", 1)):
                    m.next = "RUN"
                with m.Elif(bus.select):
                    m.d.comb += bus.done.eq(1)
                    m.d.comb += bus.data_r.eq(last)
                    for register in low:
                        with m.If(at(register.name, 1)):
                            m.d.sync += register.eq(bus.data_w)
                        with m.If(at(register.name, 0)):
                            m.d.comb += bus.data_r.eq(register)
                    for n, (name, register) in enumerate(zip(names, high, strict=True)):
                        halves = (bus.data_w, high[1]) if n == 0 else (high[0], bus.data_w)
                        with m.If(at(name, 1)):
                            ask(Kind.STAGE, *halves, then="IDLE")
                            m.d.comb += bus.done.eq(issuer.request.ready)
                        with m.If(at(name, 0)):
                            m.d.comb += bus.data_r.eq(register)
            with m.State("ISSUE"):
                ask(Kind.ISSUE, *low, then="ANSWER")
            with m.State("STATUS"):
                ask(Kind.STATUS, 0, 0, then="ANSWER")
            with m.State("WAIT"):
                ask(Kind.WAIT, 0, 0, then="ANSWER")
            with m.State("RUN"):
                ask(Kind.RUN, low[0], bus.data_w, then="ANSWER")
            with m.State("ANSWER"):
                m.d.comb += [bus.done.eq(answer.valid), bus.data_r.eq(answer.payload)]
                with m.If(answer.valid):
                    m.next = "IDLE"
                with m.If(answer.valid & bus.write):
                    m.d.sync += last.eq(answer.payload)
