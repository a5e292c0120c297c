"""The whole accelerator as Verilog: commands in, bytes out, against numpy and the machine."""

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from hw.accelerator import Accelerator
from hw.config import PRESETS
from hw.isa import GARBAGE, ErrorCode, Local, encode, float_bits
from sim.machine import Machine
from sim.programs import random_program
from tests.support.bench import Reader, Sink, Source, Writer, coins, run, seed

SMALL = {"sp_bank_rows": 32, "acc_bank_rows": 16, "loop_ws": False, "loop_conv": False}
CONFIG = PRESETS["tiny"].replace(**SMALL)  # loops would double the time that it takes to build
DIM = CONFIG.dim
SPACE = 1 << 14
A, B, D, C = 0x0400, 0x0800, 0x0C00, 0x1000


def test_accelerator():
    from sim.cosim.runner import run_cocotb

    run_cocotb(Accelerator(CONFIG), __name__, name="accelerator")


class Host:
    """Commands from a host, a memory behind the port, and the status register."""

    def __init__(self, dut, memory, stall, latency=1):
        coin = coins(seed(), stall)
        self.dut, self.memory = dut, memory
        self.commands = Source(dut, "command", (), coin(1))
        self.answers = Sink(dut, "response", "", coin(2))
        reader = Reader(dut, "memory_", memory, CONFIG.bus_bytes, coin, latency)
        writer = Writer(dut, "memory_", memory, CONFIG.bus_bytes, coin, latency)
        self.agents = (self.commands, self.answers, *reader.agents, *writer.agents)
        dut.clear_error.value = 0

    def idle(self):
        return not self.commands.items and not int(self.dut.status_busy.value)

    async def run(self, commands):
        """From reset to idle; the cycles it took."""
        items = [{"funct": c.funct, "rs1": c.rs1, "rs2": c.rs2} for c in commands]
        self.commands.items.extend((0, item) for item in items)
        return await run(self.dut, self.agents, self.idle, cycles=50_000)

    def error(self):
        code, index = self.dut.status_error.value, self.dut.status_error_index.value
        return ErrorCode(int(code)), int(index)


def product(rows, inner, cols, scale, relu):
    """Commands of C = act(scale·(A·B + D)) in tiles; C in int8, D in int32, all packed rows."""
    yield encode("config_ex", dataflow=1, a_stride=1, c_stride=1)
    strides = (inner, cols, 4 * cols)
    for number, stride in enumerate(strides):
        fields = {"set": number, "stride": stride, "block_stride": DIM, "scale": float_bits(1.0)}
        yield encode("config_ld", **fields)
    yield encode("config_st", activation=relu, stride=cols, scale=float_bits(scale))
    steps = range(0, inner, DIM)
    for i in range(0, rows, DIM):
        for j in range(0, cols, DIM):
            m, n = min(DIM, rows - i), min(DIM, cols - j)
            at = D + 4 * (i * cols + j)
            yield encode("mvin3", address=at, local=Local.ACC, rows=m, cols=n)
            for k in steps:
                size = min(DIM, inner - k)
                a, b = 2 * k, 2 * k + DIM
                yield encode("mvin", address=A + i * inner + k, local=a, rows=m, cols=size)
                yield encode("mvin2", address=B + k * cols + j, local=b, rows=size, cols=n)
                c = {"c_addr": Local.ACC | Local.ACCUMULATE, "c_rows": m, "c_cols": n}
                yield encode("preload", b_addr=b, b_rows=size, b_cols=n, **c)
                yield encode("compute_preloaded", a_addr=a, a_rows=m, a_cols=size, d_addr=GARBAGE)
            yield encode("mvout", address=C + i * cols + j, local=Local.ACC, rows=m, cols=n)


@cocotb.test()
@cocotb.parametrize(shape=[(4, 4, 4), (9, 7, 5), (12, 16, 8), (1, 16, 1)], stall=[0.0, 0.4])
async def matmul_equals_numpy(dut, shape, stall):
    rng = np.random.default_rng(seed())
    rows, inner, cols = shape
    a = rng.integers(-128, 128, (rows, inner), dtype=np.int8)
    b = rng.integers(-128, 128, (inner, cols), dtype=np.int8)
    d = rng.integers(-20_000, 20_000, (rows, cols), dtype=np.int32)
    scale, relu = np.float32(0.0037), int(rng.integers(2))
    memory = bytearray(SPACE)
    for address, operand in ((A, a), (B, b), (D, d)):
        memory[address : address + operand.nbytes] = operand.tobytes()
    host = Host(dut, memory, stall, latency=int(rng.integers(1, 12)))
    await host.run(product(rows, inner, cols, float(scale), relu))
    assert host.error() == (ErrorCode.NONE, 0)
    sums = a.astype(np.int64) @ b + d
    sums = np.maximum(sums, 0) if relu else sums
    scaled = np.rint(np.float64(sums.astype(np.float32) * scale))
    want = np.clip(scaled, -128, 127).astype(np.int8)
    got = np.frombuffer(bytes(memory[C : C + want.size]), np.int8).reshape(want.shape)
    np.testing.assert_array_equal(got, want)


@cocotb.test()
@cocotb.parametrize(number=range(4), stall=[0.0, 0.3])
async def random_programs_equal_the_machine(dut, number, stall):
    program = random_program(CONFIG, seed() + number, 30)
    commands = [*program.prologue(), *program.segments[0], *program.epilogue()]
    machine = Machine(CONFIG, program.memory_bytes)
    machine.write(0, program.memory)
    wanted = machine.run(commands)
    host = Host(dut, bytearray(program.memory), stall, latency=3)
    await host.run(commands)
    assert host.memory == machine.read(0, program.memory_bytes), str(program)
    assert host.error() == (wanted.error, wanted.error_index), str(program)


@cocotb.test()
async def a_bad_command_is_reported_and_skipped(dut):
    bad = encode("mvin", address=64, local=0, rows=DIM + 1, cols=1)
    commands = [encode("flush"), bad, encode("flush"), encode("error")]
    host = Host(dut, bytearray(SPACE), 0.3)
    await host.run(commands)
    assert host.error() == (ErrorCode.BAD_SIZE, 1)
    assert [answer for _, answer in host.answers.taken] == [ErrorCode.BAD_SIZE | 1 << 8]


@cocotb.test()
async def the_error_register_can_be_cleared_by_pin(dut):
    host = Host(dut, bytearray(SPACE), 0.0)
    await host.run([encode("mvout", address=0, local=GARBAGE, rows=1, cols=1)])
    assert host.error() == (ErrorCode.BAD_ADDRESS, 0)
    await FallingEdge(dut.clk)
    dut.clear_error.value = 1
    await FallingEdge(dut.clk)
    dut.clear_error.value = 0
    await FallingEdge(dut.clk)
    assert host.error() == (ErrorCode.NONE, 0)


@cocotb.test()
async def commands_are_taken_one_per_cycle_and_configuration_every_other(dut):
    host = Host(dut, bytearray(SPACE), 0.0)
    await host.run([encode("flush")] * 20 + [encode("config_st", scale=float_bits(1.0))] * 20)
    sent = host.commands.sent
    assert sent[:20] == list(range(20))
    assert sent[-1] - sent[-11] == 20
