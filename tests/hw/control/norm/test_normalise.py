"""Rows through the normalisation against docs/normalisation.md in plain integers."""

import random

import pytest

from hw.control.norm.lane import LATENCY
from hw.control.norm.normalise import Normalise
from hw.control.norm.shapes import Kind
from hw.formats import Int
from tests.support.normalisation import Page
from tests.support.plain import PLAIN
from tests.support.streams import get, never, put, simulate, stalls

BASE = PLAIN["tiny"].replace(normalisation=True)
CASES = [
    BASE.replace(name="dim4"),
    BASE.replace(name="dim3", dim=3, accumulator=Int(16)),
    BASE.replace(
        name="dim5", dim=5, input=Int(8), accumulator=Int(24), output=Int(8, signed=False)
    ),
    BASE.replace(
        name="narrow", input=Int(2), weight=Int(2), output=Int(2), accumulator=Int(4), dim=4
    ),
    BASE.replace(name="wide", input=Int(16), weight=Int(16), output=Int(16)),
    BASE.replace(name="two_lanes", dim=16, accumulator=Int(20)),
]


def element(rng, width):
    """Of any size, often the least or the largest."""
    bits = rng.randint(1, width)
    value = rng.getrandbits(bits) - (1 << bits - 1)
    limit = 1 << width - 1
    return rng.choice((-limit, limit - 1)) if rng.random() < 0.05 else value


def constants(rng, width):
    """Sensible ones for a random step, or anything."""
    if rng.random() < 0.3:
        word = lambda: rng.getrandbits(rng.randint(0, 32))  # noqa: E731
        return word(), element(rng, 32), element(rng, 32)
    s = 2.0 ** -rng.uniform(0, min(14, width - 3))
    if rng.random() < 0.5:
        return int(0.693 / s), int(1.353 / s), min(int(0.96 / s**2), 2**31 - 1)
    return 0, int(-2.5018 / s), max(int(-6.925 / s**2), -(2**31))


class Program:
    """Random mvouts with what the page says about them."""

    def __init__(self, config, seed, count_bits, length):
        self.rng = random.Random(f"{config.name} {seed}")
        self.config, self.width = config, config.accumulator.width
        self.page = Page(self.width, config.output.max, config.dim, 2**count_bits - 1)
        self.events, self.wanted = [], []
        while len(self.events) < length:
            if not self.events or self.rng.random() < 0.15:
                new = constants(self.rng, self.width)
                self.page.qln2, self.page.qb, self.page.qc = new
                self.events.append(("constants", dict(zip(("qln2", "qb", "qc"), new, strict=True))))
            elif self.rng.random() < 0.25:
                self.vector()
            else:
                self.mvout(self.rng.randrange(4), self.rng.randrange(8), self.rng.randrange(5))

    def vector(self):
        """A whole layernorm or softmax, blocks of about the same size."""
        stat, activation = self.rng.randrange(4), self.rng.choice((2, 4))
        bits = self.rng.randint(1, self.width)
        rows = [
            [
                [self.rng.getrandbits(bits) - (1 << bits - 1) for _ in range(self.config.dim)]
                for _ in range(self.rng.randint(1, 3))
            ]
            for _ in range(self.rng.randint(1, 3))
        ]
        passes = ((1, 2), (3, 4), (0, 0)) if activation == 2 else ((5, 5), (6, 7), (0, 0))
        limit, far = 1 << self.width - 1, self.rng.choice((0, 0, 15, 17, 30, 32)) * self.page.qln2
        for opening, closing in passes:
            for n, part in enumerate(rows):
                step = closing if n == len(rows) - 1 else opening
                if step == 5:  # a maximum that the exponentials do not reach
                    part = [[min(x + far, limit - 1) for x in row] for row in part]
                self.mvout(stat, step, activation, part)

    def mvout(self, stat, step, activation, rows=None):
        rng, dim, page = self.rng, self.config.dim, self.page
        if rows is None:
            sizes = [rng.choice((dim, dim, rng.randint(1, dim))) for _ in range(rng.randint(1, 4))]
            rows = [[element(rng, self.width) for _ in range(size)] for size in sizes]
        scale = rng.choice((0x3F800000, 0, 0x80000000, rng.getrandbits(32)))
        if scale >> 23 & 255 == 255:
            scale ^= 1 << 30
        for n, row in enumerate(rows):
            tag = rng.getrandbits(4)
            values = row + [element(rng, self.width) for _ in range(dim - len(row))]
            kept = rng.sample(range(dim), len(row)) if rng.random() < 0.2 else range(len(row))
            for lane, x in zip(kept, row, strict=True):
                values[lane] = x
            if step:
                row[:] = [values[lane] for lane in kept]
            fields = {
                "values": values,
                "keep": sum(1 << lane for lane in kept),
                "step": step,
                "stat": stat,
                "activation": activation,
                "end": n == len(rows) - 1,
                "scale": scale,
                "tag": tag,
            }
            self.events.append(("row", fields))
            if not step and activation < 2:
                self.wanted.append((values, None, scale, activation == 1, tag))
            elif not step:
                new = {lane: page.value(stat, activation, values[lane]) for lane in kept}
                self.wanted.append((None, new, page.scale(activation, scale), 0, tag))
        if step:
            page.gather(stat, step, rows)

    async def feed(self, ctx, dut, stall):
        for kind, payload in self.events:
            while stall():
                await ctx.tick()
            port = dut.i if kind == "row" else dut.constants
            ctx.set(port.payload, payload)
            ctx.set(port.valid, 1)
            await ctx.tick().until(port.ready)
            ctx.set(port.valid, 0)


