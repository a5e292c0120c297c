"""The load unit against a model in Python integers and np.float32, every port stalling."""

import random
from dataclasses import dataclass, field

import numpy as np
import pytest

from hw.config import Config
from hw.control.load import Load
from hw.formats import Int
from tests.support.plain import NOTHING, PLAIN
from tests.support.streams import never, simulate, stalls

ONE = 0x3F800000
SPACE = 8192  # bytes of memory
small_memories = {"sp_bank_rows": 64, "acc_bank_rows": 64, **NOTHING}

CONFIGS = {
    "tiny": PLAIN["tiny"].replace(**small_memories),
    "default": PLAIN["default"].replace(reads_in_flight=4, **small_memories),
    "dim5": Config(dim=5, bus_width=64, load_queue=2, **small_memories),
    "dim12": Config(dim=12, bus_width=256, reads_in_flight=2, mvin_scale=False, **small_memories),
    "int4": Config(
        dim=6,
        input=Int(4),
        weight=Int(4),
        output=Int(4),
        accumulator=Int(20),
        bus_width=32,
        **small_memories,
    ),
    "int16": Config(dim=4, input=Int(16), weight=Int(16), output=Int(16), **small_memories),
    "acc20": Config(dim=4, accumulator=Int(20), bus_width=64, **small_memories),
    "uint8": Config(dim=7, input=Int(8, signed=False), accumulator=Int(24), **small_memories),
}
CONFIGS |= {
    f"{name}, first layer": CONFIGS[name].replace(first_layer=True)
    for name in ("tiny", "default", "dim5", "dim12", "int4")
}
CONFIGS |= {
    "long rows": CONFIGS["dim5"].replace(mvin_bytes=240, bus_width=256),
    "rows of 99 bytes": CONFIGS["int4"].replace(mvin_bytes=100, reads_in_flight=6),
    "long rows, first layer": CONFIGS["tiny"].replace(mvin_bytes=160, first_layer=True),
}


