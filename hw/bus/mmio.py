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
        m.submodules.issuer = issuer = Issuer(self.depth, self.width, wide=True)
        pass_on(m, self, issuer)
        m.d.comb += [
            issuer.answer.ready.eq(1),
        ]
        self._registers(m, issuer)
        return m

    def _registers(self, m, issuer):
        bus, answer, ask = self.bus, issuer.answer, issuer.request
        names = ("rs1_low", "rs2_low", "rs1_high", "rs2_high")
        kept = {name: Signal(32, name=name) for name in names}
        last = Signal(32)

        def at(name, write):
            return (bus.word == COMMAND.word(name)) & (bus.write == write)

        m.d.comb += [
            ask.p.funct.eq(bus.data_w[:7]),
            ask.p.a.eq(kept["rs1_low"]),
            ask.p.b.eq(kept["rs2_low"]),
            ask.p.a_upper.eq(kept["rs1_high"]),
            ask.p.b_upper.eq(kept["rs2_high"]),
        ]
        kinds = (
            (at("issue", 1), "ISSUE"),
            (at("status", 0), "STATUS"),
            (at("wait", 0), "WAIT"),
            (at("run", 1), "RUN"),
        )
        with m.FSM(name="mmio"):
            with m.State("IDLE"):
                m.d.comb += bus.data_r.eq(last)
                with m.If(bus.select):
                    m.d.comb += bus.done.eq(1)
                    for name, register in kept.items():
                        with m.If(at(name, 1)):
                            m.d.sync += register.eq(bus.data_w)
                    for chosen, kind in kinds:
                        with m.If(chosen):
                            m.d.comb += bus.done.eq(0)
                            m.next = kind
            for _, kind in kinds:
                with m.State(kind):
                    m.d.comb += [ask.valid.eq(1), ask.p.kind.eq(Kind[kind])]
                    if kind == "RUN":
                        m.d.comb += ask.p.b.eq(bus.data_w)
                    with m.If(ask.ready):
                        m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += [bus.done.eq(answer.valid), bus.data_r.eq(answer.payload)]
                with m.If(answer.valid):
                    m.next = "IDLE"
                with m.If(answer.valid & bus.write):
                    m.d.sync += last.eq(answer.payload)
                    m.d.sync += [kept[name].eq(0) for name in ("rs1_high", "rs2_high")]
