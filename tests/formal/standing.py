"""Any component among partners that keep the rules of streams: does it keep them too?"""

from amaranth.hdl import Assert, Assume, Cover, Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Out

from sim.formal import Inside, anything


def flat(value):
    """The bits of a payload."""
    return value.as_value() if hasattr(value, "as_value") else value


def waits(m: Module, s, name: str):
    """Whether a payload stood and was not taken in the cycle before; and that payload."""
    stood = Signal(name=f"{name}_stood")
    was = Signal(len(flat(s.payload)), name=f"{name}_was")
    m.d.sync += [stood.eq(s.valid & ~s.ready), was.eq(flat(s.payload))]
    return stood, was


def stands(m: Module, s, name: str):
    """Assert that payloads of stream `s` stand until they are taken, and that some wait and go."""
    stood, was = waits(m, s, name)
    m.d.comb += [
        Assert(~stood | (s.valid & (flat(s.payload) == was)), src_loc_at=1),
        Cover(stood & s.valid & s.ready, src_loc_at=1),
    ]


class Standing(Elaboratable):
    """`component` with free inputs; payloads on its input streams stand, those it sends must.

    `rule(m, component, inside)` may assume more of its inputs, or assert what holds inside.
    """

    def __init__(self, component: wiring.Component, rule=lambda m, component, inside: None):
        self.component, self.rule = component, rule
        self.inside = Inside(component)

    def elaborate(self, platform):
        m = Module()
        m.submodules.component = self.inside
        self._walk(m, self.component, self.component.signature, "")
        self.rule(m, self.component, self.inside)
        return m

    def _walk(self, m: Module, interface, signature, path: str):
        for name, member in signature.members.items():
            outward = member.flow == Out
            inner = (
                (getattr(interface, name),) if not member.dimensions else getattr(interface, name)
            )
            for n, one in enumerate(inner):
                label = f"{path}{name}{n if member.dimensions else ''}"
                if member.is_port:
                    if not outward:
                        m.d.comb += one.eq(anything(m, member.shape, label))
                elif isinstance(member.signature, stream.Signature):
                    self._stream(m, one, label, outward)
                else:
                    self._walk(m, one, member.signature, f"{label}_")

    def _stream(self, m: Module, s, label: str, outward: bool):
        if outward:
            m.d.comb += s.ready.eq(anything(m, 1, f"{label}_ready"))
            stands(m, s, label)
            return
        m.d.comb += [
            s.valid.eq(anything(m, 1, f"{label}_valid")),
            s.payload.eq(anything(m, s.payload.shape(), f"{label}_payload")),
        ]
        stood, was = waits(m, s, label)
        m.d.comb += Assume(~stood | (s.valid & (flat(s.payload) == was)))
