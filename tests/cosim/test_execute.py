"""Execute with mesh and both local memories as Verilog, against numpy."""

import random

import cocotb
import numpy as np

from tests.hw.control.test_execute import TINY, Bench, Model, random_op
from tests.support.bench import Pulse, Sink, Source, coins, pack, run, seed

WIDTH = {"sp": TINY.input.width, "acc": TINY.accumulator.width}
ALL = (1 << TINY.dim) - 1


def test_execute():
    from sim.cosim.runner import run_cocotb

    run_cocotb(Bench(TINY), __name__, name="execute")


class Phases:
    """Fill both memories, run the ops while a store reads, then read everything back."""

    def __init__(self, dut, model, ops, stall):
        coin, rng = coins(seed(), stall), random.Random(seed())
        rows = [{"row": n, "lanes": pack(r, 8), "mask": ALL} for n, r in enumerate(model.sp)]
        zeros = [{"row": n, "lanes": 0, "mask": ALL} for n in range(TINY.acc_rows)]
        self.fill = [Source(dut, "sp_load", rows), Source(dut, "acc_load", zeros)]
        self.ops = Source(dut, "op", (), coin(1))
        self.pending = ops
        self.count = len(ops)
        self.done = Pulse(dut, "done")
        self.reads = {name: Source(dut, f"{name}_read_request") for name in WIDTH}
        self.data = {name: Sink(dut, f"{name}_read_data", "", coin(2)) for name in WIDTH}
        noise = (rng.randrange(TINY.sp_rows) for _ in range(10_000))
        self.noise, self.first, self.finished = noise, None, None

    def agents(self):
        streams = (*self.reads.values(), *self.data.values())
        return (self, *self.fill, self.ops, self.done, *streams)

    def drive(self, now):
        if self.pending and not any(source.items for source in self.fill):
            self.ops.items.extend((now + 6, op) for op in self.pending)
            self.pending = []
        busy = len(self.done.cycles) < self.count
        requests = self.reads["sp"].items
        if busy and not self.pending and len(requests) < 2:
            requests.append((now, next(self.noise)))
        if not busy and self.finished is None and not requests:
            self.finished = now
        if self.finished is not None and self.first is None and now > self.finished + 20:
            self.first = {name: len(sink.taken) for name, sink in self.data.items()}
            for name, rows in (("sp", TINY.sp_rows), ("acc", TINY.acc_rows)):
                self.reads[name].items.extend((now, row) for row in range(rows))

    def sample(self, now):
        pass

    def contents(self, name):
        if self.first is None:
            return []
        return [row for _, row in self.data[name].taken[self.first[name] :]]

    def over(self):
        full = len(self.contents("sp")) == TINY.sp_rows
        return full and len(self.contents("acc")) == TINY.acc_rows


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.3])
async def memories_equal_numpy(dut, stall):
    rng = random.Random(seed())
    model = Model(TINY, np.random.default_rng(seed()))
    ops, resident = [], 0
    initial = model.sp.copy()
    for _ in range(150):
        ops.append(random_op(rng, TINY, resident))
        resident = ops[-1]["k"]
        model.run(ops[-1])
    want, model.sp = model.sp, initial
    phases = Phases(dut, model, ops, stall)
    await run(dut, phases.agents(), phases.over)
    assert phases.contents("sp") == [pack(row, WIDTH["sp"]) for row in want]
    assert phases.contents("acc") == [pack(row, WIDTH["acc"]) for row in model.acc]
