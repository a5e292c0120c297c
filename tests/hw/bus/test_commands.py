"""The command ports, from the core's side to the command stream: random programs."""

import random
import struct

import pytest

from hw.bus.cfu import CfuPort
from hw.bus.direct import DirectPort
from hw.bus.mmio import MmioPort
from hw.bus.pcpi import PcpiPort
from hw.isa import BY_NAME
from hw.soc.map import COMMAND
from tests.support.streams import get, put, simulate, stalls

ISSUE, STAGE, STATUS, WAIT, RUN = range(5)
ERROR, COUNTER = BY_NAME["error"].funct, BY_NAME["counter"].funct
FAILED = 5


class FakeAccelerator:
    """Takes commands with stalls, is busy for a while with each, answers those that respond."""

    def __init__(self, dut, seed):
        self.dut, self.rng = dut, random.Random(seed)
        self.taken, self.retired = [], 0

    async def run(self, ctx):
        dut, left, before = self.dut, [], False
        late = self.rng.random() < 0.5  # by two cycles, as the contract allows
        response = None
        ctx.set(dut.error, FAILED)
        while True:
            ready = self.rng.random() < 0.4 and response is None and len(left) < 3
            ctx.set(dut.command.ready, ready)
            ctx.set(dut.response.valid, response is not None and response[0] == 0)
            ctx.set(dut.response.payload, response[1] if response else 0)
            _, _, valid, payload, free = await ctx.tick().sample(
                dut.command.valid, dut.command.payload, dut.response.ready
            )
            if response and response[0] == 0 and free:
                response = None
            elif response and response[0]:
                response = (response[0] - 1, response[1])
            left = [time - 1 for time in left]
            while left and left[0] <= 0:
                left.pop(0)
                self.retired += 1
            if ready and valid:
                self.taken.append((payload.funct, payload.rs1, payload.rs2))
                left.append(self.rng.randrange(1, 30))
                if payload.funct in (ERROR, COUNTER):
                    response = (self.rng.randrange(6), answer_of(payload.rs1))
            ctx.set(dut.busy, before if late and not before else bool(left))
            before = bool(left)


class FakeMemory:
    """Lists of commands in memory, read with stalls; words beyond the end are errors."""

    def __init__(self, dut, seed, size):
        self.dut, self.rng, self.size = dut, random.Random(seed), size
        self.bytes, self.asked = bytearray(), []

    def place(self, commands):
        """Address of a list, somewhere behind the others."""
        self.bytes += bytes(8 * self.rng.randrange(5))
        address = len(self.bytes)
        for funct, rs1, rs2 in commands:
            self.bytes += struct.pack("<IIQQ", funct, self.rng.randrange(1 << 32), rs1, rs2)
        return address

    async def run(self, ctx):
        dut, words = self.dut, []
        while True:
            asks, gives = self.rng.random() < 0.5, bool(words) and self.rng.random() < 0.7
            ctx.set(dut.read_request.ready, asks)
            ctx.set(dut.read_data.valid, gives)
            if gives:
                ctx.set(dut.read_data.payload, words[0])
            _, _, valid, payload, ready = await ctx.tick().sample(
                dut.read_request.valid, dut.read_request.payload, dut.read_data.ready
            )
            if asks and valid:
                first = payload.address // self.size
                last = (payload.address + payload.bytes - 1) // self.size
                self.asked.append(payload.bytes)
                words += [self.word(number) for number in range(first, last + 1)]
            waits = isinstance(dut, DirectPort)  # nothing else stands behind its words
            assert ready or not gives or waits, "the port must take every word it asked for"
            if gives and ready:
                words.pop(0)

    def word(self, number):
        part = self.bytes[number * self.size : (number + 1) * self.size]
        wrong = number * self.size >= len(self.bytes)
        return {"data": int.from_bytes(part, "little"), "error": wrong}


def answer_of(rs1):
    return (rs1 * 7 + 3) & 0xFFFF_FFFF


