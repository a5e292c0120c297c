"""Drive and collect flat streams from cocotb: everything happens between falling and rising edge.

In every cycle all agents set their pins after the falling edge, the design settles, and all agents
look at what the coming rising edge will do. So no agent sees half a cycle.
"""

from collections import deque
from collections.abc import Callable, Iterable

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from tests.support.streams import Stall, never, stalls


def pack(values: Iterable[int], width: int) -> int:
    """Lanes of `width` bits as one number, the first in the low bits."""
    return sum((int(value) & ((1 << width) - 1)) << n * width for n, value in enumerate(values))


def unpack(bits: int, width: int, signed: bool = True) -> list[int]:
    """The lanes of a number, up to its last bit that is set."""
    lanes = []
    while bits:
        lane = bits & ((1 << width) - 1)
        lanes.append(lane - (1 << width) if signed and lane >> (width - 1) else lane)
        bits >>= width
    return lanes


def coins(seed: int, probability: float = 0.4) -> Callable[[int], Stall]:
    """Independent stalls of one seed: ``coins(seed)(1)`` and so on."""
    return lambda salt: stalls(seed * 64 + salt, probability) if probability else never


class Source:
    """Sends `items`, dicts of fields or plain numbers; `sent` holds the cycle of each.

    An item appended with `later` is not offered before its cycle.
    """

    def __init__(self, dut, prefix: str, items=(), stall: Stall = never):
        self._valid = getattr(dut, f"{prefix}_valid")
        self._ready = getattr(dut, f"{prefix}_ready")
        self._dut, self._prefix, self._stall = dut, f"{prefix}_payload", stall
        self.items = deque((0, item) for item in items)
        self.sent: list[int] = []
        self._holds = False
        self._valid.value = 0

    def later(self, cycle: int, item):
        self.items.append((cycle, item))

    def _show(self, item):
        fields = item.items() if isinstance(item, dict) else [("", item)]
        for name, value in fields:
            pin = getattr(self._dut, f"{self._prefix}_{name}" if name else self._prefix)
            pin.value = int(value) & ((1 << len(pin)) - 1)

    def drive(self, now: int):
        if not self._holds and self.items and self.items[0][0] <= now and not self._stall():
            self._show(self.items[0][1])
            self._holds = True
        self._valid.value = self._holds

    def sample(self, now: int):
        if self._holds and int(self._ready.value):
            self.items.popleft()
            self.sent.append(now)
            self._holds = False


class Sink:
    """Takes payloads: `taken` holds (cycle, dict of fields or number); asserts that they stand."""

    def __init__(self, dut, prefix: str, fields: str = "", stall: Stall = never, then=None):
        self._valid = getattr(dut, f"{prefix}_valid")
        self._ready = getattr(dut, f"{prefix}_ready", None)
        names = fields.split()
        self._pins = {name: getattr(dut, f"{prefix}_payload_{name}") for name in names}
        self._pin = None if names else getattr(dut, f"{prefix}_payload")
        self._prefix, self._stall, self._then = prefix, stall, then
        self.taken: list = []
        self._takes = False
        self._waiting = None

    def _read(self):
        if self._pin is not None:
            return int(self._pin.value)
        return {name: int(pin.value) for name, pin in self._pins.items()}

    def drive(self, now: int):
        self._takes = not self._stall()
        if self._ready is not None:
            self._ready.value = self._takes

    def sample(self, now: int):
        payload = self._read() if int(self._valid.value) else None
        if self._waiting is not None:
            assert payload == self._waiting, f"{self._prefix} changed before it was taken"
        self._waiting = None if self._takes else payload
        if payload is not None and self._takes:
            self.taken.append((now, payload))
            if self._then:
                self._then(now, payload)


class Reader:
    """A memory's read side: answers requests in order, `latency` cycles later at the earliest."""

    def __init__(self, dut, prefix: str, memory: bytearray, word: int, coin, latency=1, bad=()):
        self.memory, self.word, self.latency, self.bad = memory, word, latency, set(bad)
        self.answers = Source(dut, f"{prefix}read_data", stall=coin(40))
        fields = "address bytes"
        self.requests = Sink(dut, f"{prefix}read_request", fields, coin(41), self._answer)
        self.agents = (self.requests, self.answers)

    def _answer(self, now: int, request: dict):
        assert 1 <= request["bytes"] <= 1024
        first = request["address"] // self.word
        last = (request["address"] + request["bytes"] - 1) // self.word
        for number in range(first, last + 1):
            data = self.memory[number * self.word : (number + 1) * self.word]
            error = number in self.bad or len(data) < self.word
            item = {"data": int.from_bytes(data, "little"), "error": error}
            self.answers.later(now + self.latency, item)


class Writer:
    """A memory's write side; words outside it, or numbered in `bad`, are refused."""

    def __init__(self, dut, prefix: str, memory: bytearray, word: int, coin, latency=1, bad=()):
        self.memory, self.word, self.latency, self.bad = memory, word, latency, set(bad)
        self.acks = Source(dut, f"{prefix}write_ack", stall=coin(42))
        fields = "address data mask"
        self.requests = Sink(dut, f"{prefix}write_request", fields, coin(43), self._write)
        self.agents = (self.requests, self.acks)

    def _write(self, now: int, request: dict):
        address, size = request["address"], self.word
        assert address % size == 0
        error = address + size > len(self.memory) or address // size in self.bad
        if not error:
            for n, byte in enumerate(request["data"].to_bytes(size, "little")):
                if request["mask"] >> n & 1:
                    self.memory[address + n] = byte
        self.acks.later(now + self.latency, error)


class Rows:
    """A local memory's read port (`<prefix>_request`, `<prefix>_data`) over packed rows."""

    def __init__(self, dut, prefix: str, rows: list[int], coin, latency=2):
        self.rows, self.latency = rows, latency
        self.data = Source(dut, f"{prefix}_data", stall=coin(44))
        self.requests = Sink(dut, f"{prefix}_request", "", coin(45), self._answer)
        self.agents = (self.requests, self.data)

    def _answer(self, now: int, row: int):
        self.data.later(now + self.latency, self.rows[row])


class Pulse:
    """Counts the cycles in which a one-bit output is 1; `cycles` holds them, `values` a pin."""

    def __init__(self, dut, name: str, value: str | None = None):
        self._pin = getattr(dut, name)
        self._value = getattr(dut, value) if value else None
        self.cycles: list[int] = []
        self.values: list[int] = []

    def drive(self, now: int):
        pass

    def sample(self, now: int):
        if int(self._pin.value):
            self.cycles.append(now)
            if self._value is not None:
                self.values.append(int(self._value.value))


async def run(dut, agents: Iterable, until: Callable[[], bool], cycles: int = 20_000) -> int:
    """Clock the design with its agents until `until()`; AssertionError after `cycles` cycles."""
    agents = list(agents)
    dut.rst.value = 1
    Clock(dut.clk, 2, unit="ns").start()
    for _ in range(3):
        await FallingEdge(dut.clk)
    dut.rst.value = 0
    for now in range(cycles):
        for agent in agents:
            agent.drive(now)
        await ReadOnly()
        for agent in agents:
            agent.sample(now)
        if until():
            return now
        await FallingEdge(dut.clk)
    raise AssertionError(f"not finished after {cycles} cycles")


def seed() -> int:
    """The seed of this cocotb run; printed by the runner when a test fails."""
    return cocotb.RANDOM_SEED
