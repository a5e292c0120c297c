"""A test program: segments of commands with the memory they start from."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from hw.config import Config
from hw.formats import Format, Int, pack_codes
from hw.isa import Command, Local, encode, float_bits

PAGE = 8192
PAGES = 4
DATA = PAGES * PAGE
"""Memory that the commands of a program use; the dump of the local memories follows."""

PART = 512
"""Bytes of memory that start as numbers of one format."""

FULL_DUMP = 4096
"""Rows up to which a local memory is filled and dumped whole."""


def _tame(rng: np.random.Generator, raw: bytes, fmt: Format | None) -> bytes:
    """`raw`, or as many bytes of numbers of similar size: where any code may stand, sums are soon
    no numbers."""
    if fmt is None:
        return raw
    count = len(raw) * 8 // fmt.width
    values = rng.normal(size=count) * 2.0 ** rng.integers(-4, 5) * (rng.random(count) < 0.9)
    if fmt.min > 0:
        values = np.abs(values)
    packed = pack_codes(fmt.width, fmt.encode(fmt.quantize(values)))
    return packed[: len(raw)].ljust(len(raw), b"\0")


@dataclass(frozen=True)
class TestProgram:
    """Commands in segments; each segment runs to idle before the next one starts.

    Memory written in a segment is read only in later ones (docs/semantics.md, "Order").
    `seed` makes the commands and the memory: `random_program(config, seed, ...)`.
    """

    __test__ = False  # not a test class, whatever pytest thinks of the name

    config: Config
    seed: int
    segments: tuple[tuple[Command, ...], ...]

    @property
    def sp_used(self) -> int:
        """Scratchpad rows that programs use: all, or the first FULL_DUMP."""
        return min(self.config.sp_rows, FULL_DUMP)

    @property
    def memory_bytes(self) -> int:
        """Memory that an engine needs, to the byte: what is beyond answers with bus errors."""
        config = self.config
        used = self.sp_used * config.row_bytes + config.acc_rows * config.acc_row_bytes
        return -(-(DATA + used) // 64) * 64

    @property
    def parts(self) -> list[Format | None]:
        """Of what format the numbers in each `PART` of the data are; None: any bytes."""
        config, rng = self.config, np.random.default_rng((self.seed, 1))
        scales = [block.scale for block in (config.input_block, config.weight_block) if block]
        formats = config.input, config.weight, config.accumulator, *scales, *scales
        if all(isinstance(fmt, Int) for fmt in formats):
            return [None] * (DATA // PART)
        drawn = rng.integers(len(formats), size=DATA // PART)
        raw = rng.random(DATA // PART) < 0.25
        return [None if r else formats[n] for r, n in zip(raw, drawn, strict=True)]

    @property
    def memory(self) -> bytes:
        """The memory image at the start: random data, zeros where the dump will be."""
        rng = np.random.default_rng(self.seed)
        data = rng.integers(0, 256, DATA, np.uint8).tobytes()
        parts = enumerate(self.parts)
        data = b"".join(_tame(rng, data[PART * n :][:PART], fmt) for n, fmt in parts)
        return data + bytes(self.memory_bytes - DATA)

    def prologue(self) -> list[Command]:
        """Zeros in all rows that the program may use, and a known configuration."""
        config = self.config
        out = [encode("config_ex", dataflow=1, a_stride=1, c_stride=1)]
        settings = {"scale": float_bits(1.0), "block_stride": config.dim}
        out += [encode("config_ld", set=number, **settings) for number in range(3)]
        out += [encode("config_st", scale=float_bits(1.0))]
        for acc, rows in ((0, self.sp_used), (Local.ACC, config.acc_rows)):
            for row in range(0, rows, config.dim):
                count = min(config.dim, rows - row)
                out.append(encode("mvin", local=acc | row, rows=count, cols=config.dim))
        return out

    def epilogue(self) -> list[Command]:
        """All rows of the local memories into memory, exactly as they are."""
        config, out = self.config, []
        base = DATA
        for acc, rows, size in (
            (0, self.sp_used, config.row_bytes),
            (Local.ACC | Local.FULL, config.acc_rows, config.acc_row_bytes),
        ):
            out.append(encode("config_st", stride=size, scale=float_bits(1.0)))
            for row in range(0, rows, config.dim):
                count = min(config.dim, rows - row)
                move = {"local": acc | row, "rows": count, "cols": config.dim}
                out.append(encode("mvout", address=base + row * size, **move))
            base += rows * size
        return out

    def place(self, address: int) -> str:
        """What lies at a memory address, for messages."""
        config = self.config
        if address < DATA:
            return f"memory {address:#x}"
        row, byte = divmod(address - DATA, config.row_bytes)
        if row < self.sp_used:
            return f"scratchpad row {row}, byte {byte}"
        offset = address - DATA - self.sp_used * config.row_bytes
        row, byte = divmod(offset, config.acc_row_bytes)
        return f"accumulator row {row}, byte {byte}"

    def replace(self, segments) -> "TestProgram":
        """The same with other commands."""
        return dataclasses.replace(self, segments=tuple(tuple(s) for s in segments if s))

    def __len__(self) -> int:
        return sum(len(segment) for segment in self.segments)

    def __str__(self) -> str:
        lines = [f"# seed {self.seed}, {self.config}"]
        for number, segment in enumerate(self.segments):
            lines += [f"# segment {number}", *(str(command) for command in segment)]
        return "\n".join(lines)
