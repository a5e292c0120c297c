"""The output path of mvout without a multiplier: saturation only."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..control.ops import shape_of
from ..formats import Int


class SaturateRow(wiring.Component):
    """``y = saturate(relu(x))`` of `lanes` elements per cycle, `latency` (1) cycle later.

    The same as :class:`.scale.ScaleRow` with scale 1.0, as long as the target has at most 24 bits:
    an integer that float32 would round lies outside it.

    Parameters
    ----------
    lanes : int
    source, target : Int
        The source at least as wide as the target.
    tag_shape : ShapeLike

    Members
    -------
    i : In(stream({values, relu, tag}))
    o : Out(stream({values, tag}))
    """

    latency = 1

    def __init__(self, lanes: int, source: Int, target: Int, tag_shape):
        self.source = source
        self.target = target
        whole = {
            "values": data.ArrayLayout(shape_of(source), lanes),
            "relu": 1,
            "tag": tag_shape,
        }
        narrow = {"values": data.ArrayLayout(shape_of(target), lanes), "tag": tag_shape}
        super().__init__(
            {
                "i": In(stream.Signature(data.StructLayout(whole))),
                "o": Out(stream.Signature(data.StructLayout(narrow))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        room = Signal()
        m.d.comb += [room.eq(self.o.ready | ~self.o.valid), self.i.ready.eq(room)]
        with m.If(room):
            m.d.sync += [self.o.valid.eq(self.i.valid), self.o.payload.tag.eq(self.i.payload.tag)]
            for value, out in zip(self.i.payload.values, self.o.payload.values, strict=True):
                m.d.sync += out.eq(self._saturated(value, self.i.payload.relu))
        return m

    def _saturated(self, value, relu):
        """The bits of the result: those from the target's magnitude up tell whether it fits."""
        magnitude = self.target.width - 1 if self.target.signed else self.target.width
        low, high = value[:magnitude], value[magnitude:]
        negative = value[-1] if self.source.signed else Const(0)
        if not self.target.signed:
            return (low | high.any().replicate(magnitude)) & ~negative.replicate(magnitude)
        beyond = high != negative.replicate(len(high))
        low = Mux(beyond, ~negative.replicate(magnitude), low)
        return Cat(low, negative) & ~(negative & relu).replicate(self.target.width)