def elements(memory: bytes, address: int, count: int, fmt: Int) -> list[int]:
    """`count` elements packed to the bit from a byte address."""
    size = -(-count * fmt.width // 8)
    bits = int.from_bytes(memory[address : address + size], "little")
    values = [bits >> (i * fmt.width) & ((1 << fmt.width) - 1) for i in range(count)]
    sign = 1 << (fmt.width - 1)
    return [v - 2 * sign if fmt.signed and v & sign else v for v in values]


def scaled(value: int, scale: int, fmt: Int) -> int:
    factor = np.uint32(scale).view(np.float32)
    with np.errstate(over="ignore"):
        product = np.float32(value) * factor
    return int(np.clip(np.rint(np.float64(product)), fmt.min, fmt.max))


@dataclass
class Expected:
    """Writes (port, row, {lane: value}, accumulate) of one op, and what else may be seen of it."""

    writes: list = field(default_factory=list)
    requests: int = 0
    error: bool = False
    skips_last: bool = False


def rows_of(config: Config, op: dict):
    """(memory row, block, copy) of every local row, in the order in which they are written."""
    blocks = -(-(op["cols"] + (0 if op["more"] else op["lane"])) // config.dim)
    if asked_once(config, op):
        return [(r, b, 0) for b in range(blocks) for r in range(op["rows"])]
    copies = range(op["more"], -1, -1)
    return [(r, b, n) for r in range(op["rows"]) for b in range(blocks) for n in copies]


def asked_once(config: Config, op: dict) -> bool:
    apart = op["cols"] + op["lane"] <= config.dim or op["block_stride"] >= op["rows"]
    return apart and not (op["stride"] or op["zero"] or op["more"])


def model(config: Config, op: dict, memory: bytes, bad: set) -> Expected:
    result = Expected()
    fmt = config.accumulator if op["wide"] else config.input
    lane = 0 if op["more"] else op["lane"]
    for r, b, copy in rows_of(config, op):
        c = max(0, b * config.dim - lane)  # the block's first column
        count = min((b + 1) * config.dim - lane, op["cols"]) - c
        at = op["address"] + r * op["stride"] + c * fmt.width // 8
        end = at + -(-count * fmt.width // 8) - 1
        touched = set(range(at // config.bus_bytes, end // config.bus_bytes + 1))
        missing = not op["zero"] and bool(touched & bad)
        result.error |= missing
        row = op["row"] + r + b * op["block_stride"] - copy
        half = config.sp_rows // 2
        outside = copy and (row < 0 or row // half != (row + copy) // half)
        result.skips_last = missing or outside
        if result.skips_last:
            continue
        values = [0] * count if op["zero"] else elements(memory, at, count, fmt)
        if not op["wide"]:
            values = [scaled(v, op["scale"], fmt) for v in values]
        start = copy * count + (lane if b == 0 else 0)
        port = "acc" if op["acc"] else "sp"
        lanes = dict(enumerate(values, start))
        result.writes.append((port, row, lanes, op["acc"] & op["accumulate"]))
    if not op["zero"]:
        blocks = -(-op["cols"] // config.dim) if op["wide"] else 1
        result.requests = blocks * (1 if asked_once(config, op) else op["rows"])
    return result


def random_op(config: Config, rng: random.Random, index: int) -> dict:
    acc = rng.getrandbits(1)
    wide = acc and rng.getrandbits(1)
    limit = config.dim * (config.max_load_blocks_acc if wide else config.max_load_blocks)
    rows, cols = rng.randint(1, config.dim), rng.choice([rng.randint(1, limit), limit])
    lane, more = 0, 0
    if config.first_layer and not wide and rng.random() < 0.7:
        if not acc and rng.random() < 0.5:
            more = rng.randrange(1, config.dim - 1)
            cols = rng.randint(1, config.dim // (more + 1))
            lane = more * cols
        else:
            lane = rng.choice([n for n in range(config.dim) if n * config.input.width % 8 == 0])
            cols = min(cols, limit - lane)
    blocks = -(-(cols + lane) // config.dim)
    room = (config.acc_rows if acc else config.sp_rows) - rows
    block_stride = rng.randint(0, room // blocks)
    row = rng.randint(0, room - (blocks - 1) * block_stride)
    if more and rng.random() < 0.7:
        row = rng.randint(max(0, config.sp_rows // 2 - config.dim), config.sp_rows // 2 + more)
    plain = wide or not config.mvin_scale or rng.random() < 0.5
    factor = rng.choice([0.5, -1.5, 0.0, 0.037, 3e9, 1e-30])
    return {
        "address": rng.randrange(1, SPACE // 2),
        "stride": rng.choice([0, 1, config.bus_bytes, rng.randrange(SPACE // 2 // config.dim - 8)]),
        "zero": rng.random() < 0.15,
        "rows": rows,
        "cols": cols,
        "lane": lane,
        "more": more,
        "acc": acc,
        "accumulate": acc & rng.getrandbits(1),
        "wide": wide,
        "row": row,
        "block_stride": block_stride,
        "scale": ONE if plain else int(np.float32(factor).view(np.uint32)),
        "index": 1000 + index,
    }


class Bench:
    """Runs ops through a Load; keeps what it saw with the cycle in which it saw it."""

    def __init__(self, config, ops, memory, bad=(), stall=lambda: never, latency=1):
        self.dut = Load(config)
        self.config, self.ops, self.memory, self.bad = config, ops, memory, set(bad)
        self.stall = [stall() for _ in range(5)]
        self.latency = latency
        self.writes, self.done, self.errors, self.requests, self.words = [], [], [], [], []
        self.waits, self.active, self.busy = [], [], []
        self.waiting = [None] * 3
        simulate(self.dut, self.run, cycles=100_000)

    def word(self, number: int) -> dict:
        size = self.config.bus_bytes
        data = self.memory[number * size : (number + 1) * size]
        return {"data": int.from_bytes(data, "little"), "error": number in self.bad}

    def answer(self, request, now: int):
        """The words of a request, and the cycle from which each may come."""
        size = self.config.bus_bytes
        assert 1 <= request.bytes <= 1024
        first, last = request.address // size, (request.address + request.bytes - 1) // size
        return [(now + self.latency, number) for number in range(first, last + 1)]

    async def run(self, ctx):
        dut, ops, coming = self.dut, list(self.ops), []
        hold_op = hold_word = False
        now = 0
        streams = (dut.op, dut.read_request, dut.read_data, dut.sp, dut.acc)
        watched = [x for s in streams for x in (s.valid, s.ready)]
        watched += [dut.read_request.p, dut.sp.p, dut.acc.p, dut.done, dut.error]
        watched += [dut.waits, dut.active, dut.busy]
        while len(self.done) < len(self.ops):
            hold_op = hold_op or bool(ops and not self.stall[0]())
            ctx.set(dut.op.valid, hold_op)
            if hold_op:
                ctx.set(dut.op.p, ops[0])
            ctx.set(dut.read_request.ready, not self.stall[1]())
            hold_word = hold_word or bool(coming and coming[0][0] <= now and not self.stall[2]())
            ctx.set(dut.read_data.valid, hold_word)
            if hold_word:
                ctx.set(dut.read_data.p, self.word(coming[0][1]))
            ctx.set(dut.sp.ready, not self.stall[3]())
            ctx.set(dut.acc.ready, not self.stall[4]())
            _, _, *seen = await ctx.tick().sample(*watched)
            op, request, word, sp, acc = (seen[i] and seen[i + 1] for i in range(0, 10, 2))
            request_p, sp_p, acc_p, done, error, waits, active, busy = seen[10:]
            self.check_stable((seen[2:4], request_p), (seen[6:8], sp_p), (seen[8:10], acc_p))
            if op:
                ops.pop(0)
                hold_op = False
            if word:
                coming.pop(0)
                self.words.append(now)
                hold_word = False
            if request:
                self.requests.append(now)
                coming += self.answer(request_p, now)
            for port, taken, row in (("sp", sp, sp_p), ("acc", acc, acc_p)):
                if taken:
                    lanes = {i: row.lanes[i] for i in range(self.config.dim) if row.mask >> i & 1}
                    self.writes.append((now, (port, row.row, lanes, row.accumulate)))
            if done:
                self.done.append(now)
            if error.valid:
                self.errors.append((now, error.index))
            self.waits.append(waits)
            self.active.append(active)
            self.busy.append(busy)
            now += 1

    def check_stable(self, *streams):
        """A payload that was offered and not taken stands."""
        offered = [payload.as_bits() if valid else None for (valid, _), payload in streams]
        for before, here in zip(self.waiting, offered, strict=True):
            assert before is None or before == here
        ready = [ready for (_, ready), _ in streams]
        self.waiting = [None if r else o for r, o in zip(ready, offered, strict=True)]

    def check(self):
        """Everything that must hold whatever the stalls."""
        expected = [model(self.config, op, self.memory, self.bad) for op in self.ops]
        assert [write for _, write in self.writes] == [w for e in expected for w in e.writes]
        bad = {op["index"] for op, e in zip(self.ops, expected, strict=True) if e.error}
        assert {index for _, index in self.errors} == bad
        count = 0
        for op, e, done in zip(self.ops, expected, self.done, strict=True):
            count += len(e.writes)
            assert all(cycle <= done for cycle, _ in self.writes[:count])
            if not e.skips_last:
                assert self.writes[count - 1][0] == done
            assert all(cycle <= done for cycle, index in self.errors if index == op["index"])
        assert sum(self.active) == len(self.writes)
        assert len(self.requests) == sum(e.requests for e in expected)
        assert self.busy[-1] and not self.busy[0]
        return self


def ops_of(config: Config, seed, count: int):
    rng = random.Random(seed)
    return [random_op(config, rng, i) for i in range(count)], rng


@pytest.mark.parametrize("name", CONFIGS)
def test_random_ops_under_stalls(name):
    config = CONFIGS[name]
    ops, rng = ops_of(config, name, 4 if config.mvin_bytes > 64 else 12)
    bad = {i for i in range(SPACE // config.bus_bytes) if rng.random() < 0.02}
    memory = rng.randbytes(SPACE)
    Bench(config, ops, memory, bad, lambda: stalls(rng.random(), rng.choice([0.1, 0.5]))).check()


@pytest.mark.parametrize("name", CONFIGS)
def test_random_ops_at_full_speed(name):
    config = CONFIGS[name]
    ops, rng = ops_of(config, name + "fast", 4 if config.mvin_bytes > 64 else 8)
    Bench(config, ops, rng.randbytes(SPACE), latency=rng.choice([1, 20])).check()


def plain_op(config: Config, **changes) -> dict:
    op = {"address": 1024, "stride": 64, "zero": 0, "rows": config.dim, "cols": config.dim}
    op |= {"acc": 0, "accumulate": 0, "wide": 0, "row": 0, "block_stride": config.dim}
    op |= {"lane": 0, "more": 0}
    return op | {"scale": ONE, "index": 7} | changes


HALF = int(np.float32(0.5).view(np.uint32))


@pytest.mark.parametrize(
    "name, changes, words, latency, interval",
    [
        ("default", {}, 1, 3, 1),
        ("default", {"stride": 0}, 1, 3, 1),
        ("default", {"cols": 64}, 1, 3, 1),
        ("default", {"acc": 1, "accumulate": 1}, 1, 3, 1),
        ("default", {"scale": HALF}, 1, 7, 1),
        ("default", {"acc": 1, "wide": 1}, 4, 3, 4),
        ("default", {"address": 1027}, 2, 3, 2),
        ("tiny", {}, 1, 3, 1),
        ("tiny", {"cols": 16, "acc": 1, "wide": 1}, 4, 3, 4),
        ("dim12", {"stride": 32, "cols": 12}, 1, 3, 1),
        ("default, first layer", {"cols": 9, "lane": 7}, 1, 3, 1),
        ("default, first layer", {"cols": 20, "lane": 10, "address": 1036}, 2, 3, None),
        ("default, first layer", {"cols": 3, "lane": 9, "more": 3, "row": 40}, 1, 3, 1),
        ("tiny, first layer", {"cols": 2, "lane": 2, "more": 1, "row": 8, "scale": HALF}, 1, 7, 1),
    ],
)
def test_rate_and_latency(name, changes, words, latency, interval):
    """Three ops in a row without a lost cycle; the first write `latency` after its last word."""
    config = CONFIGS[name].replace(reads_in_flight=8, load_queue=4)
    ops = [plain_op(config, **changes) for _ in range(3)]
    bench = Bench(config, ops, random.Random(name).randbytes(SPACE), stall=lambda: never).check()
    when = [cycle for cycle, _ in bench.writes]
    assert bench.requests[0] == 1
    assert when[0] == bench.words[words - 1] + latency
    if interval:
        assert {b - a for a, b in zip(when, when[1:], strict=False)} == {interval}
    else:  # two words, two rows
        assert when[-1] - when[0] <= 3 * 3 * config.dim


@pytest.mark.parametrize(
    "changes, requests, words, cycles",
    [
        ({}, 1, 1, 16),
        ({"cols": 64}, 1, 4, 64),
        ({"cols": 64, "block_stride": 15}, 16, 64, 64),  # blocks share rows: as if asked for
        ({"cols": 16, "block_stride": 0, "scale": HALF}, 1, 1, 16),
        ({"cols": 16, "acc": 1, "wide": 1, "accumulate": 1}, 1, 4, 19),
        ({"rows": 9, "cols": 16, "acc": 1, "wide": 1}, 1, 4, 12),
    ],
)
def test_a_repeated_row_is_read_once(changes, requests, words, cycles):
    config = CONFIGS["default"].replace(reads_in_flight=16)
    ops = [plain_op(config, stride=0, **changes) for _ in range(2)]
    bench = Bench(config, ops, random.Random(9).randbytes(SPACE)).check()
    assert (len(bench.requests), len(bench.words)) == (2 * requests, 2 * words)
    ends = {b - a for a, b in zip(bench.done, bench.done[1:], strict=False)}
    assert ends == {cycles}


def test_a_repeated_row_with_an_error_writes_nothing():
    config = CONFIGS["default"]
    ops = [plain_op(config, stride=0, cols=32, index=5), plain_op(config, address=4096, index=6)]
    bench = Bench(config, ops, random.Random(5).randbytes(SPACE), {1024 // 16 + 1}).check()
    assert len(bench.writes) == 2 * config.dim and {i for _, i in bench.errors} == {5}


def test_long_rows_at_full_rate_and_not_too_far_ahead():
    config = CONFIGS["default"].replace(mvin_bytes=1024, reads_in_flight=32)
    row = {"rows": 1, "stride": 0, "address": 1024, "block_stride": 1}
    ops = [plain_op(config, **row, cols=1000) for _ in range(4)]
    bench = Bench(config, ops, random.Random(9).randbytes(SPACE), latency=60).check()
    assert bench.words == list(range(bench.words[0], bench.words[0] + 4 * 63))
    for n, request in enumerate(bench.requests):
        coming = 63 * n - sum(word < request for word in bench.words)
        assert coming <= 32 * 64 // 16


def test_rows_that_are_not_whole_pieces_are_limited_too():
    config = CONFIGS["rows of 99 bytes"]
    op = plain_op(config, cols=198, stride=100, block_stride=0)
    bench = Bench(config, [op], random.Random(9).randbytes(SPACE), latency=60).check()
    assert sum(request < bench.words[0] for request in bench.requests) == 4  # 8 pieces


def test_zeros_at_full_rate_and_without_reads():
    config = CONFIGS["default"]
    ops = [plain_op(config, zero=1, acc=i % 2, wide=i % 2, row=4 * i) for i in range(4)]
    bench = Bench(config, ops, bytes(SPACE)).check()
    when = [cycle for cycle, _ in bench.writes]
    assert when == list(range(when[0], when[0] + 4 * config.dim))
    assert not bench.requests and not any(bench.waits)


def test_reads_in_flight_are_limited():
    config = CONFIGS["default"]
    ops = [plain_op(config)]
    bench = Bench(config, ops, bytes(SPACE), latency=50).check()
    limit = config.reads_in_flight
    assert bench.requests[limit - 1] < bench.words[0] < bench.requests[limit]
    assert sum(bench.waits) >= 3 * 40


def test_a_bus_error_skips_only_its_rows():
    config = CONFIGS["default"]
    row_3 = (1024 + 3 * 64) // config.bus_bytes
    ops = [plain_op(config, cols=64, index=41), plain_op(config, row=20, address=4096, index=42)]
    bench = Bench(config, ops, random.Random(5).randbytes(SPACE), {row_3 + 1}).check()
    rows = [row for _, (_, row, _, _) in bench.writes]
    assert 3 + config.dim not in rows and 3 in rows and 3 + 2 * config.dim in rows
    assert [index for _, index in bench.errors] == [41]
    assert len(bench.done) == 2
