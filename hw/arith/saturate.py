"""The output path of mvout without a multiplier: saturation only."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import connect, flipped

from ..formats import Format, Int
from ..register import data_register
from .convert import Convert
from .row import ConvertRow, row_ports


def conversion(source: Format, target: Format) -> Convert | None:
    """What a lane is made of, if saturation is not enough."""
    integers = isinstance(source, Int) and isinstance(target, Int)
    return None if integers else Convert(source, target, scaled=False)


def saturate_latency(source: Format, target: Format) -> int:
    """Cycles of a row through :class:`SaturateRow`."""
    convert = conversion(source, target)
    return convert.latency if convert else 1


def saturated(value: Value, relu: Value, source: Int, target: Int) -> Value:
    """The bits of ``saturate(relu(value))`` between integers: those from the target's magnitude up
    tell whether it fits."""
    magnitude = target.width - 1 if target.signed else target.width
    low, high = value[:magnitude], value[magnitude:]
    negative = value[-1] if source.signed else Const(0)
    if not target.signed:
        return (low | high.any().replicate(magnitude)) & ~negative.replicate(magnitude)
    beyond = high != negative.replicate(len(high))
    low = Mux(beyond, ~negative.replicate(magnitude), low)
    return Cat(low, negative) & ~(negative & relu).replicate(target.width)


class SaturateRow(wiring.Component):
    """``y = saturate(relu(x))`` of `lanes` elements per cycle, `latency` cycles later.

    The same as :class:`.scale.ScaleRow` with scale 1.0. Between integers it takes a cycle, and the
    target has at most 24 bits: an integer that float32 would round lies outside it. Other formats
    take 3 to 5 cycles.

    Parameters
    ----------
    lanes : int
    source, target : Format
        Between integers: the source at least as wide as the target.
    tag_shape : ShapeLike

    Members
    -------
    i : In(stream({values, relu, tag}))
    o : Out(stream({values, tag}))
    """

    def __init__(self, lanes: int, source: Format, target: Format, tag_shape):
        self.source = source
        self.target = target
        self.convert = conversion(source, target)
        self.tag_shape = tag_shape
        self.lanes = lanes
        super().__init__(row_ports(lanes, source, target, tag_shape, scaled=False))

    @property
    def latency(self) -> int:
        """Cycles from `i` to `o`."""
        return saturate_latency(self.source, self.target)

    def elaborate(self, platform):
        m = Module()
        if self.convert:
            m.submodules.row = row = ConvertRow(self.lanes, self.convert, self.tag_shape)
            connect(m, flipped(self.i), row.i)
            connect(m, row.o, flipped(self.o))
            return m
        room = Signal()
        m.d.comb += [room.eq(self.o.ready | ~self.o.valid), self.i.ready.eq(room)]
        kept = data_register(m, self.o.payload)
        with m.If(room):
            m.d.sync += [self.o.valid.eq(self.i.valid), kept.tag.eq(self.i.payload.tag)]
            for value, out in zip(self.i.payload.values, kept.values, strict=True):
                m.d.sync += out.eq(saturated(value, self.i.payload.relu, self.source, self.target))
        return m
