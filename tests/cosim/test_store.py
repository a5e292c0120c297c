"""The store unit as Verilog between two local memories and a memory that refuses words."""

import random

import cocotb
import numpy as np

from hw.control.store import Store
from tests.hw.control.test_store import expected, random_op, tile
from tests.support.bench import Pulse, Rows, Source, Writer, coins, pack, run, seed
from tests.support.plain import PLAIN

CONFIG = PLAIN["tiny"].replace(sp_bank_rows=16, acc_bank_rows=16, store_queue=8)
SPACE = 1 << 14


def test_store():
    from sim.cosim.runner import run_cocotb

    run_cocotb(Store(CONFIG), __name__, name="store")


class Contents:
    """Random rows of both local memories, as the model of the unit tests wants them."""

    def __init__(self, rng):
        self.config = CONFIG
        self.sp = rng.integers(-128, 128, (CONFIG.sp_rows, CONFIG.dim))
        self.acc = rng.integers(-(1 << 31), 1 << 31, (CONFIG.acc_rows, CONFIG.dim))
        self.acc[::2] >>= 18

    def ports(self, dut, coin):
        sp = [pack(row, CONFIG.input.width) for row in self.sp]
        acc = [pack(row, CONFIG.accumulator.width) for row in self.acc]
        return *Rows(dut, "sp", sp, coin).agents, *Rows(dut, "acc", acc, coin).agents


async def stored(dut, ops, stall, latency=1, bad=()):
    contents = Contents(np.random.default_rng(seed()))
    coin = coins(seed(), stall)
    memory = bytearray(SPACE)
    writer = Writer(dut, "", memory, CONFIG.bus_bytes, coin, latency, bad)
    done, errors = Pulse(dut, "done"), Pulse(dut, "error_valid", "error_index")
    source = Source(dut, "op", ops, coin(5))
    agents = (source, *writer.agents, *contents.ports(dut, coin), done, errors)
    await run(dut, agents, lambda: len(done.cycles) == len(ops), cycles=60_000)
    return contents, memory, writer, errors.values, source.sent[0]


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.3, 0.6], latency=[1, 15])
async def bytes_equal_the_model(dut, stall, latency):
    rng = random.Random(seed())
    ops = [random_op(CONFIG, rng, n) for n in range(20)]
    for op in ops:
        op["address"] = rng.randrange(SPACE // 2)
        op["stride"] %= 300
    contents, memory, writer, errors, _ = await stored(dut, ops, stall, latency)
    image, words = expected(contents, ops)
    want = bytearray(SPACE)
    for address, byte in image.items():
        want[address] = byte
    assert memory == want
    assert len(writer.requests.taken) == sum(words)
    assert not errors


@cocotb.test()
async def refused_words_name_their_operation(dut):
    ops = [tile(CONFIG, n, address=256 * n) for n in range(5)]
    bad = {256 // 4, (3 * 256 + 8) // 4}
    *_, errors, _ = await stored(dut, ops, 0.3, bad=bad)
    assert errors == [1, 3]


@cocotb.test()
async def words_leave_at_one_per_cycle(dut):
    ops = [tile(CONFIG, n, address=256 * n, acc=0) for n in range(4)]
    _, _, writer, _, start = await stored(dut, ops, 0.0, latency=9)
    when = [cycle for cycle, _ in writer.requests.taken]
    assert when == list(range(when[0], when[0] + 4 * CONFIG.dim))
    assert when[0] == start + 5
