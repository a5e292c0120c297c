"""A row of elements through lanes that convert them."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..control.ops import shape_of
from ..formats import Format
from .convert import Convert
from .multiply import FACTOR, take_apart


def row_ports(lanes: int, source: Format, target: Format, tag_shape, scaled: bool) -> dict:
    """Members of what converts rows: ``i`` with values, scale (if `scaled`), relu and tag, ``o``
    with values and tag.
    """
    before = {"values": data.ArrayLayout(shape_of(source), lanes)}
    before |= {"scale": 32} if scaled else {}
    before |= {"relu": 1, "tag": tag_shape}
    after = {"values": data.ArrayLayout(shape_of(target), lanes), "tag": tag_shape}
    return {
        "i": In(stream.Signature(data.StructLayout(before))),
        "o": Out(stream.Signature(data.StructLayout(after))),
    }


class ConvertRow(wiring.Component):
    """`lanes` elements per cycle, `convert.latency` cycles from `i` to `o`.

    The pipeline stands still while a row at `o` waits.

    Parameters
    ----------
    lanes : int
    convert : Convert
    tag_shape : ShapeLike
        What travels along with a row.

    Members
    -------
    i : In(stream({values, scale, relu, tag})); scale if the conversion is scaled
    o : Out(stream({values, tag}))
    """

    def __init__(self, lanes: int, convert: Convert, tag_shape):
        self.lanes = lanes
        self.convert = convert
        self.tag_shape = tag_shape
        formats = convert.source, convert.target
        super().__init__(row_ports(lanes, *formats, tag_shape, convert.scaled))

    @property
    def latency(self) -> int:
        """Cycles from `i` to `o`."""
        return self.convert.latency

    def elaborate(self, platform):
        m = Module()
        enable = Signal()
        m.d.comb += [enable.eq(self.o.ready | ~self.o.valid), self.i.ready.eq(enable)]

        def delay(value, shape, cycles, name):
            for n in range(cycles):
                register = Signal(shape, name=f"{name}_{n}", reset_less=name != "valid")
                with m.If(enable):
                    m.d.sync += register.eq(value)
                value = register
            return value

        payload = self.i.payload
        m.d.comb += [
            self.o.valid.eq(delay(self.i.valid, 1, self.latency, "valid")),
            self.o.payload.tag.eq(delay(payload.tag, self.tag_shape, self.latency, "tag")),
        ]
        if self.convert.scaled:
            taken = Signal(FACTOR)
            m.d.comb += [taken[name].eq(v) for name, v in take_apart(payload.scale).items()]
            factor = delay(taken, FACTOR, self.convert.to24.latency, "factor")
        for n in range(self.lanes):
            m.submodules[f"lane_{n}"] = lane = self.convert.create()
            m.d.comb += [
                lane.enable.eq(enable),
                lane.i.eq(payload.values[n]),
                lane.relu.eq(payload.relu),
                self.o.payload.values[n].eq(lane.o),
            ]
            if self.convert.scaled:
                m.d.comb += lane.factor.eq(factor)
        return m
