"""How values are drawn: near hot rows, at the corners of fields, inside the right pages."""

import random
from collections.abc import Sequence

from hw.config import Config
from hw.formats import Block, Format
from hw.isa import Local, float_bits
from sim.machine.loops import size as apart_bytes
from sim.machine.state import State

from .program import PAGE, PAGES, PART, TestProgram
from .tracker import Tracker

SCALES = (1.0, 1.0, 0.5, 2.0, -1.0, 0.0, -0.0, 1 / 3, 0.0078125, 1e-30, 3e38, 1e-41, 127.5)


class Drawer:
    """A random number generator that knows the configuration so far.

    Attributes
    ----------
    tracker : follows the commands that were drawn.
    readable, writable : pages of memory that this segment loads from and stores to.
    """

    def __init__(self, config: Config, seed: int, bus_errors: bool):
        self.config = config
        self.rng = random.Random(f"{seed}")
        self.bus_errors = bus_errors
        program = TestProgram(config, seed, ())
        self.parts = program.parts
        self.memory_bytes = program.memory_bytes
        self.tracker = Tracker(config, program.memory_bytes)
        self.limit = {False: program.sp_used, True: config.acc_rows}
        self.hot = {acc: self._hot_rows(rows) for acc, rows in self.limit.items()}
        self.new_segment()

    @property
    def state(self) -> State:
        """The configuration after all commands so far."""
        return self.tracker.state

    def _hot_rows(self, rows: int) -> list[int]:
        """A few rows around which most tiles lie: neighbours, a bank's edge, halves, the end."""
        rng, dim = self.rng, self.config.dim
        base = rng.randrange(rows)
        near = [base, base + dim, base + rng.randrange(1, 2 * dim), rows // 2 - 1]
        if self.config.loop_ws or self.config.loop_conv:
            near += [0, rows // 2, rows // 2 - dim, rows // 2 + dim]
        return [0, rows - dim] + [row % rows for row in near]

    def new_segment(self) -> None:
        """Share out the pages anew; what was written may now be read."""
        pages = list(range(PAGES))
        self.rng.shuffle(pages)
        cut = self.rng.randrange(1, PAGES)
        self.readable, self.writable = pages[:cut], pages[cut:]

    def allowed(self) -> bool:
        """Whether the last commands that were followed kept to the pages of this segment."""
        reads, writes = self.tracker.reads, self.tracker.writes
        apart = reads.isdisjoint(self.writable) and writes.isdisjoint(self.readable)
        return apart and (self.bus_errors or None not in reads | writes)

    # Values

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def choice(self, *values):
        return self.rng.choice(values)

    def size(self, limit: int | None = None) -> int:
        """Rows or columns from 0 to `limit` (dim): often all, often few."""
        limit = self.config.dim if limit is None else limit
        draw = self.rng.random()
        if draw < 0.4:
            return limit
        return self.rng.randint(0 if draw > 0.95 else 1, limit if draw < 0.8 else min(3, limit))

    def few(self, most: int) -> int:
        """From 1 to `most`, small numbers more often."""
        return 1 + min(self.rng.randrange(max(most, 1)), self.rng.randrange(max(most, 1)))

    def scale(self) -> int:
        if self.chance(0.2):
            bits = self.rng.getrandbits(32)
            return bits if bits >> 23 & 0xFF != 0xFF else bits ^ 1 << 30
        return float_bits(self.rng.choice(SCALES))

    def load_scale(self) -> int:
        return self.scale() if self.config.mvin_scale else float_bits(1.0)

    def store_scale(self) -> int:
        if self.chance(0.2):
            return 0xFFFF_FFFF
        return self.scale() if self.config.mvout_scale else float_bits(1.0)

    def row(self, acc: bool, span: int) -> int:
        """A row from which `span` rows fit, near a hot one (0 if there is none)."""
        last = self.limit[acc] - span
        base = self.rng.choice(self.hot[acc]) + self.rng.choice((0, 0, 0, 1, self.config.dim // 2))
        return max(0, min(base, last))

    def flags(self, local: Local) -> int:
        """The address, sometimes with bits set that are to be ignored."""
        plain = Local(local.row, local.acc, local.acc and local.accumulate)
        return int(local if self.chance(0.2) else plain)

    def stride(self) -> int:
        """Bytes between rows of memory, modulo 2^32."""
        config, rng = self.config, self.rng
        sizes = (config.row_bytes, config.acc_row_bytes, 64, 0, rng.randrange(200), config.dim)
        stride = rng.choice(sizes)
        return (1 << 32) - stride if stride and self.chance(0.1) else stride

    # Memory

    def address(self, pages: Sequence[int], stride: int, rows: int, count: int) -> int | None:
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

    def array(self, pages: Sequence[int], fmt: Format, elements: int) -> int:
        """Where an array of elements starts, inside a page if it fits."""
        return self.address(pages, 0, 1, apart_bytes(fmt, elements) + 1) or 1

    def scales(self, block: Block, count: int) -> int | None:
        """Where `count` bytes of a part begin that holds scales of `block`; None if none does."""
        per_page = PAGE // PART
        found = [
            n
            for n, fmt in enumerate(self.parts)
            if fmt == block.scale and n // per_page in self.readable
        ]
        if not found or count > PART:
            return None
        return self.rng.choice(found) * PART + self.rng.randrange(PART - count + 1)

    def beyond(self) -> int:
        """An address whose rows end, or begin, outside the memory."""
        far = self.choice(0, 64, 1 << 20)
        return self.memory_bytes + far - self.choice(0, 24)
