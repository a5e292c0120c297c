"""Random programs, biased towards rows that units share and towards the corners of every field."""

import random
from dataclasses import dataclass

from hw.config import Config
from hw.formats import row_bytes
from hw.isa import GARBAGE, Command, Local, encode, float_bits

from .illegal import illegal
from .program import PAGE, PAGES, TestProgram

SCALES = (1.0, 1.0, 0.5, 2.0, -1.0, 0.0, -0.0, 1 / 3, 0.0078125, 1e-30, 3e38, 1e-41, 127.5)


@dataclass
class _LoadSet:
    block_stride: int
    stride: int = 0
    shrunk: int = 0


class Generator:
    """Draws commands one after another, knowing the configuration they leave behind.

    Attributes
    ----------
    readable, writable : pages of memory that this segment loads from and stores to.
    """

    def __init__(self, config: Config, seed: int, sp_used: int, bus_errors: bool):
        self.config = config
        self.rng = random.Random(f"{seed}")
        self.bus_errors = bus_errors
        self.limit = {False: sp_used, True: config.acc_rows}
        self.hot = {acc: self._hot_rows(rows) for acc, rows in self.limit.items()}
        self.loads = [_LoadSet(config.dim) for _ in range(3)]
        self.a_stride = self.c_stride = 1
        self.store_stride = 0
        self.new_segment()

    def _hot_rows(self, rows: int) -> list[int]:
        """A few rows around which most tiles lie: neighbours, a bank's edge, the end."""
        rng, dim = self.rng, self.config.dim
        base = rng.randrange(rows)
        near = [base, base + dim, base + rng.randrange(1, 2 * dim), rows // 2 - 1]
        return [0, rows - dim] + [row % rows for row in near]

    def new_segment(self) -> None:
        """Share out the pages anew; what was written may now be read."""
        pages = list(range(PAGES))
        self.rng.shuffle(pages)
        cut = self.rng.randrange(1, PAGES)
        self.readable, self.writable = pages[:cut], pages[cut:]

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def size(self, limit: int | None = None) -> int:
        """Rows or columns from 0 to `limit` (dim): often all, often few."""
        limit = self.config.dim if limit is None else limit
        draw = self.rng.random()
        if draw < 0.4:
            return limit
        return self.rng.randint(0 if draw > 0.95 else 1, limit if draw < 0.8 else min(3, limit))

    def scale(self) -> int:
        if self.chance(0.2):
            bits = self.rng.getrandbits(32)
            return bits if bits >> 23 & 0xFF != 0xFF else bits ^ 1 << 30
        return float_bits(self.rng.choice(SCALES))

    def row(self, acc: bool, span: int) -> int:
        """A row from which `span` rows fit, near a hot one (0 if there is none)."""
        last = self.limit[acc] - span
        base = self.rng.choice(self.hot[acc]) + self.rng.choice((0, 0, 0, 1, self.config.dim // 2))
        return max(0, min(base, last))

    def address(self, pages: list[int], stride: int, rows: int, count: int) -> int | None:
        """Where `rows` rows of `count` bytes fit into a page; None if they do not."""
        step = stride - (1 << 32) if stride >> 31 else stride
        reach = step * max(rows - 1, 0)
        low, high = min(reach, 0), max(reach, 0) + max(count, 1)
        if high - low > PAGE - 64:
            return None
        start = self.rng.choice(pages) * PAGE - low
        room = PAGE - (high - low)
        align = self.rng.choice((1, 1, self.config.bus_bytes, 64))
        address = start + self.rng.randrange(room + 1)
        aligned = address // align * align
        return max(aligned if aligned >= start else address, 1)

    def stride(self) -> int:
        config, rng = self.config, self.rng
        sizes = (config.row_bytes, config.acc_row_bytes, 64, 0, rng.randrange(200), config.dim)
        stride = rng.choice(sizes)
        return (1 << 32) - stride if stride and self.chance(0.1) else stride

    # Commands

    def config_ld(self) -> list[Command]:
        rng, config = self.rng, self.config
        number = rng.randrange(3)
        block_stride = rng.choice((config.dim, config.dim, 1, 0, rng.randrange(2 * config.dim)))
        now = _LoadSet(block_stride, self.stride(), int(self.chance(0.3)))
        self.loads[number] = now
        scale = self.scale() if config.mvin_scale else float_bits(1.0)
        fields = {"shrunk": now.shrunk, "block_stride": block_stride, "stride": now.stride}
        return [encode("config_ld", set=number, scale=scale, repeats=rng.randrange(2), **fields)]

    def config_st(self) -> list[Command]:
        self.store_stride = self.stride()
        scale = 0xFFFF_FFFF if self.chance(0.2) else self.scale()
        relu = self.rng.randrange(2)
        return [encode("config_st", activation=relu, stride=self.store_stride, scale=scale)]

    def config_ex(self) -> list[Command]:
        rng = self.rng
        self.a_stride = rng.choice((1, 1, 2, 0, rng.randrange(5)))
        self.c_stride = rng.choice((1, 1, 2, rng.randrange(1, 5)))
        strides = {"a_stride": self.a_stride, "c_stride": self.c_stride}
        if self.chance(0.2):
            return [encode("config_ex", strides_only=1, dataflow=rng.randrange(2), **strides)]
        return [encode("config_ex", dataflow=1, activation=rng.randrange(2), **strides)]

    def mvin(self) -> list[Command]:
        rng, config = self.rng, self.config
        number = rng.randrange(3)
        settings = self.loads[number]
        acc = self.chance(0.4)
        wide = acc and not settings.shrunk
        fmt = config.accumulator if wide else config.input
        limit = config.max_block_len_acc if wide else config.max_block_len
        cols = self.size() if self.chance(0.6) else self.size(config.dim * limit)
        rows = self.size()
        blocks = max(1, -(-cols // config.dim))
        span = (blocks - 1) * settings.block_stride + max(rows, 1)
        if span > self.limit[acc]:
            return []
        local = Local(
            self.row(acc, span), acc, self.chance(0.5), self.chance(0.3), rng.randrange(8)
        )
        address = self.address(self.readable, settings.stride, rows, row_bytes(fmt, cols))
        if address is None:
            return []
        if self.chance(0.1):
            address = 0
        elif self.bus_errors and self.chance(0.1):
            address = self.beyond()
        name = ("mvin", "mvin2", "mvin3")[number]
        return [encode(name, address=address, local=self.flags(local), rows=rows, cols=cols)]

    def flags(self, local: Local) -> int:
        """The address, sometimes with bits set that are to be ignored."""
        plain = Local(local.row, local.acc, local.acc and local.accumulate)
        return int(local if self.chance(0.2) else plain)

    def beyond(self) -> int:
        """An address whose rows end, or begin, outside the memory."""
        program = TestProgram(self.config, 0, ())
        return program.memory_bytes + self.rng.choice((0, 64, 1 << 20)) - self.rng.randrange(2) * 24

    def mvout(self) -> list[Command]:
        config = self.config
        acc, full = self.chance(0.7), self.chance(0.4)
        fmt = config.accumulator if acc and full else config.output
        one = acc and full
        cols = (
            self.size() if one or self.chance(0.6) else self.size(config.dim * config.max_block_len)
        )
        rows = self.size()
        span = (max(1, -(-cols // config.dim)) - 1) * config.dim + max(rows, 1)
        if span > self.limit[acc]:
            return []
        local = Local(self.row(acc, span), acc, self.chance(0.2), full)
        address = self.address(self.writable, self.store_stride, rows, row_bytes(fmt, cols))
        if address is None:
            return []
        if self.bus_errors and self.chance(0.1):
            address = self.beyond()
            if address < (1 << 31) and self.store_stride >> 31:
                return []
        return [encode("mvout", address=address, local=int(local), rows=rows, cols=cols)]

    def tile(self) -> list[Command]:
        """A preload with one to four computes."""
        rng, dim = self.rng, self.config.dim
        b = {"b_addr": GARBAGE, "b_rows": self.size(), "b_cols": self.size()}
        if self.chance(0.7):
            b["b_addr"] = self.row(False, dim)
        rows, cols = self.size(), self.size()
        acc = self.chance(0.7)
        span = (max(rows, 1) - 1) * self.c_stride + 1
        if span > self.limit[acc]:
            return []
        c = int(Local(self.row(acc, span), acc, acc and self.chance(0.5), self.chance(0.1)))
        if self.chance(0.1):
            c = GARBAGE
        out = [encode("preload", **b, c_addr=c, c_rows=rows, c_cols=cols)]
        for _ in range(rng.choice((1, 1, 2, 4))):
            out += self.compute()
        return out

    def compute(self) -> list[Command]:
        dim = self.config.dim
        rows = self.size()
        span = (max(rows, 1) - 1) * self.a_stride + 1
        if span > self.limit[False]:
            return []
        a = GARBAGE if self.chance(0.05) else self.row(False, span)
        d = self.row(False, dim) if self.chance(0.3) else GARBAGE
        name = "compute_preloaded" if self.chance(0.5) else "compute_accumulated"
        extents = {"a_rows": rows, "a_cols": self.size(), "d_rows": self.size()}
        return [encode(name, a_addr=a, d_addr=d, d_cols=self.size(), **extents)]

    def query(self) -> list[Command]:
        """Commands that answer."""
        if self.chance(0.3):
            fields = {"reset": self.rng.randrange(2), "snapshot": self.rng.randrange(2)}
            return [encode("counter", **fields)] if self.config.counters else [encode("flush")]
        return [encode("error", clear=self.rng.randrange(2))]

    def wrong(self) -> list[Command]:
        """A command that is not executed, often with a look at the error register."""
        out = [illegal(self.config, self.rng)]
        if self.chance(0.5):
            out.append(encode("error", clear=1))
        return out

    KINDS = {
        "mvin": 28,
        "mvout": 16,
        "tile": 26,
        "compute": 6,
        "config_ld": 8,
        "config_st": 4,
        "config_ex": 4,
        "query": 2,
        "wrong": 3,
    }

    def draw(self) -> list[Command]:
        """One command, or a few that belong together."""
        kind = self.rng.choices(list(self.KINDS), list(self.KINDS.values()))[0]
        return getattr(self, kind)()


def random_program(
    config: Config, seed: int, length: int = 60, bus_errors: bool | None = None
) -> TestProgram:
    """About `length` commands in one to four segments, a function of the arguments only.

    `bus_errors` lets some moves leave the memory; None: every fourth seed does.
    """
    bus_errors = seed % 4 == 3 if bus_errors is None else bus_errors
    sp_used = TestProgram(config, seed, ()).sp_used
    generator = Generator(config, seed, sp_used, bus_errors)
    segments = []
    for _ in range(generator.rng.randint(1, 4)):
        segment = [encode("error", clear=1)] if bus_errors else []
        while len(segment) < length // 2:
            segment += generator.draw()
            if sum(map(len, segments)) + len(segment) >= length:
                break
        segments.append(tuple(segment))
        generator.new_segment()
        if sum(map(len, segments)) >= length:
            break
    return TestProgram(config, seed, tuple(segments))
