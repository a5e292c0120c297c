"""Two products of one factor in a single multiplier block."""

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...formats import packs
from ...register import data_register
from .block import (
    STEPS,
    bare_sums,
    block_product,
    halves_for,
    halves_products,
    has_block,
    partition_block,
)
from .chain import chain, plus
from .line import Line, partition


class PairMac(wiring.Component):
    """Two :class:`.integer.IntMac` with the same input, of parameters with as many stages.

    Where the device's block has two multipliers of half its bits, and the operands fit, each makes
    a product. Otherwise, if that fits (:func:`hw.formats.packs`), one multiplication makes both:
    ``a * (v * 2**p + w)``, where ``a * w`` fits into p bits. These are the lower p bits of the
    result; the bits above are ``a * v``, less one if ``a * w`` is negative, which its sum gets back
    as a carry. What neither is for is multiplied twice.

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
        p = self.parameters
        halves = halves_for(platform, max(p.bits)) is not None
        alone = halves or not packs(p.input, p.weight)
        terms = self._apart(m, halves) if alone else self._together(m, platform)
        for n, (part, carry) in enumerate(terms):
            term = _wide(part, len(self.sum_in[n]), p.input.signed or p.weight.signed)
            kept = data_register(m, self.sum_out[n], f"kept{n}", bare_sums(platform))
            m.d.sync += kept.eq(chain(m, f"sum{n}", plus(self.sum_in[n], term), carry))
        return m

    def _line(self, m: Module, block: bool) -> Line:
        """The registers before the product and the sum that are not the block's."""
        stages = self.parameters.stages
        counts = [n - 1 for n in partition_block(stages)] if block else partition(STEPS, stages)
        return Line(m, counts)

    def _apart(self, m: Module, halves: bool) -> list:
        """A product each, and no carry."""
        block = halves and self.parameters.stages >= 3
        line = self._line(m, block)
        x = line.cut(a=self.input, w=self.weight[0], v=self.weight[1])
        low, high = halves_products(m, x.a, x.w, x.v, block) if halves else (x.a * x.w, x.a * x.v)
        x = line.cut(low=low, high=high)
        return [(x.low, Const(0, 1)), (x.high, Const(0, 1))]

    def _together(self, m: Module, platform) -> list:
        """Both products in one, and the carry that gives back what the lower took."""
        places = sum(self.parameters.bits)
        a, weights = self.input, self._packed(m, places)
        block = self.parameters.stages >= 3 and has_block(platform, a, weights)
        line = self._line(m, block)
        x = line.cut(a=a, weights=weights)
        product = block_product(m, x.a, x.weights) if block else x.a * x.weights
        product = line.cut(product=product).product
        low, high = product[:places], product[places : 2 * places]
        less = low[-1] if product.shape().signed else Const(0, 1)
        return [(low, Const(0, 1)), (high, less)]

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
