"""The way of the scales of blocks: rows behind B, gathered, and applied to results."""

import random

import numpy as np
import pytest

from hw.config_text import parse_config
from hw.control.execute_blocks import ScaledWeightFetch, ScaleResults, scale_latency
from hw.formats import sums
from tests.support.streams import get, never, put, simulate, stalls

CONFIGS = ("tiny:format=mxfp4", "tiny:format=mxfp8e4m3", "small:dim=8,format=mxfp6e2m3")


def packed(codes, width: int) -> int:
    return sum(int(code) << width * n for n, code in enumerate(codes))


def unpacked(bits: int, width: int, count: int) -> list[int]:
    return [bits >> width * n & ((1 << width) - 1) for n in range(count)]


@pytest.mark.parametrize("text", CONFIGS)
@pytest.mark.parametrize("probability", [0, 0.5])
def test_scales_come_with_their_weights(text, probability):
    """Rows are read once each, scales first; where B has no columns, only scales."""
    config = parse_config(text)
    dim, width, behind = config.dim, config.input.width, config.scale_rows
    rng = random.Random(7)
    rows = [rng.getrandbits(dim * width) for _ in range(64)]
    ops = []
    for _ in range(30):
        k = rng.randint(1, dim)
        row = rng.randrange(64 - dim - behind)
        scaled = rng.random() < 0.8
        ops.append({"k": k, "b_row": row, "b_cols": rng.randint(0, dim), "scaled": scaled})
    dut = ScaledWeightFetch(config)
    asked, wanted, state = [], [], {"taken": 0}
    for op in ops:
        first = op["b_row"] + op["k"]
        wanted += range(first, first + behind * op["scaled"])
        wanted += reversed(range(op["b_row"], first)) if op["b_cols"] else []
    stall = (lambda seed: stalls(seed, probability)) if probability else (lambda seed: never)

    async def memory(ctx):
        flip = stall(1)
        while True:
            asked.extend(await get(ctx, dut.b.request, 1, flip))

    async def answers(ctx):
        sent, flip = 0, stall(2)
        while True:
            if sent < len(asked):
                await put(ctx, dut.b.data, [unpacked(rows[asked[sent]], width, dim)], flip)
                sent += 1
            else:
                await ctx.tick()

    async def weights(ctx):
        for op in ops:
            got = await get(ctx, dut.weights, op["k"], stall(3 + op["k"]))
            for n, row in enumerate(got):
                want = unpacked(rows[op["b_row"] + op["k"] - 1 - n], width, dim)
                want = [x if c < op["b_cols"] else 0 for c, x in enumerate(want)]
                assert [int(lane) & ((1 << width) - 1) for lane in row.lanes] == want
                assert row.last == (n == op["k"] - 1)
            state["taken"] += 1

    async def scales(ctx):
        for number, op in enumerate(ops):
            (got,) = await get(ctx, dut.scales, 1, stall(20 + number))
            assert got.named == op["scaled"]
            first = op["b_row"] + op["k"]
            bits = packed(rows[first : first + behind], dim * width)
            if op["scaled"]:
                assert [int(code) for code in got.codes] == unpacked(bits, 8, dim)

    async def main(ctx):
        await put(ctx, dut.op, ops)

    simulate(dut, main, weights, scales, background=[memory, answers])
    assert state["taken"] == len(ops)
    assert asked == wanted


@pytest.mark.parametrize("text", [*CONFIGS, "tiny:format=bf16*int4x32-bf16", "tiny:format=nvfp4"])
def test_results_are_scaled(text):
    """New scales with the first row of a tile, 1 where there are none; latency and rate."""
    config = parse_config(text)
    blocks, dim, rng = config.blocks, config.dim, np.random.default_rng(3)
    dut, latency = ScaleResults(config, 4 * dim), scale_latency(config)
    rows = block_rows(config, rng, 60)
    tiles = [row["columns"] for row in rows if row["swap"]]

    async def columns(ctx):
        await put(ctx, dut.columns, tiles, stalls(5))

    async def main(ctx):
        await ctx.tick().repeat(20)  # the first tiles are there
        seen = []
        for cycle in range(len(rows) * 8 + latency):
            now = cycle % 8 == 0 and cycle // 8 < len(rows)
            if now:
                row = rows[cycle // 8]
                tag = {"row": cycle // 8, "last": 1}
                tag |= {"scale": row["scale"]} if config.input_block else {}
                tag |= {"swap": row["swap"]} if config.weight_block else {}
                ctx.set(dut.i.payload, {"lanes": row["lanes"], "tag": tag})
            ctx.set(dut.i.valid, now)
            _, _, valid, got = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            assert valid == (cycle >= latency and (cycle - latency) % 8 == 0)
            if valid:
                seen.append(([int(x) for x in got.lanes], got.tag.row))
        assert seen == [(row["want"], n) for n, row in enumerate(rows)]

    simulate(dut, main, *([columns] if config.weight_block else []))
    assert blocks.memory == config.accumulator and len(rows[0]["lanes"]) == dim


def block_rows(config, rng, count: int) -> list[dict]:
    """Rows of sums with their scales, and what becomes of them."""
    blocks, arithmetic = config.blocks, sums(config.summed)
    found, column = [], np.ones(config.dim)
    for number in range(count):
        row = {"swap": number > 2 and rng.random() < 0.3, "scale": 0}  # at first, scales are 1
        scale = 1.0
        if config.input_block:
            codes = config.input_block.scale.encode(2.0 ** rng.integers(-3, 4, 1))
            row["scale"], scale = int(codes[0]), config.input_block.scale.decode(codes)[0]
        if row["swap"] and config.weight_block:
            codes = config.weight_block.scale.encode(2.0 ** rng.integers(-3, 4, config.dim))
            named = rng.random() < 0.8
            row["columns"] = {"codes": codes.tolist(), "named": named}
            column = config.weight_block.scale.decode(codes) if named else np.ones(config.dim)
        values = rng.integers(-20, 20, config.dim)
        raw = arithmetic.enter(values.astype(float))
        row["lanes"] = [int(x) for x in arithmetic.codes(raw)]
        row["want"] = arithmetic_of(blocks, raw, scale, column)
        found.append(row)
    return found


def arithmetic_of(blocks, raw, scale: float, column) -> list[int]:
    """Codes of the memory; all numbers here are short enough for float64."""
    values = sums(blocks.summed).values(raw) * scale * column * 2.0**blocks.unit
    return [int(x) for x in blocks.memory.encode(blocks.memory.quantize(values))]