def program(rng, length):
    """(kind, commands) with small, wide and responding commands; lists for RUN."""
    for _ in range(length):
        kind = rng.choices([ISSUE, STATUS, WAIT, RUN], [8, 2, 1, 1])[0]
        commands = []
        for _ in range(rng.randrange(12) if kind == RUN else 1):
            funct = rng.choice([0, 2, 3, 4, 6, 33, 127, ERROR, COUNTER])
            rs1, rs2 = (rng.randrange(1 << rng.choice([1, 31, 32, 33, 64])) for _ in range(2))
            commands.append((funct, rs1, rs2))
        yield kind, commands


class CfuHost:
    """Sends requests as custom instructions."""

    def __init__(self, dut, seed):
        self.dut, self.coin = dut, stalls(seed, 0.3)

    async def _custom(self, ctx, funct3, funct7, a, b):
        command = {"function": funct7 << 3 | funct3, "inputs_0": a, "inputs_1": b}
        await put(ctx, self.dut.cfu.command, [command], self.coin)
        return (await get(ctx, self.dut.cfu.response, 1, self.coin))[0]

    async def __call__(self, ctx, kind, funct, rs1, rs2):
        if kind == ISSUE and (rs1 | rs2) >> 32:
            assert await self._custom(ctx, STAGE, 0, rs1 >> 32, rs2 >> 32) == 0
        return await self._custom(ctx, kind, funct, rs1 & 0xFFFF_FFFF, rs2 & 0xFFFF_FFFF)


class PcpiHost(CfuHost):
    """Holds each instruction until it is ready, as PicoRV32 does."""

    async def _custom(self, ctx, funct3, funct7, a, b):
        pcpi = self.dut.pcpi
        while self.coin():
            await ctx.tick()
        ctx.set(pcpi.instruction, funct7 << 25 | funct3 << 12 | 0x2B)
        ctx.set(pcpi.rs1, a)
        ctx.set(pcpi.rs2, b)
        ctx.set(pcpi.valid, 1)
        assert ctx.get(pcpi.wait), "the core would give up"
        (word,) = await ctx.tick().sample(pcpi.rd).until(pcpi.ready)
        ctx.set(pcpi.valid, 0)
        await ctx.tick()
        return word


class MmioHost:
    """Does the same with register accesses."""

    def __init__(self, dut, seed):
        self.dut, self.coin = dut, stalls(seed, 0.3)

    async def _access(self, ctx, register, value=None):
        bus = self.dut.bus
        while self.coin():
            await ctx.tick()
        ctx.set(bus.select, 1)
        ctx.set(bus.word, COMMAND.word(register))
        ctx.set(bus.write, value is not None)
        ctx.set(bus.data_w, value or 0)
        (word,) = await ctx.tick().sample(bus.data_r).until(bus.done)
        ctx.set(bus.select, 0)
        return word

    async def __call__(self, ctx, kind, funct, rs1, rs2):
        if kind == RUN:
            await self._access(ctx, "rs1_low", rs1)
            await self._access(ctx, "run", rs2)
            return await self._access(ctx, "response")
        if kind != ISSUE:
            return await self._access(ctx, "status" if kind == STATUS else "wait")
        for name, value in (("rs1", rs1), ("rs2", rs2)):
            await self._access(ctx, f"{name}_low", value & 0xFFFF_FFFF)
            if value >> 32:
                await self._access(ctx, f"{name}_high", value >> 32)
        await self._access(ctx, "issue", funct)
        return await self._access(ctx, "response")


