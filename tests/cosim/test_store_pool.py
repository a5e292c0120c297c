"""The store unit with pooling and copies as Verilog, against the golden model of the unit tests."""

import random

import cocotb
import numpy as np

from hw.control.store import Store
from tests.cosim.test_store import SPACE, Contents
from tests.hw.control.test_store import elements, random_op
from tests.hw.control.test_store_local import copy, lower
from tests.hw.control.test_store_pool import expected, image, line
from tests.support.bench import Pulse, Sink, Source, Writer, coins, pack, run, seed
from tests.support.plain import PLAIN

CONFIG = PLAIN["tiny"].replace(
    sp_bank_rows=16, acc_bank_rows=16, store_queue=8, pooling=True, spad_store=True, scale_cycles=2
)


def test_store_pool():
    from sim.cosim.runner import run_cocotb

    run_cocotb(Store(CONFIG), __name__, name="store_pool")


def flat(op):
    """Fields as ports: those of `pooling` one by one."""
    pooling = op.get("pooling", {})
    fields = {f"pooling_{name}": value for name, value in pooling.items()}
    return fields | {name: value for name, value in op.items() if name != "pooling"}


def drawn(rng, number):
    """Any kind of operation; plain and pooled ones read the lower half of the scratchpad."""
    op = random_op(CONFIG, rng, number) | {"local": 0, "pooled": 0}
    kind = rng.randrange(4)
    if kind == 0:
        return copy(CONFIG, rng, op)
    if kind == 1:
        op = lower(CONFIG, rng, op)
    else:
        op = (image if kind == 2 else line)(CONFIG.replace(sp_bank_rows=8), rng, op)
    reach = {1: 300, 2: 10, 3: 100}[kind]  # so that all stays inside the memory
    return op | {"address": rng.randrange(SPACE // 2), "stride": rng.randrange(reach)}


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.3, 0.6], latency=[1, 15])
async def bytes_and_rows_equal_the_model(dut, stall, latency):
    rng = random.Random(seed())
    contents, coin = Contents(np.random.default_rng(seed())), coins(seed(), stall)
    ops = [drawn(rng, n) for n in range(30)]
    memory = bytearray(SPACE)
    writer = Writer(dut, "", memory, CONFIG.bus_bytes, coin, latency)
    copies = Sink(dut, "copies", "row lanes mask", coin(6))
    done, errors = Pulse(dut, "done"), Pulse(dut, "error_valid", "error_index")
    source = Source(dut, "op", [flat(op) for op in ops], coin(5))
    agents = (source, *writer.agents, *contents.ports(dut, coin), copies, done, errors)
    await run(dut, agents, lambda: len(done.cycles) == len(ops), cycles=90_000)

    want = bytearray(SPACE)
    for address, byte in expected(contents, [op for op in ops if not op["local"]]).items():
        want[address % SPACE] = byte
    assert memory == want and not errors.values
    rows = []
    for op in filter(lambda op: op["local"], ops):
        for r in range(op["rows"]):
            lanes = pack(elements(contents, op, r)[0], CONFIG.input.width)
            mask = (1 << op["cols"]) - 1
            rows.append({"row": op["address"] + r * op["stride"], "lanes": lanes, "mask": mask})
    assert [row for _, row in copies.taken] == rows
