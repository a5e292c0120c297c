"""The AXI4 adapter on an independent AXI4 memory (cocotbext-axi) under random backpressure."""

import logging
import random

import cocotb
import pytest
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge
from cocotbext.axi import AxiBus, AxiRam, AxiSlave

SIZE = 1 << 16


@pytest.mark.parametrize("width", [32, 128])
def test_axi4(width):
    from hw.bus.axi4 import Axi4Master
    from sim.cosim.runner import run_cocotb

    run_cocotb(Axi4Master(width), "tests.cosim.test_axi4", name=f"axi4_{width}")


class Port:
    """The adapter's memory port, driven from coroutines."""

    def __init__(self, dut, rng, idle):
        self.dut, self.rng, self.idle = dut, rng, idle
        for stream in ("read_request", "write_request"):
            self._signal(stream, "valid").value = 0
        for stream in ("read_data", "write_ack"):
            self._signal(stream, "ready").value = 0

    def _signal(self, stream, name):
        return getattr(self.dut, f"memory_{stream}_{name}")

    async def put(self, stream, payloads):
        """Offer payloads, each until it is taken, with random pauses."""
        valid, ready = self._signal(stream, "valid"), self._signal(stream, "ready")
        for payload in payloads:
            while self.rng.random() < self.idle:
                await RisingEdge(self.dut.clk)
            valid.value = 1
            for field, value in payload.items():
                self._signal(stream, f"payload_{field}").value = value
            while True:
                await ReadOnly()
                taken = ready.value == 1
                await RisingEdge(self.dut.clk)
                if taken:
                    break
            valid.value = 0

    async def get(self, stream, count, *fields):
        """The `fields` of `count` payloads, with random pauses."""
        valid, ready = self._signal(stream, "valid"), self._signal(stream, "ready")
        taken = []
        while len(taken) < count:
            now = self.rng.random() >= self.idle
            ready.value = int(now)
            await ReadOnly()
            if now and valid.value == 1:
                taken.append(tuple(int(self._signal(stream, field).value) for field in fields))
            await RisingEdge(self.dut.clk)
        ready.value = 0
        return taken

    async def read(self, requests, size):
        """(data, error) of the words of every (address, bytes)."""
        words = sum((a + n - 1) // size - a // size + 1 for a, n in requests)
        payloads = [{"address": address, "bytes": length} for address, length in requests]
        sender = cocotb.start_soon(self.put("read_request", payloads))
        taken = await self.get("read_data", words, "payload_data", "payload_error")
        await sender
        return taken

    async def write(self, writes):
        """Acknowledgements of every (address, data, mask)."""
        payloads = [{"address": a, "data": d, "mask": k} for a, d, k in writes]
        sender = cocotb.start_soon(self.put("write_request", payloads))
        acks = await self.get("write_ack", len(writes), "payload")
        await sender
        return [error for (error,) in acks]


def pauses(rng, probability):
    while True:
        yield rng.random() < probability


async def start(dut, idle, target=None):
    """Clock, reset, an AXI4 memory (or `target`) that pauses on every channel, and the port."""
    rng = random.Random(cocotb.RANDOM_SEED)
    dut._log.info("seed %d", cocotb.RANDOM_SEED)
    for channel in ("aw", "w", "b", "ar", "r"):
        logging.getLogger(f"cocotb.{dut._name}.axi.{channel}").setLevel(logging.WARNING)
    logging.getLogger(f"cocotb.{dut._name}.axi").setLevel(logging.WARNING)
    bus = AxiBus.from_prefix(dut, "axi")
    if target is None:
        ram = AxiRam(bus, dut.clk, dut.rst, size=SIZE)
    else:
        ram = AxiSlave(bus, dut.clk, dut.rst, target=target)
    for side in (ram.write_if, ram.read_if):
        for channel in ("aw_channel", "w_channel", "b_channel", "ar_channel", "r_channel"):
            if hasattr(side, channel):
                getattr(side, channel).set_pause_generator(pauses(rng, idle))
    port = Port(dut, rng, idle)
    dut.rst.value = 1
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    for _ in range(4):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    await RisingEdge(dut.clk)
    return rng, ram, port, len(dut.axi_wdata) // 8


def near_pages(rng, count):
    """Reads of 1 to 256 bytes, half of them at the end of a 4 KiB page."""
    for _ in range(count):
        length = rng.randint(1, 256)
        address = rng.randrange(SIZE - 512)
        if rng.random() < 0.5:
            address = (address & ~4095) + 4096 - rng.randrange(1, 257)
        yield min(address, SIZE - 512), length


@cocotb.test
@cocotb.parametrize(idle=[0.0, 0.4])
async def reads_are_those_of_the_memory(dut, idle):
    rng, ram, port, size = await start(dut, idle)
    content = rng.randbytes(SIZE)
    ram.write(0, content)
    requests = list(near_pages(rng, 60))
    expected = []
    for address, length in requests:
        for at in range(address // size * size, address + length, size):
            expected.append((int.from_bytes(content[at : at + size], "little"), 0))
    assert await port.read(requests, size) == expected


@cocotb.test
@cocotb.parametrize(idle=[0.0, 0.4])
async def writes_change_the_masked_bytes_only(dut, idle):
    rng, ram, port, size = await start(dut, idle)
    content = bytearray(rng.randbytes(SIZE))
    ram.write(0, content)
    writes = []
    for _ in range(150):
        address = rng.randrange(SIZE // size) * size
        data, mask = rng.randbytes(size), rng.getrandbits(size)
        writes.append((address, int.from_bytes(data, "little"), mask))
        for i in range(size):
            if mask >> i & 1:
                content[address + i] = data[i]
    assert await port.write(writes) == [0] * len(writes)
    assert ram.read(0, SIZE) == bytes(content)


@cocotb.test
async def reads_and_writes_at_once(dut):
    rng, ram, port, size = await start(dut, 0.3)
    content = rng.randbytes(SIZE)
    ram.write(0, content)
    half = SIZE // 2
    requests = [(a % (half - 512), n) for a, n in near_pages(rng, 40)]
    writes = [(half + size * i, rng.getrandbits(8 * size), (1 << size) - 1) for i in range(100)]
    writer = cocotb.start_soon(port.write(writes))
    words = await port.read(requests, size)
    assert await writer == [0] * len(writes)
    expected = [
        (int.from_bytes(content[at : at + size], "little"), 0)
        for address, length in requests
        for at in range(address // size * size, address + length, size)
    ]
    assert words == expected
    for address, data, _ in writes:
        assert ram.read(address, size) == data.to_bytes(size, "little")


class Failing:
    """A memory that answers every access with SLVERR."""

    async def read(self, address, length, **_):
        raise OSError("no memory here")

    async def write(self, address, data, **_):
        raise OSError("no memory here")


@cocotb.test
async def errors_become_flags(dut):
    _, _, port, size = await start(dut, 0.2, Failing())
    words = await port.read([(0, 64), (4000, 200)], size)
    assert all(error for _, error in words)
    assert await port.write([(0, 1, 1), (size, 1, 1)]) == [1, 1]
