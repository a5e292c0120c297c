"""Where registers stand around the array, rows are sent without asking whether it is ready."""

import pytest
from amaranth.hdl import Assert, Assume, Cover, Elaboratable, Module, Signal
from amaranth.lib.wiring import connect

from hw.array.mesh import Mesh
from hw.control.execute import InputFetch, WeightFetch
from hw.control.execute_results import ResultTag
from sim.formal import Inside, anything, prove
from tests.formal.board import small

CONFIG = small(in_order=True, array_clock=2)


class Always(InputFetch):
    """Takes the tile that waits twice, if rows with new weights follow one another."""

    def _go(self, m, issue):
        super()._go(m, issue)
        with m.If(self.waits & self.waiting):
            m.d.comb += self.enters.eq(1)


class IntoArray(Elaboratable):
    """The array and what feeds it, with ops and rows of any kind."""

    def __init__(self, inputs: InputFetch):
        self.inputs = inputs

    def elaborate(self, platform):
        m = Module()
        inputs, weights = self.inputs, WeightFetch(CONFIG)
        array = Mesh(CONFIG, ResultTag(CONFIG))
        parts = {"inputs": inputs, "weights": weights, "array": array}
        inside = {name: Inside(part) for name, part in parts.items()}
        for name, part in inside.items():
            m.submodules[name] = part
        connect(m, inputs.inputs, array.inputs)
        connect(m, weights.weights, array.weights)
        m.d.comb += [
            inputs.waiting.eq(array.waiting),
            weights.captured.eq(array.captured),
            Assume((weights.op.p.k >= 1) & (weights.op.p.k <= CONFIG.dim)),
        ]
        for name, fed in (
            ("inputs", (inputs.op, inputs.a.data, inputs.d.data)),
            ("weights", (weights.op, weights.b.data)),
        ):
            for n, s in enumerate(fed):
                m.d.comb += s.valid.eq(anything(m, 1, f"{name}{n}_valid"))
                m.d.comb += s.payload.eq(anything(m, s.payload.shape(), f"{name}{n}"))
        for name, port in (("a", inputs.a), ("d", inputs.d), ("b", weights.b)):
            m.d.comb += port.request.ready.eq(anything(m, 1, f"{name}_granted"))
        arrived, waiting = (inside["array"].signal(name) for name in ("arrived", "waiting"))
        full, row, weight = inside["weights"].signal("full"), array.inputs, array.weights
        again = Signal()
        m.d.sync += again.eq(again | (row.valid & row.p.swap))
        m.d.comb += [
            Assert(~row.valid | row.ready),
            Assert(~weight.valid | weight.ready),
            # what carries the induction
            Assert(~arrived | full),
            Assert(~(weight.valid & arrived)),
            Assert(~(weight.valid & weight.p.last) | full),
            Assert(~(row.valid & row.p.swap) | waiting),
            Cover(again & row.valid & row.p.swap),
        ]
        return m


def test_the_array_takes_every_row():
    prove(IntoArray(InputFetch(CONFIG)), "into_array", depth=3, cover=40)


def test_a_row_too_many_is_found():
    with pytest.raises(AssertionError, match="assertion fails: .*row"):
        prove(IntoArray(Always(CONFIG)), "into_array_always", depth=20, cover=40, induction=False)
