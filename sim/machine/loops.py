"""What the loop commands share: parameters, halves of the memories, quick encoding."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hw.config import Config
from hw.formats import Int
from hw.isa import BY_NAME, Command, ErrorCode

from .faults import require

Parameters = dict[str, int]
"""Fields of a loop's commands by name."""


@dataclass(frozen=True)
class Halves:
    """Which half of each local memory comes next."""

    sp: int = 0
    acc: int = 0

    def operands(self, p: Parameters) -> tuple[int, int]:
        """The halves of the scratchpad in which A and B lie."""
        return tuple(p[f"{x}_spad_id"] - 1 if p[f"{x}_spad_id"] else self.sp for x in "ab")

    def next(self, output: int) -> "Halves":
        """After a loop with this output address."""
        return Halves(1 - self.sp, self.acc ^ (output != 0))


@dataclass(frozen=True)
class Around:
    """The configuration that a loop meets: config_ex, and whether loads and stores are plain.

    `loads_plain`: no set of config_ld has a lane or repeats; `stores_plain`: config_st does
    not pool.
    """

    weight_stationary: bool = True
    activation: int = 0
    shift: int = 0
    a_stride: int = 1
    c_stride: int = 1
    loads_plain: bool = True
    stores_plain: bool = True


def packer(name: str, *fields: str) -> Callable[..., Command]:
    """A function from the values of these fields to the command; low bits of each are taken."""
    spec = BY_NAME[name]
    places = [(f.rs, f.lsb, (1 << f.width) - 1) for f in map(spec.field, fields)]

    def pack(*values: int) -> Command:
        operands = [0, spec.select or 0, 0]
        for (rs, lsb, mask), value in zip(places, values, strict=True):
            operands[rs] |= (value & mask) << lsb
        return Command(spec.funct, operands[1], operands[2])

    return pack


_MOVE = ("address", "local", "rows", "cols")
mvin = packer("mvin", *_MOVE)
mvin2 = packer("mvin2", *_MOVE)
mvin3 = packer("mvin3", *_MOVE)
mvout = packer("mvout", *_MOVE)
preload = packer("preload", "b_addr", "b_rows", "b_cols", "c_addr", "c_rows", "c_cols")
_OPERANDS = ("a_addr", "a_rows", "a_cols", "d_addr", "d_rows", "d_cols")
_PRELOADED = packer("compute_preloaded", *_OPERANDS)
_ACCUMULATED = packer("compute_accumulated", *_OPERANDS)
_CONFIG_EX = packer(
    "config_ex",
    *("dataflow", "activation", "shift", "a_stride", "c_stride", "transpose_a", "transpose_b"),
)


def compute(first: bool, *operands: int) -> Command:
    """compute_preloaded if `first`, else compute_accumulated."""
    return (_PRELOADED if first else _ACCUMULATED)(*operands)


def config_ex(around: Around, transpose_a: int, transpose_b: int) -> Command:
    return _CONFIG_EX(
        around.weight_stationary,
        around.activation,
        around.shift,
        around.a_stride,
        around.c_stride,
        transpose_a,
        transpose_b,
    )


def size(fmt: Int, count: int) -> int:
    """Bytes that `count` elements are apart, rounded down."""
    return count * fmt.width // 8


def steps(end: int, step: int) -> Iterator[tuple[int, int]]:
    """(start, how many from there) in steps that cover `end`."""
    for start in range(0, end, step):
        yield start, min(step, end - start)


def check_start(p: Parameters, around: Around) -> None:
    """What both loops refuse first."""
    known = p["a_spad_id"] < 3 and p["b_spad_id"] < 3
    require(known and around.stores_plain, ErrorCode.BAD_CONFIG)


def check_rows(config: Config, halves: tuple[int, int], a: int, b: int) -> None:
    """Rows of A and B fit their halves of the scratchpad."""
    most = max(a, b) if halves[0] != halves[1] else a + b
    require(most <= config.sp_rows // 2, ErrorCode.BAD_SIZE)


def there(p: Parameters, which: str, address: int) -> bool:
    """Whether an operand is in the scratchpad already."""
    return bool(p[f"{which}_spad_id"]) and not address