@pytest.mark.parametrize("config", CASES, ids=lambda config: config.name)
@pytest.mark.parametrize("busy", (0.0, 0.5), ids=("flowing", "stalled"))
def test_rows_follow_the_page(config, busy):
    count_bits = 6 if busy else 16
    dut = Normalise(config, 4, count_bits=count_bits)
    program = Program(config, busy, count_bits, 110)

    async def feed(ctx):
        await program.feed(ctx, dut, stalls(1, busy / 3) if busy else never)

    async def check(ctx):
        stall, different = stalls(2, busy) if busy else never, False
        for n, (values, new, scale, relu, tag) in enumerate(program.wanted):
            (row,) = await get(ctx, dut.o, 1, stall)
            assert (row["scale"], row["relu"], row["tag"]) == (scale, relu, tag), n
            different |= bool(new) and len(set(new.values())) > 1
            if new is None:
                assert list(row["values"]) == values, n
            else:
                assert {lane: row["values"][lane] for lane in new} == new, n
        assert different

    simulate(dut, feed, check, cycles=200_000)


def times(config, step, activation, mvouts, rows):
    """Cycles from the first row offered to each row that comes out; a plain one is the last."""
    dut = Normalise(config, 4)
    row = {"keep": (1 << config.dim) - 1, "step": step, "activation": activation, "scale": 0}
    row |= {"values": [3] * config.dim, "stat": 1, "tag": 0}
    sent = [row | {"end": n == rows - 1} for n in range(rows)] * mvouts
    sent.append(row | {"step": 0, "activation": 0, "end": 1})
    when, ready = [], 30  # constants are shifted after reset

    async def feed(ctx):
        await ctx.tick().repeat(ready)
        await put(ctx, dut.i, sent, never)

    async def check(ctx):
        await ctx.tick().repeat(ready)
        await get(ctx, dut.o, 1 + (0 if step else mvouts * rows), never, when)

    simulate(dut, feed, check)
    return when


@pytest.mark.parametrize("config", [CASES[0], CASES[-1]], ids=["4 groups", "8 groups"])
def test_rate_and_latency(config):
    groups = {"dim4": 4, "two_lanes": 8}[config.name]
    for activation, kind in ((2, Kind.LAYERNORM), (3, Kind.IGELU), (4, Kind.SOFTMAX)):
        first = groups + LATENCY[kind] + 3
        for mvouts, rows in ((1, 4), (4, 1), (2, 3)):
            when = times(config, 0, activation, mvouts, rows)
            assert when[:-1] == [first + n * groups for n in range(mvouts * rows)]
    kinds = ((1, Kind.SUM), (3, Kind.SQUARES), (5, Kind.MAXIMUM), (6, Kind.EXPONENTIALS))
    for step, kind in kinds:
        for mvouts, rows in ((1, 4), (4, 1)):
            assert times(config, step, 0, mvouts, rows) == [4 * groups + LATENCY[kind] + 6]


def test_time_of_a_close():
    config = CASES[0]  # 32-bit accumulators: 102 bits of dividend, 51 of root
    steps = ((2, Kind.SUM, 104), (4, Kind.SQUARES, 102 + 51 + 51 + 22), (7, Kind.EXPONENTIALS, 71))
    for step, kind, most in steps:
        (when,) = times(config, step, 0, 1, 1)
        extra = when - (4 + LATENCY[kind] + 6)
        assert extra == most if step == 2 else most - 51 < extra <= most
