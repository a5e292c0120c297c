"""Sums times the scales of blocks, against fractions."""

import numpy as np
import pytest
from amaranth.sim import Simulator

from hw.arith.block_scale import ScaleLane
from hw.formats import Block, BlockScale, Fixed, Float, Int, Rounded, sums
from hw.formats.block import NAMED
from hw.formats.names import parse_format
from tests.hw.arith.test_unpack import codes_of
from tests.support.exact import decoded, nearest, number, power, product

P = Float.parse
FP32, BF16 = Rounded(P("fp32")), Rounded(P("bf16"))
E4M3, E2M1, INT8 = (NAMED[n] for n in ("mxfp8e4m3", "mxfp4", "mxint8"))
CASES = [
    *((Fixed(12, -2), FP32, E2M1, E2M1), (Fixed(40, -18), FP32, E4M3, E4M3)),
    *((Fixed(70, -32), BF16, E4M3, E4M3), (Fixed(26, -10), FP32, E4M3, E2M1)),
    *((Int(19), FP32, INT8, INT8), (Int(24), Rounded(P("fp16")), None, INT8)),
    (Fixed(12, -2), FP32, NAMED["nvfp4"], NAMED["nvfp4"]),
    (Fixed(64, -25), FP32, NAMED["nvfp4"], parse_format("e2m1x16-bf16")),
    (Fixed(90, -40), Rounded(P("e6m9")), NAMED["nvfp4"], parse_format("e2m1x16-fp16")),
    *((FP32, FP32, E4M3, E4M3), (FP32, FP32, E4M3, None), (Rounded(P("bf16")), FP32, None, INT8)),
    (Int(32), FP32, parse_format("int8x32-fp16"), parse_format("int8x32-fp16")),
    (Rounded(P("e5m2")), Rounded(P("e4m3fn")), E4M3, parse_format("e2m1x8-e5m2")),
    (Int(20), Rounded(P("e5m2-ftz")), parse_format("int4x32-e5m2-ftz"), INT8),
]


def name(case) -> str:
    parts = [getattr(part, "name", "1") for part in case]
    return f"{parts[0]}-{parts[1]}-{parts[2]}-{parts[3]}"


def vectors(case, count=1500):
    """Codes of sum, row's scale and column's: corners of each, scales near 1 more often."""
    summed, _, a, w = case
    rng = np.random.default_rng(5)
    totals = list(codes_of(summed, count))

    def scales(block):
        if block is None:
            return np.zeros(count, int)
        width = block.scale.width
        near = np.array([int(block.scale.encode(2.0**n)) for n in (-2, -1, 0, 1)])
        if isinstance(block.scale, Float):
            near = near + rng.integers(0, 1 << block.scale.man, 4)
        some = np.where(rng.random(count) < 0.6, near[rng.integers(0, 4, count)], 0)
        return np.where(some, some, rng.integers(0, 1 << width, count))

    picked = [totals[i] for i in rng.integers(0, len(totals), count)]
    return list(zip(picked, scales(a).tolist(), scales(w).tolist(), strict=True))


def expected(case, total: int, row: int, column: int) -> int:
    """The code, in fractions."""
    summed, memory, a, w = case
    x = decoded(summed, total)
    for block, code in ((a, row), (w, column)):
        if block:
            x = product(x, decoded(block.scale, code))
            if isinstance(block.element, Int):
                x = product(x, number(power(2 - block.element.width)))
    return nearest(memory, x)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_unit_and_golden(case):
    blocks = BlockScale(*case)
    parameters = ScaleLane(blocks)
    dut, steps = parameters.create(), vectors(case)
    want = [expected(case, *step) for step in steps]

    async def bench(ctx):
        for step in range(len(steps) + parameters.latency):
            total, row, column = steps[min(step, len(steps) - 1)]
            ctx.set(dut.i[:], total)
            for port, code, block in (("row", row, case[2]), ("column", column, case[3])):
                if block:
                    ctx.set(getattr(dut, port), code)
            _, _, got = await ctx.tick().sample(dut.o[:])
            if step >= parameters.latency:
                assert got == want[step - parameters.latency], steps[step - parameters.latency]

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
    _check_golden(blocks, steps, want)


def _check_golden(blocks: BlockScale, steps, want):
    codes = np.array([s[0] for s in steps], object if blocks.summed.width > 64 else np.uint64)
    raw = sums(blocks.summed).raw(codes)
    scales = []
    for n, block in ((1, blocks.input), (2, blocks.weight)):
        values = [s[n] for s in steps]
        scales.append(block.scale.decode(values) if block else np.ones(len(steps)))
    got = [blocks.golden(raw[i : i + 1, None], r, c)[0, 0] for i, (r, c) in enumerate(zip(
        scales[0][:, None], scales[1][:, None], strict=True))]  # fmt: skip
    assert sums(blocks.memory).codes(np.array(got)).tolist() == want


def test_latency():
    assert ScaleLane(BlockScale(Fixed(12, -2), FP32, E2M1, E2M1)).latency == 4
    assert ScaleLane(BlockScale(Fixed(40, -18), FP32, E4M3, E4M3)).latency == 5
    assert ScaleLane(BlockScale(FP32, FP32, E4M3, E4M3)).latency == 4


def test_published_values():
    """A product of two blocks by hand: 1.5·2^3 · -0.5·2^-2 summed with 6·2^3 · 4·2^-2."""
    blocks = BlockScale(Fixed(12, -2), FP32, E2M1, E2M1)
    units = np.array([[int((1.5 * -0.5 + 6 * 4) / 0.25)]])
    assert blocks.golden(units, [2.0**3], [2.0**-2]).tolist() == [[46.5]]
    assert Block(Int(8), 32).unit == 2.0**-6