@pytest.mark.parametrize("depth, width, seed", [(1, 32, 1), (2, 64, 2), (3, 128, 3), (8, 256, 4)])
@pytest.mark.parametrize(
    "port, host",
    [(CfuPort, CfuHost), (PcpiPort, PcpiHost), (MmioPort, MmioHost), (DirectPort, MmioHost)],
)
def test_random_programs_arrive_and_wait_waits(port, host, depth, width, seed):
    dut = port(depth, width) if port is not DirectPort else port(width)
    depth = depth if port is not DirectPort else 1
    fake, send = FakeAccelerator(dut, seed), host(dut, seed)
    memory = FakeMemory(dut, seed, width // 8)
    asked = list(program(random.Random(seed), 150))
    places = [memory.place(commands) for _, commands in asked]

    async def bench(ctx):
        issued = []
        for (kind, commands), place in zip(asked, places, strict=True):
            if kind == RUN:
                assert await send(ctx, RUN, 0, place, len(commands)) == 0
                issued += commands
                continue
            funct, rs1, rs2 = commands[0]
            answer = await send(ctx, kind, funct, rs1, rs2)
            if kind == ISSUE:
                issued.append((funct, rs1, rs2))
                assert answer == (answer_of(rs1) if funct in (ERROR, COUNTER) else 0)
                continue
            busy, free, error = answer & 1, answer >> 8 & 255, answer >> 16 & 255
            assert error == FAILED and free <= depth
            if not busy:
                assert free == depth
            if kind == WAIT:
                assert not busy and fake.retired == len(issued), "wait returned too early"
        await send(ctx, WAIT, 0, 0, 0)
        assert fake.taken == issued

    simulate(dut, bench, background=[fake.run, memory.run])


@pytest.mark.parametrize("width", [32, 64, 128, 256])
def test_a_list_comes_at_the_speed_of_the_bus_or_of_its_pieces(width):
    dut, count = CfuPort(2, width), 40
    memory = FakeMemory(dut, 0, width // 8)
    memory.rng.random = lambda: 0.1  # never stalls
    commands = [(2, n, n << 40) for n in range(count)]
    place, taken, when = memory.place(commands), [], []

    async def take(ctx):
        taken.extend(await get(ctx, dut.command, count, when=when))

    async def start(ctx):
        await put(ctx, dut.cfu.command, [{"function": RUN, "inputs_0": place, "inputs_1": count}])

    simulate(dut, take, start, background=[memory.run])
    assert [(c.funct, c.rs1, c.rs2) for c in taken] == commands
    per_command = max(24 / (width // 8), 3)
    assert when[-1] - when[0] <= 1.2 * per_command * (count - 1) + 8
    assert when[0] <= 16 and sum(memory.asked) == 24 * count


def test_a_list_that_cannot_be_read_ends_with_a_fault():
    dut = CfuPort(2, 32)
    memory = FakeMemory(dut, 1, 4)
    commands = [(2, n, 0) for n in range(6)]
    place, taken, faults = memory.place(commands), [], []

    async def watch(ctx):
        ctx.set(dut.command.ready, 1)
        while True:
            _, _, valid, payload, fault = await ctx.tick().sample(
                dut.command.valid, dut.command.payload, dut.fault
            )
            if valid:
                taken.append(payload.rs1)
            faults.append(fault)

    async def bench(ctx):
        run = {"function": RUN, "inputs_0": place, "inputs_1": 50}
        for command in (run, {"function": WAIT}):
            await put(ctx, dut.cfu.command, [command])
            await get(ctx, dut.cfu.response, 1)

    simulate(dut, bench, background=[watch, memory.run])
    assert taken == list(range(6)) and sum(faults) == 1


@pytest.mark.parametrize("width", [32, 64, 128, 256])
def test_a_list_that_is_not_aligned_ends_with_a_fault(width):
    dut = CfuPort(2, width)
    memory = FakeMemory(dut, 1, width // 8)
    memory.place([(2, 0, 0)])
    odd = memory.place([(2, 1, 0)]) + 4
    place = memory.place([(2, n, 0) for n in range(5)])
    taken, faults = [], []

    async def watch(ctx):
        ctx.set(dut.command.ready, 1)
        while True:
            _, _, valid, payload, fault, address = await ctx.tick().sample(
                dut.command.valid, dut.command.payload, dut.fault, dut.fault_address
            )
            taken.extend([payload.rs1] * valid)
            faults.extend([address] * fault)

    async def bench(ctx):
        for address, count in ((odd, 1), (place, 5), (odd, 3)):
            run = {"function": RUN, "inputs_0": address, "inputs_1": count}
            for command in (run, {"function": WAIT}):
                await put(ctx, dut.cfu.command, [command])
                await get(ctx, dut.cfu.response, 1)

    simulate(dut, bench, background=[watch, memory.run])
    assert taken == [*range(5)] and faults == [odd, odd]


def test_registers_hand_on_what_can_be_read_of_a_list():
    """And a response stays with the accelerator until it is read, or something else begins."""
    dut = DirectPort(32)
    memory, host = FakeMemory(dut, 1, 4), MmioHost(dut, 3)
    place, taken, faults = memory.place([(2, n, 0) for n in range(6)]), [], []

    async def watch(ctx):
        ctx.set(dut.command.ready, 1)
        async for _, _, valid, payload, fault in ctx.tick().sample(
            dut.command.valid, dut.command.payload, dut.fault
        ):
            taken.extend([payload.rs1] * valid)
            faults.extend([1] * fault)

    async def bench(ctx):
        for address in (place, place + 4):
            await host(ctx, RUN, 0, address, 50)
            await host(ctx, WAIT, 0, 0, 0)
        ctx.set(dut.response.valid, 1)
        ctx.set(dut.response.payload, 77)
        await host._access(ctx, "issue", ERROR)
        await ctx.tick().repeat(20)
        assert not ctx.get(dut.response.ready)
        assert await host._access(ctx, "response") == 77
        assert await host._access(ctx, "response") == 0
        await host._access(ctx, "issue", ERROR)
        await host._access(ctx, "issue", 2)
        assert await host._access(ctx, "response") == 0

    simulate(dut, bench, background=[watch, memory.run])
    assert taken[:6] == list(range(6)) and len(faults) == 2


def test_an_instruction_takes_one_cycle():
    dut, count = CfuPort(64, 32), 20

    async def send(ctx):
        commands = [
            {"function": 2 << 3 | ISSUE, "inputs_0": n, "inputs_1": 0} for n in range(count)
        ]
        await put(ctx, dut.cfu.command, commands)

    when = []

    async def take(ctx):
        await get(ctx, dut.cfu.response, count, when=when)

    simulate(dut, send, take)
    assert when == list(range(when[0], when[0] + count)) and when[0] == 1


def test_instructions_of_others_are_left_to_them():
    dut = PcpiPort(2, 32)

    async def bench(ctx):
        ctx.set(dut.pcpi.valid, 1)
        ctx.set(dut.command.ready, 1)
        for opcode in (0x0B, 0x33, 0x5B, 0x7B):
            ctx.set(dut.pcpi.instruction, 2 << 25 | opcode)
            for _ in range(5):
                _, _, *seen = await ctx.tick().sample(
                    dut.command.valid, dut.pcpi.wait, dut.pcpi.ready
                )
                assert not any(seen), f"opcode {opcode:#x}"

    simulate(dut, bench)


def test_an_issue_waits_while_held():
    dut = CfuPort(4, 32)

    async def bench(ctx):
        ctx.set(dut.hold, 1)
        ctx.set(dut.cfu.response.ready, 1)
        for kind, ready in ((ISSUE, 0), (STAGE, 1), (STATUS, 1), (WAIT, 1)):
            ctx.set(dut.cfu.command.payload.function, kind)
            assert ctx.get(dut.cfu.command.ready) == ready
        ctx.set(dut.hold, 0)
        ctx.set(dut.cfu.command.payload.function, ISSUE)
        assert ctx.get(dut.cfu.command.ready) == 1

    simulate(dut, bench)
