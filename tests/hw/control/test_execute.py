"""Execute with mesh and memories against numpy: random ops, random contention, full rate."""

import random

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.array.mesh import Mesh
from hw.control.execute import Execute, ResultTag
from hw.control.ops import ExecuteOp
from hw.formats import Int
from hw.memory.accumulator import AccumulatorMemory
from hw.memory.local import AccReadPort, AccWrite, SpReadPort, SpWrite, write_latency
from hw.memory.scratchpad import Scratchpad
from tests.support.plain import PLAIN
from tests.support.streams import get, never, put, simulate, stalls

TINY = PLAIN["tiny"].replace(sp_bank_rows=16, acc_bank_rows=16)
CONFIGS = {
    "int8_4x4": TINY,
    "int8_5x5": TINY.replace(dim=5),
    "int4_6x6": TINY.replace(
        dim=6, input=Int(4), weight=Int(4), output=Int(4), accumulator=Int(12)
    ),
    "int8_4x4_clocked": TINY.replace(in_order=True, array_clock=2),
    "int8_5x5_clocked": TINY.replace(dim=5, in_order=True, array_clock=2, sp_banks=2, acc_banks=1),
    "int8_8x8_clocked": TINY.replace(
        dim=8, in_order=True, array_clock=2, sp_bank_rows=32, acc_bank_rows=32
    ),
}


