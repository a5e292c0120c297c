"""The scaling of a row: the output path of mvout and the input path of mvin."""

import numpy as np
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import ArrayLike, NDArray

from ..control.ops import shape_of
from ..formats import Int
from .float32 import FACTOR, Float32Multiply, Float32ToInt, IntToFloat32, take_apart


class ScaleRow(wiring.Component):
    """``y = saturate(round(float32(float32(relu(x)) * scale)))`` of `lanes` elements per cycle.

    Three roundings, each to nearest even: integer to float32, the product, float32 to integer.
    `scale` is any finite float32, the same for all lanes of a row.

    One row per cycle; `latency` cycles from `i` to `o` (6, or 5 if every source value is a
    float32). The pipeline stands still while a row at `o` waits.

    Parameters
    ----------
    lanes : int
    source, target : Int
    tag_shape : ShapeLike
        What travels along with a row.

    Members
    -------
    i : In(stream({values, scale, relu, tag}))
    o : Out(stream({values, tag}))
    """

    def __init__(self, lanes: int, source: Int, target: Int, tag_shape):
        self.lanes = lanes
        self.source = source
        self.target = target
        self.tag_shape = tag_shape
        self.to_float = IntToFloat32(source)
        self.multiply = Float32Multiply(self.to_float.result)
        self.to_int = Float32ToInt(target)
        super().__init__(
            {
                "i": In(
                    stream.Signature(
                        data.StructLayout(
                            {
                                "values": data.ArrayLayout(shape_of(source), lanes),
                                "scale": 32,
                                "relu": 1,
                                "tag": tag_shape,
                            }
                        )
                    )
                ),
                "o": Out(
                    stream.Signature(
                        data.StructLayout(
                            {
                                "values": data.ArrayLayout(shape_of(target), lanes),
                                "tag": tag_shape,
                            }
                        )
                    )
                ),
            }
        )

    @property
    def latency(self) -> int:
        """Cycles from `i` to `o`."""
        return self.to_float.latency + self.multiply.latency + self.to_int.latency

    def golden(self, values: ArrayLike, scale: float, relu: bool = False) -> NDArray[np.int64]:
        """The same in numpy."""
        values = np.asarray(values, dtype=np.int64)
        if relu:
            values = np.maximum(values, 0)
        product = self.multiply.golden(self.to_float.golden(values), scale)
        return self.to_int.golden(product)

    def elaborate(self, platform):
        m = Module()
        enable = Signal()
        m.d.comb += [enable.eq(self.o.ready | ~self.o.valid), self.i.ready.eq(enable)]

        def delay(value, shape, cycles, name):
            for n in range(cycles):
                register = Signal(shape, name=f"{name}_{n}")
                with m.If(enable):
                    m.d.sync += register.eq(value)
                value = register
            return value

        payload = self.i.payload
        taken = Signal(FACTOR)
        m.d.comb += [taken[name].eq(v) for name, v in take_apart(payload.scale).items()]
        factor = delay(taken, FACTOR, self.to_float.latency, "factor")
        m.d.comb += [
            self.o.valid.eq(delay(self.i.valid, 1, self.latency, "valid")),
            self.o.payload.tag.eq(delay(payload.tag, self.tag_shape, self.latency, "tag")),
        ]
        for lane in range(self.lanes):
            m.submodules[f"to_float_{lane}"] = to_float = self.to_float.create()
            m.submodules[f"multiply_{lane}"] = multiply = self.multiply.create()
            m.submodules[f"to_int_{lane}"] = to_int = self.to_int.create()
            value = payload.values[lane]
            clear = payload.relu & (value < 0)
            m.d.comb += [
                to_float.enable.eq(enable),
                multiply.enable.eq(enable),
                to_int.enable.eq(enable),
                to_float.i.eq(Mux(clear, 0, value)),
                multiply.a.eq(to_float.o),
                multiply.b.eq(factor),
                to_int.i.eq(multiply.o),
                self.o.payload.values[lane].eq(to_int.o),
            ]
        return m
