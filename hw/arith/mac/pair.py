"""Two products of one factor in a single multiplication."""

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .block import STEPS, block_product, has_block, partition_block
from .chain import chain, plus
from .line import Line, partition


class PairMac(wiring.Component):
    """Two :class:`.integer.IntMac` with the same input, of parameters with as many stages.

    The multiplication is ``a * (v * 2**p + w)``, where ``a * w`` fits into p bits: these are the
    lower p bits of the result; the bits above are ``a * v``, less one if ``a * w`` is negative,
    which its sum gets back as a carry.

    Members
    -------
    input : In(input_layout)
    weight : In(weight_layout), two of them
    sum_in : In(sum_layout), two
    sum_out : Out(sum_layout), two
    """

    def __init__(self, parameters):
        self.parameters = p = parameters
        super().__init__(
            {
                "input": In(p.input_layout),
                "weight": In(p.weight_layout).array(2),
                "sum_in": In(p.sum_layout).array(2),
                "sum_out": Out(p.sum_layout).array(2),
            }
        )

    def elaborate(self, platform):
        m = Module()
        stages, places = self.parameters.stages, sum(self.parameters.bits)
        a, weights = self.input, self._packed(m, places)
        block = stages >= 3 and has_block(platform, a, weights)
        counts = [n - 1 for n in partition_block(stages)] if block else partition(STEPS, stages)
        line = Line(m, counts)
        x = line.cut(a=a, weights=weights)
        product = block_product(m, x.a, x.weights) if block else x.a * x.weights
        product = line.cut(product=product).product
        signed = product.shape().signed
        low, high = product[:places], product[places : 2 * places]
        less = low[-1] if signed else Const(0, 1)
        for n, (part, carry) in enumerate(((low, Const(0, 1)), (high, less))):
            term = _wide(part, len(self.sum_in[n]), signed)
            m.d.sync += self.sum_out[n].eq(chain(m, f"sum{n}", plus(self.sum_in[n], term), carry))
        return m

    def _packed(self, m: Module, places: int) -> Value:
        w, v = self.weight
        signed = w.shape().signed
        both = Cat(_wide(w, places, signed), v - w[-1] if signed else v)
        weights = Signal(Value.cast(both.as_signed() if signed else both).shape(), name="weights")
        m.d.comb += weights.eq(both)
        return weights


def _wide(value: Value, width: int, signed: bool) -> Value:
    """The lower bits of `value` as an integer of any width."""
    sign = value[-1] if signed else Const(0, 1)
    return Cat(value, sign.replicate(max(width - len(value), 0)))[:width]