class Bench(wiring.Component):
    """Execute, mesh and both memories; load and store sides are open."""

    def __init__(self, config):
        self.config = config
        self.mesh = Mesh(config, ResultTag(config))
        self.execute = Execute(config, self.mesh.latency)
        super().__init__(
            {
                "op": In(stream.Signature(ExecuteOp(config))),
                "sp_load": In(SpWrite(config)),
                "acc_load": In(AccWrite(config)),
                "sp_read": In(SpReadPort(config)),
                "acc_read": In(AccReadPort(config)),
                "done": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.execute = execute = self.execute
        m.submodules.mesh = mesh = self.mesh
        m.submodules.sp = sp = Scratchpad(self.config)
        m.submodules.acc = acc = AccumulatorMemory(self.config)
        connect(m, execute.array, mesh)
        for ours, theirs in (
            (execute.a, sp.a),
            (execute.d, sp.d),
            (execute.b, sp.b),
            (execute.sp, sp.results),
            (execute.acc, acc.results),
            (flipped(self.op), execute.op),
            (flipped(self.sp_load), sp.load),
            (flipped(self.acc_load), acc.load),
            (flipped(self.sp_read), sp.store),
            (flipped(self.acc_read), acc.store),
        ):
            connect(m, ours, theirs)
        if self.config.dw_lines > 2:
            connect(m, execute.x, sp.x)
        m.d.comb += self.done.eq(execute.done)
        return m


def random_op(rng, config, resident):
    """A legal op; A, B, D in the lower half of the scratchpad, C there in the upper half."""
    dim, half = config.dim, config.sp_rows // 2
    size = lambda: rng.choice([0, 1, dim, dim, rng.randint(0, dim)])  # noqa: E731
    load, stride, c_stride = rng.random() < 0.6, rng.randint(0, 3), rng.randint(1, 2)
    k = max(1, size()) if load else resident
    acc = rng.random() < 0.7
    rows = config.acc_rows if acc else half
    return {
        "load_weights": load,
        "k": k,
        "b_row": rng.randrange(half - dim),
        "b_cols": size(),
        "a_rows": size(),
        "a_cols": min(size(), k),
        "a_row": rng.randrange(half - 3 * dim),
        "a_stride": stride,
        "d_rows": size(),
        "d_cols": size(),
        "d_row": rng.randrange(half - dim),
        "c_rows": size(),
        "c_cols": size(),
        "c_row": rng.randrange(rows - 2 * dim) % 8 + (0 if acc else half),
        "c_stride": c_stride,
        "c_acc": acc,
        "c_accumulate": acc and rng.random() < 0.6,
        "relu": rng.random() < 0.3,
    }


class Model:
    """Numpy twin of the two memories and of the weights."""

    op = staticmethod(random_op)

    def __init__(self, config, rng):
        self.config = config
        fmt = config.input
        self.sp = rng.integers(fmt.min, fmt.max + 1, (config.sp_rows, config.dim))
        self.acc = np.zeros((config.acc_rows, config.dim), np.int64)
        self.weights = np.zeros((config.dim, config.dim), np.int64)

    def tile(self, row, stride, rows, cols):
        out = np.zeros((self.config.dim, self.config.dim), np.int64)
        for n in range(rows):
            out[n, :cols] = self.sp[row + n * stride, :cols]
        return out

    def run(self, op):
        if op["load_weights"]:
            self.weights = self.tile(op["b_row"], 1, op["k"], op["b_cols"])
        a = self.tile(op["a_row"], op["a_stride"], op["a_rows"], op["a_cols"])
        d = self.tile(op["d_row"], 1, op["d_rows"], op["d_cols"])
        self.write(op, a @ self.weights + d)

    def write(self, op, result):
        fmt = self.config.input
        for n in range(op["c_rows"]):
            row, cols = op["c_row"] + n * op["c_stride"], op["c_cols"]
            if op["c_acc"]:
                old = self.acc[row, :cols] * op["c_accumulate"]
                self.acc[row, :cols] = self.config.accumulator.wrap(old + result[n, :cols])
            else:
                low = max(0, fmt.min) if op["relu"] else fmt.min
                value = self.config.accumulator.wrap(result[n, :cols])
                self.sp[row, :cols] = np.clip(value, low, fmt.max)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("seed", [1, 2])
def test_random_ops_equal_numpy(name, seed):
    config = CONFIGS[name]
    equal_numpy(config, seed, Model(config, np.random.default_rng(seed)))


def equal_numpy(config, seed, model, number=120):
    """Run random ops of `model` beside a store that reads, and compare all rows at the end."""
    rng = random.Random(seed)
    dut = Bench(config)
    everything = (1 << config.dim) - 1
    loads = [
        {"row": n, "lanes": row.tolist(), "mask": everything} for n, row in enumerate(model.sp)
    ]
    zeros = [{"row": n, "mask": everything} for n in range(config.acc_rows)]
    ops, resident = [], 0
    for _ in range(number):
        ops.append(model.op(rng, config, resident))
        resident = ops[-1]["k"]
        model.run(ops[-1])
    finished, state = [], {}

    async def count(ctx):
        while len(finished) < len(ops):
            _, _, done = await ctx.tick().sample(dut.done)
            finished.extend([1] * done)

    async def main(ctx):
        await put(ctx, dut.sp_load, loads)
        await put(ctx, dut.acc_load, zeros)
        state["loaded"] = True
        await put(ctx, dut.op, ops, stalls(seed, 0.1))

    async def noise(ctx):
        """A store that reads all the time and takes bank cycles away."""
        while "loaded" not in state or len(finished) < len(ops):
            await put(ctx, dut.sp_read.request, [rng.randrange(config.sp_rows)])
            await get(ctx, dut.sp_read.data, 1)
        await ctx.tick().repeat(write_latency(config))
        state["quiet"] = True

    async def check(ctx):
        while "quiet" not in state:
            await ctx.tick()
        for port, rows, want in (
            (dut.sp_read, config.sp_rows, model.sp),
            (dut.acc_read, config.acc_rows, model.acc),
        ):
            for n in range(rows):
                await put(ctx, port.request, [n])
                (got,) = await get(ctx, port.data, 1)
                assert [int(lane) for lane in got] == want[n].tolist(), f"row {n}"

    simulate(dut, main, count, noise, check)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("load_every", [1, 4])
def test_tiles_follow_one_another_without_a_gap(name, load_every):
    """Where registers stand around the array, a tile of weights comes two cycles after the one
    before has moved on."""
    config = CONFIGS[name]
    dim = config.dim
    ops = [
        {
            "load_weights": n % load_every == 0,
            "k": dim,
            "b_row": dim * (n % 4),
            "b_cols": dim,
            "a_rows": dim,
            "a_cols": dim,
            "a_row": dim * (4 + n % 4),
            "a_stride": 1,
            "c_rows": dim,
            "c_cols": dim,
            "c_row": dim * (n % 4),
            "c_stride": 1,
            "c_acc": 1,
            "c_accumulate": 1,
        }
        for n in range(16)
    ]
    gaps = [cycles - dim for cycles in intervals(config, ops)]
    if config.array_clock == 1:
        assert gaps == [0] * len(gaps)
    else:
        assert max(gaps) <= 2
        assert load_every == 1 or not any(gaps[n] for n in range(len(gaps)) if n % 4 != 3)


def intervals(config, ops):
    """Cycles between the ends of ops at full rate."""
    dut, done = Bench(config), []

    async def send(ctx):
        await put(ctx, dut.op, ops, never)

    async def watch(ctx):
        cycle = 0
        while len(done) < len(ops):
            _, _, pulse = await ctx.tick().sample(dut.done)
            if pulse:
                done.append(cycle)
            cycle += 1

    simulate(dut, send, watch)
    return np.diff(done).tolist()


SOON = {
    "int8_4x4": TINY,
    "int8_7x7": TINY.replace(dim=7, sp_bank_rows=32, acc_bank_rows=32),
    "int8_7x7_os": TINY.replace(dim=7, sp_bank_rows=32, acc_bank_rows=32, output_stationary=True),
    "int8_3x3": TINY.replace(dim=3),
    "int8_7x7_clocked": TINY.replace(
        dim=7, sp_bank_rows=32, acc_bank_rows=32, in_order=True, array_clock=2
    ),
}


@pytest.mark.parametrize("name", SOON)
def test_rows_are_there_for_whoever_starts_at_soon(name):
    config, rng = SOON[name], random.Random(name)
    dut, ops, resident = Bench(config), [], 0
    for _ in range(60):
        ops.append(
            random_op(rng, config, resident) | {"c_acc": 1, "c_stride": rng.choice((1, 1, 2))}
        )
        ops[-1] |= {"c_rows": config.dim} if rng.random() < 0.7 else {}
        ops[-1] |= {"rows": ops[-1]["c_rows"]} if config.output_stationary else {}
        resident = ops[-1]["k"]
    soon, done, written, whole = [], [], [], []
    execute = dut.execute

    async def watch(ctx):
        cycle = 0
        while len(done) < len(ops):
            watched = execute.soon, execute.done, execute.acc.valid, execute.whole
            _, _, *happens, whole_now = await ctx.tick().sample(*watched)
            whole.extend([whole_now] * happens[1])
            for event, cycles in zip(happens, (soon, done, written), strict=True):
                cycles.extend([cycle] * event)
            cycle += 1

    async def send(ctx):
        await put(ctx, dut.op, ops, stalls(3, 0.1))

    async def noise(ctx):
        for _ in range(1500):
            await put(ctx, dut.sp_read.request, [rng.randrange(config.sp_rows)])
            await get(ctx, dut.sp_read.data, 1)

    simulate(dut, watch, send, noise)
    assert soon == sorted(set(soon))
    for op, end, early in zip(ops, done, whole, strict=True):
        plain = op["c_rows"] == config.dim and op["c_stride"] == 1
        assert early == (plain and config.dim >= 4)
        start = soon.pop(0) if early else end
        assert start <= end
        for row in range(op["c_rows"]):
            at = written.pop(0)
            assert not early or at + write_latency(config) <= start + 1 + row
    assert not soon and sum(whole) > 20 or config.dim < 4
