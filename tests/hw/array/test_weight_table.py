"""Tables of weights: what lanes see after reset and after rows have come, against the formats."""

import random

import numpy as np
import pytest

from hw.array.mesh import Mesh
from hw.array.pe import mac_of
from hw.array.weight_table import WeightTable
from hw.formats import Binary, Codebook, Float, Int, Log, Posit, Ternary, parse_accumulator
from tests.support.streams import put, simulate, stalls
from tests.support.tables import CUBES, tabled

E4M3, BF16 = Float.parse("e4m3fn"), Float.parse("bf16")
CONFIGS = {
    "int8": tabled(),
    "int8_3": tabled(Codebook(tuple(range(256)), Int(8)), dim=3),
    "int4_in_int8": tabled(Codebook(tuple(range(16)), Int(4)), Int(8)),
    "two_of_eight": tabled(Codebook.of([-7, 7], Int(8)), dim=8),
    "e4m3fn": tabled(Codebook((0x7E, 0x01, 0x80, 0xB8), E4M3), dim=8),
    "e4m3fn_in_bf16": tabled(Codebook((0x7E, 0x01, 0x80, 0xB8), E4M3), BF16),
    "rounded": tabled(Codebook((1, 2, 0x8007, 0x3F80), BF16), dim=8),
    "posit": tabled(Codebook.of([-3, 0.5, 0, 8], Posit(8, 1)), dim=8),
    "log": tabled(Codebook((3, 0x7F, 0x83, 0), Log(8)), dim=8),
    "ternary": tabled(Codebook((3, 1), Ternary()), Int(8), dim=8),
    "binary": tabled(Codebook((1, 0), Binary()), E4M3, dim=8),
}


def expected(operand, code):
    """The fields of a decoded entry."""
    parts = operand.golden(np.array(code, np.uint64))
    if not hasattr(operand.layout, "members"):
        return int(parts)
    return {name: int(getattr(parts, name)) for name in operand.layout.members}


def seen(value):
    """The same of a signal's value."""
    if not hasattr(value, "shape"):
        return int(value)
    return {name: int(getattr(value, name)) for name in value.shape().members}


def same(want, got):
    """Equal, or flagged by both: then nothing else counts."""
    if isinstance(want, dict) and (want.get("nan") or want.get("infinite")):
        return all(want.get(flag) == got.get(flag) for flag in ("nan", "infinite"))
    return want == got


@pytest.mark.parametrize("name", CONFIGS)
def test_lanes_select_from_what_came_last(name):
    config, rng = CONFIGS[name], random.Random(name)
    operand = mac_of(config).operands[1]
    dut, codes = WeightTable(config, operand), list(config.weight.table)
    assert config.weight_table and operand.format == config.weight.format

    async def check(ctx):
        ctx.set(dut.write, 0)
        for _ in range(4):
            lanes = [rng.randrange(len(codes)) for _ in range(config.dim)]
            ctx.set(dut.lanes, lanes)
            await ctx.tick()
            for lane, got in zip(lanes, ctx.get(dut.o), strict=True):
                want = expected(operand, codes[lane])
                assert same(want, seen(got)), f"entry {lane}, code {codes[lane]:#x}"

    async def bench(ctx):
        cycles = 0
        while not ctx.get(dut.ready):
            ctx.set(dut.write, rng.randrange(2))
            assert not ctx.get(dut.taken)
            await ctx.tick()
            cycles += 1
        assert cycles == len(codes)
        await check(ctx)
        for _ in range(6):
            rows = rng.randint(1, config.table_rows)
            for row in range(rows):
                new = [rng.getrandbits(config.factor.width) for _ in range(config.dim)]
                ctx.set(dut.lanes, new)
                ctx.set(dut.write, 1)
                ctx.set(dut.last, row == rows - 1)
                first = row * config.dim
                kept = new[: len(codes) - first]
                codes[first : first + len(kept)] = kept
                for n in range(len(kept)):
                    assert ctx.get(dut.taken) == (n == len(kept) - 1)
                    await ctx.tick()
                    ctx.set(dut.write, rng.random() < 0.8)
                    while not ctx.get(dut.write):
                        await ctx.tick()
                        ctx.set(dut.write, rng.random() < 0.8)
            await check(ctx)

    simulate(dut, bench)


@pytest.mark.parametrize("seed", range(3))
def test_a_table_counts_for_the_tiles_behind_it(seed):
    config, rng = tabled(), np.random.default_rng(seed)
    dut, dim = Mesh(config, tag_shape=16), config.dim
    table, weights, inputs, want = np.array(CUBES.decode(range(16))), [], [], []
    zeros = [0] * dim
    for tag in range(24):
        if rng.random() < 0.5:
            rows = int(rng.integers(1, 5))
            entries = rng.integers(-128, 128, (rows, dim))
            table[: rows * dim] = entries.ravel()
            for n, row in enumerate(entries):
                last = n == rows - 1
                weights.append({"lanes": (row & 0xFF).tolist(), "last": last, "table": 1})
            inputs.append({"a": zeros, "d": zeros, "table": 1, "tag": 999})
            want.append((zeros, 999))
        w, a = rng.integers(0, 16, (dim, dim)), rng.integers(-128, 128, dim)
        zero = rng.random() < 0.2
        for n, row in enumerate(w[::-1]):
            weights.append({"lanes": row.tolist(), "last": n == dim - 1, "zero": zero})
        inputs.append({"a": a.tolist(), "d": zeros, "swap": 1, "tag": tag})
        want.append(((a @ table[w] * (not zero)).tolist(), tag))
    got = []

    async def send_weights(ctx):
        await put(ctx, dut.weights, weights, stalls(seed, 0.2))

    async def send_inputs(ctx):
        await put(ctx, dut.inputs, inputs, stalls(seed + 9, 0.2))

    async def watch(ctx):
        while len(got) < len(want):
            _, _, valid, row = await ctx.tick().sample(dut.results.valid, dut.results.payload)
            if valid:
                got.append(([int(x) for x in row.lanes], int(row.tag)))

    simulate(dut, watch, send_weights, send_inputs)
    assert got == want


def test_a_row_of_zeros_is_none_of_the_table():
    """Whatever entry 0 is: NaN times 0 would be NaN."""
    book = Codebook((0x38, 0x00, 0x30, 0x40), E4M3)
    config = tabled(book, dim=8, accumulator=parse_accumulator("fixed48e-18"))
    dut, nan, got = Mesh(config, tag_shape=4), [0x7F] * 8, []
    weights = [{"lanes": nan, "last": 1, "table": 1}]
    weights += [{"lanes": [0] * 8, "last": 1, "zero": n == 0} for n in range(2)]
    inputs = [{"table": 1}, {"swap": 1}, {"swap": 1}]

    async def send(ctx):
        await put(ctx, dut.weights, weights)

    async def feed(ctx):
        await put(ctx, dut.inputs, inputs)

    async def watch(ctx):
        while len(got) < 3:
            _, _, valid, row = await ctx.tick().sample(dut.results.valid, dut.results.payload)
            if valid:
                got.append([int(x) for x in row.lanes])

    simulate(dut, watch, send, feed)
    lowest = config.accumulator.nan_code
    assert got[1:] == [[0] * 8, [lowest] * 8]
