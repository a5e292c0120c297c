"""The store unit between modelled memories, against plain numpy and Python integers."""

import random
from collections import deque

import numpy as np
import pytest

from hw.config import Config
from hw.control.store import Store
from hw.formats import Int
from tests.support.plain import NOTHING
from tests.support.streams import never, put, simulate, stalls

ONE = 0x3F80_0000
BASE = Config(
    name="t", dim=4, sp_bank_rows=16, acc_bank_rows=16, bus_width=32, store_queue=3
).replace(**NOTHING)
WIDE = {"sp_bank_rows": 32, "acc_bank_rows": 32}
INT4 = {"input": Int(4), "weight": Int(4), "output": Int(4), "accumulator": Int(20)}
INT16 = {"input": Int(16), "weight": Int(16), "output": Int(16)}
UINT8 = {"input": Int(8, False), "output": Int(8, False)}
CONFIGS = {
    "4 int8 bus 32": BASE,
    "4 int8 bus 128": BASE.replace(bus_width=128),
    "5 int8 bus 64": BASE.replace(dim=5, bus_width=64),
    "12 int8 bus 128": BASE.replace(dim=12, bus_width=128),
    "6 int4 acc 20 bus 32": BASE.replace(dim=6, **INT4),
    "6 int4 acc 20 bus 256": BASE.replace(dim=6, bus_width=256, **INT4),
    "3 int16 bus 64": BASE.replace(dim=3, bus_width=64, **INT16),
    "8 uint8 acc 24 bus 32": BASE.replace(dim=8, accumulator=Int(24), **UINT8),
    "16 int8 bus 128": BASE.replace(dim=16, bus_width=128, **WIDE),
}


