"""The load unit as Verilog between a memory with faults and two local memories."""

import random

import cocotb

from hw.control.load import Load
from tests.hw.control.test_load import SPACE, model, random_op
from tests.support.bench import Pulse, Reader, Sink, Source, coins, run, seed, unpack
from tests.support.plain import PLAIN

CONFIG = PLAIN["tiny"].replace(sp_bank_rows=64, acc_bank_rows=64, reads_in_flight=4)
WIDTHS = {"sp": CONFIG.input.width, "acc": CONFIG.accumulator.width}


def test_load():
    from sim.cosim.runner import run_cocotb

    run_cocotb(Load(CONFIG), __name__, name="load")


def written(port: str, row: dict):
    """A row write as the model gives it: (port, row, {lane: value}, accumulate)."""
    lanes = unpack(row["lanes"], WIDTHS[port])
    lanes += [0] * (CONFIG.dim - len(lanes))
    kept = {n: value for n, value in enumerate(lanes) if row["mask"] >> n & 1}
    return (port, row["row"], kept, row["accumulate"])


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.3, 0.6], latency=[1, 20])
async def writes_equal_the_model(dut, stall, latency):
    rng = random.Random(seed())
    ops = [random_op(CONFIG, rng, n) for n in range(30)]
    memory = bytearray(rng.randbytes(SPACE))
    bad = {n for n in range(SPACE // CONFIG.bus_bytes) if rng.random() < 0.02}
    coin = coins(seed(), stall)
    writes = []
    reader = Reader(dut, "", memory, CONFIG.bus_bytes, coin, latency, bad)
    sinks = [
        Sink(dut, p, "row lanes mask accumulate", coin(n), lambda _, w, p=p: writes.append((p, w)))
        for n, p in enumerate(WIDTHS)
    ]
    done = Pulse(dut, "done")
    errors = Pulse(dut, "error_valid", "error_index")
    agents = (Source(dut, "op", ops, coin(5)), *reader.agents, *sinks, done, errors)
    await run(dut, agents, lambda: len(done.cycles) == len(ops))
    expected = [model(CONFIG, op, memory, bad) for op in ops]
    got = [written(port, row) for port, row in writes]
    assert got == [write for e in expected for write in e.writes]
    wrong = {op["index"] for op, e in zip(ops, expected, strict=True) if e.error}
    assert set(errors.values) == wrong


@cocotb.test()
async def rows_arrive_at_one_per_cycle(dut):
    ops = [
        {"address": 1024 * n, "stride": CONFIG.row_bytes, "rows": CONFIG.dim, "cols": CONFIG.dim}
        | {"zero": 0, "acc": 0, "accumulate": 0, "wide": 0, "row": 8 * n, "block_stride": 4}
        | {"scale": 0x3F800000, "index": n}
        for n in range(1, 7)
    ]
    reader = Reader(dut, "", bytearray(SPACE), CONFIG.bus_bytes, coins(0, 0))
    rows = Sink(dut, "sp", "row")
    agents = (Source(dut, "op", ops), *reader.agents, rows, Sink(dut, "acc", "row"))
    await run(dut, agents, lambda: len(rows.taken) == 6 * CONFIG.dim)
    when = [cycle for cycle, _ in rows.taken]
    assert when == list(range(when[0], when[0] + 6 * CONFIG.dim))
    assert when[0] == reader.answers.sent[0] + 3
