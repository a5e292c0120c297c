"""The conversion of one element: what a lane of the scale path is made of."""

from dataclasses import dataclass

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import ArrayLike, NDArray

from ..control.ops import shape_of
from ..formats import Format
from ..formats.scaling import scale
from .multiply import FACTOR, Multiply
from .order import element_format, relu
from .pack import Pack
from .to24 import To24


@dataclass(frozen=True)
class Convert:
    """``target(to24(to24(relu(x)) · factor))``, every rounding to nearest even.

    Without `scaled` there is no factor, and the result is that of factor 1.
    """

    source: Format
    target: Format
    scaled: bool = True

    @property
    def to24(self) -> To24:
        return To24(self.source)

    @property
    def multiply(self) -> Multiply:
        return Multiply(self.to24.layout)

    @property
    def pack(self) -> Pack:
        return Pack(self.multiply.layout if self.scaled else self.to24.layout, self.target)

    @property
    def latency(self) -> int:
        """Enabled cycles: 5 to 7, two less without multiplier."""
        return self.to24.latency + self.scaled * self.multiply.latency + self.pack.latency

    def golden(self, values: ArrayLike, factor: float = 1.0, relu: bool = False) -> NDArray:
        """Values of the target for values of the source (float64, or integers)."""
        return scale(values, factor, element_format(self.target), relu)

    def create(self) -> "ConvertUnit":
        return ConvertUnit(self)


class ConvertUnit(wiring.Component):
    """A pipeline that moves when `enable` is 1.

    Members
    -------
    enable : In(1)
    i : In(shape_of(source))
    relu : In(1), with `i`
    factor : In(FACTOR), `to24.latency` enabled cycles later, if `scaled`
    o : Out(shape_of(target)), `latency` enabled cycles after `i`
    """

    def __init__(self, parameters: Convert):
        self.parameters = parameters
        ports = {
            "enable": In(1),
            "i": In(shape_of(parameters.source)),
            "relu": In(1),
            "o": Out(shape_of(parameters.target)),
        }
        super().__init__(ports | ({"factor": In(FACTOR)} if parameters.scaled else {}))

    def elaborate(self, platform):
        m = Module()
        p = self.parameters
        m.submodules.to24 = to24 = p.to24.create()
        m.submodules.pack = pack = p.pack.create()
        m.d.comb += [
            to24.enable.eq(self.enable),
            to24.i.eq(relu(p.source, self.i, self.relu)),
            pack.enable.eq(self.enable),
            self.o.eq(pack.o),
        ]
        number = to24.o
        if p.scaled:
            m.submodules.multiply = multiply = p.multiply.create()
            m.d.comb += [
                multiply.enable.eq(self.enable),
                multiply.a.eq(number),
                multiply.b.eq(self.factor),
            ]
            number = multiply.o
        m.d.comb += pack.i.eq(number)
        return m