class Bench:
    """A store unit with local memories of random rows and a memory that logs its bytes."""

    def __init__(self, config, seed=0, stall=0.0, ack_latency=1, bad=()):
        self.config = config
        self.dut = Store(config)
        rng = np.random.default_rng(seed)
        fmt, acc = config.input, config.accumulator
        self.sp = rng.integers(fmt.min, fmt.max + 1, (config.sp_rows, config.dim))
        self.acc = rng.integers(acc.min, acc.max + 1, (config.acc_rows, config.dim))
        small = rng.random((config.acc_rows, config.dim)) < 0.5
        self.acc = np.where(small, self.acc >> (acc.width // 2), self.acc)
        self.coin = lambda salt: stalls(seed * 16 + salt, stall) if stall else never
        self.ack_latency = ack_latency
        self.bad = bad
        self.memory, self.words, self.when = {}, [], []
        self.done, self.errors, self.most_in_flight = [], [], 0
        self.copied = []  # cycles in which the scratchpad took a row
        self.waits = self.active = 0

    async def local(self, ctx, port, rows, stall):
        """Answers two cycles after a request at the earliest."""
        pending, shown, time = deque(), False, 0
        while True:
            ready = not stall()
            ctx.set(port.request.ready, ready)
            if not shown and pending and pending[0][0] <= time and not stall():
                ctx.set(port.data.payload, [int(v) for v in rows[pending.popleft()[1]]])
                shown = True
            ctx.set(port.data.valid, shown)
            _, _, valid, row, taken = await ctx.tick().sample(
                port.request.valid, port.request.payload, port.data.ready
            )
            if ready and valid:
                pending.append((time + 2, row))
            shown = shown and not taken
            time += 1

    async def copies(self, ctx):
        """The scratchpad's writer: a row is there for reads one cycle after it was taken."""
        port, stall, time, previous = self.dut.copies, self.coin(5), 0, None
        while True:
            ready = not stall()
            ctx.set(port.ready, ready)
            _, _, valid, row, lanes, mask = await ctx.tick().sample(
                port.valid, port.p.row, port.p.lanes, port.p.mask
            )
            if previous is not None:
                assert valid and (row, list(lanes), mask) == previous, "a row changed"
            previous = (row, list(lanes), mask) if valid and not ready else None
            if valid and ready:
                for lane in range(self.config.dim):
                    if mask >> lane & 1:
                        self.sp[row, lane] = lanes[lane]
                self.copied.append(time)
            time += 1

    async def bus(self, ctx):
        dut, stall = self.dut, self.coin(3)
        word = self.config.bus_bytes
        pending, shown, time, previous = deque(), False, 0, None
        while True:
            ready = not stall()
            ctx.set(dut.write_request.ready, ready)
            if not shown and pending and pending[0][0] <= time and not stall():
                ctx.set(dut.write_ack.payload, pending[0][1])
                shown = True
            ctx.set(dut.write_ack.valid, shown)
            self.most_in_flight = max(self.most_in_flight, len(pending))
            _, _, valid, request, taken, done, error, waits, active = await ctx.tick().sample(
                dut.write_request.valid,
                dut.write_request.payload,
                dut.write_ack.ready,
                dut.done,
                dut.error,
                dut.waits,
                dut.active,
            )
            self.waits += waits
            self.active += active
            if done:
                self.done.append((len(self.words) - len(pending) + 1, time))  # with this one
            if error["valid"]:
                self.errors.append(error["index"])
            if previous is not None:
                assert valid and request == previous, "a word changed before it was taken"
            previous = request if valid and not ready else None
            if shown and taken:
                pending.popleft()
                shown = False
            if valid and ready:
                address, content = request["address"], request["data"].to_bytes(word, "little")
                assert address % word == 0 and request["mask"]
                self.words.append(address)
                self.when.append(time)
                for lane in range(word):
                    if request["mask"] >> lane & 1:
                        self.memory[(address + lane) & 0xFFFFFFFF] = content[lane]
                pending.append((time + self.ack_latency, address in self.bad))
            time += 1

    def payload(self, op):
        return {name: v for name, v in op.items() if self.config.mvout_scale or name != "scale"}

    def run(self, ops, cycles=60_000):
        dut, c = self.dut, self.coin

        async def feed(ctx):
            await put(ctx, dut.op, [self.payload(op) for op in ops], c(4))
            assert ctx.get(dut.busy)
            while len(self.done) < len(ops):
                await ctx.tick()
            assert not ctx.get(dut.busy)
            for _ in range(20):
                await ctx.tick()

        async def sp(ctx):
            await self.local(ctx, dut.sp, self.sp, c(1))

        async def acc(ctx):
            await self.local(ctx, dut.acc, self.acc, c(2))

        others = (self.copies,) if self.config.spad_store else ()
        simulate(dut, feed, background=(sp, acc, self.bus, *others), cycles=cycles)
        assert len(self.done) == len(ops)
        assert self.active == len(self.words)
        return self


def elements(bench, op, r):
    """Row r of an operation as integers and their width, from semantics.md."""
    config, values = bench.config, []
    for c in range(op["cols"]):
        row = op["row"] + r + c // config.dim * config.dim
        if not op["acc"]:
            values.append(int(bench.sp[row, c % config.dim]))
            continue
        x = int(bench.acc[row, c % config.dim])
        if not op["full"]:
            x = max(x, 0) if op["relu"] else x
            with np.errstate(all="ignore"):
                p = np.float32(x) * np.uint32(op["scale"]).view(np.float32)
            x = int(np.clip(np.rint(np.float64(p)), config.output.min, config.output.max))
        values.append(x)
    wide = op["acc"] and op["full"]
    return values, (config.accumulator if wide else config.input).width


def expected(bench, ops):
    """Every byte written, the last writer winning, and the words of each operation."""
    memory, words = {}, []
    for op in ops:
        count = 0
        for r in range(op["rows"]):
            values, width = elements(bench, op, r)
            packed = sum((v & ((1 << width) - 1)) << n * width for n, v in enumerate(values))
            start = (op["address"] + r * op["stride"]) & 0xFFFFFFFF
            size = -(-len(values) * width // 8)
            for n, byte in enumerate(packed.to_bytes(size, "little")):
                memory[(start + n) & 0xFFFFFFFF] = byte
            bus = bench.config.bus_bytes
            count += (start % bus + size - 1) // bus + 1
        words.append(count)
    return memory, words


def random_op(config, rng, index):
    acc, full = rng.random() < 0.7, rng.random() < 0.3
    blocks = 1 if acc and full else rng.choice([1, 1, 2, config.max_block_len])
    memory_rows = config.acc_rows if acc else config.sp_rows
    blocks = min(blocks, config.max_block_len, memory_rows // config.dim)
    rows = rng.randint(1, config.dim)
    cols = rng.randint((blocks - 1) * config.dim + 1, blocks * config.dim)
    scale = np.float32(rng.choice([1, 0.5, -0.25, 2.0**-12, 0.003, rng.gauss(0, 0.01), 0]))
    return {
        "address": rng.choice([0x2000, 0xFFFFFFE0]) + rng.randrange(64),
        "stride": rng.choice([cols * 4, 128, 1 + rng.randrange(300), 2**32 - 64, 0]),
        "rows": rows,
        "cols": cols,
        "acc": acc,
        "full": full,
        "relu": rng.random() < 0.5,
        "row": rng.randint(0, memory_rows - (blocks - 1) * config.dim - rows),
        "scale": int(scale.view(np.uint32)),
        "index": 1000 + index,
    }


SCALERS = {
    "4 lanes in 2 cycles": BASE.replace(scale_cycles=2),
    "5 lanes in 4 cycles": BASE.replace(dim=5, bus_width=64, scale_cycles=4),
    "4 lanes unscaled": BASE.replace(mvout_scale=False),
    "6 uint4 unscaled": BASE.replace(dim=6, mvout_scale=False, **INT4 | {"output": Int(4, False)}),
}


@pytest.mark.parametrize("name", [*CONFIGS, *SCALERS])
def test_random_operations_under_stalls(name):
    config = (CONFIGS | SCALERS)[name]
    for seed, stall in ((1, 0.4), (2, 0.0)):
        rng = random.Random(f"{name} {seed}")
        ops = [random_op(config, rng, n) for n in range(12)]
        for op in ops:
            op["address"] &= 0xFFFFFFFF
        if not config.mvout_scale:
            ops = [op | {"scale": ONE} for op in ops]
        bench = Bench(config, seed, stall, ack_latency=rng.choice([1, 5, 30])).run(ops)
        memory, words = expected(bench, ops)
        assert bench.memory == memory
        assert [acked for acked, _ in bench.done] == list(np.cumsum(words))
        assert not bench.errors


def tile(config, n, **fields):
    """A full aligned tile of `dim` rows."""
    op = {"address": 0x1000 + 0x1000 * n, "rows": config.dim, "cols": config.dim, "row": 0}
    op |= {"acc": 1, "full": 0, "relu": 0, "scale": 0x3F000000, "index": n}
    op |= {"stride": config.row_bytes} | fields
    return op


RATES = [
    ("scaled", {}, 12, 48),
    ("from the scratchpad", {"acc": 0}, 5, 48),
    ("full width", {"full": 1, "stride": 64}, 5, 4 * 48),
    ("four blocks", {"acc": 0, "cols": 64, "rows": 16, "stride": 64}, 5, 4 * 48),
]


@pytest.mark.parametrize("what, fields, latency, words", RATES)
def test_tiles_leave_at_full_rate(what, fields, latency, words):
    config = CONFIGS["16 int8 bus 128"]
    ops = [tile(config, n, **fields) for n in range(3)]
    bench = Bench(config, ack_latency=40).run(ops)
    assert bench.memory == expected(bench, ops)[0]
    # The operation is taken in cycle 0; local memories answer in two.
    assert bench.when == list(range(latency, latency + words))
    assert bench.waits == 0
    assert bench.most_in_flight == 40
    assert bench.done[-1][1] == bench.when[-1] + 40


@pytest.mark.parametrize(
    "changes, latency, rate",
    [
        ({"scale_cycles": 2}, 13, 2),
        ({"scale_cycles": 4}, 15, 4),
        ({"mvout_scale": False}, 6, 1),
    ],
)
def test_tiles_leave_at_the_rate_of_the_scaler(changes, latency, rate):
    config = CONFIGS["16 int8 bus 128"].replace(**changes)
    ops = [tile(config, n, scale=ONE) for n in range(2)]
    bench = Bench(config).run(ops)
    assert bench.memory == expected(bench, ops)[0]
    assert bench.when == [latency + rate * n for n in range(32)]


@pytest.mark.parametrize("name, words", [("4 int8 bus 32", 16), ("4 int8 bus 128", 4)])
def test_full_width_rows_use_the_whole_bus(name, words):
    config = CONFIGS[name]
    bench = Bench(config).run([tile(config, 0, full=1, stride=16)])
    assert bench.when == list(range(5, 5 + words))


def test_errors_name_their_operation():
    config = CONFIGS["4 int8 bus 32"]
    ops = [tile(config, n) for n in range(5)]
    bad = {0x1004, 0x3000, 0x300C}
    bench = Bench(config, 5, 0.3, bad=bad).run(ops)
    assert bench.errors == [0, 2, 2]
    assert bench.memory == expected(bench, ops)[0]


def test_a_memory_that_does_not_acknowledge_stops_it_at_64_words():
    config = CONFIGS["16 int8 bus 128"].replace(store_queue=8)
    bench = Bench(config, ack_latency=200).run([tile(config, n) for n in range(6)])
    assert bench.most_in_flight == 64
    assert bench.when[:64] == list(range(12, 76))
    assert bench.waits
