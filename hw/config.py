"""The one object from which everything else is derived.

`Config` holds choices only; whatever follows from them is a property. Starting points are in
`PRESETS` (:mod:`.config_text` reads them, with changes); another is one `replace()` away::

    mine = PRESETS["small"].replace(name="mine", dim=6, bus_width=64)
"""

import dataclasses
from dataclasses import dataclass
from difflib import get_close_matches

from .config_rules import ConfigError, bound_multiplier, check_products, check_types, check_values
from .formats import (
    Accumulator,
    Block,
    BlockScale,
    Format,
    Int,
    Rounded,
    Sums,
    entry,
    row_bytes,
    stored_as,
    suited,
    suited_in_block,
    sums,
)
from .formats.multiplier import Multiplier
from .formats.products import ProductSums

MAX_BYTES = 64  # bytes of one memory row that a single mvin moves (Gemmini's DMA_MAXBYTES)

OPTIONS = (
    *("output_stationary", "transposes", "depthwise", "first_layer", "pooling", "spad_store"),
    *("normalisation", "loop_ws", "loop_conv"),
)
"""Fields that add commands: what is left out costs no gates and answers NOT_SUPPORTED."""


def _log2(value: int) -> int:
    return (value - 1).bit_length()


@dataclass(frozen=True)
class Config:
    """Choices of one accelerator.

    Sizes are in elements (`dim`), rows (`*_bank_rows`), bits (`bus_width`) and entries (queues).
    Any `dim` from 2 to 32 works if a row of `dim` elements is a whole number of bytes.
    """

    name: str = "default"
    dim: int = 16
    """Rows and columns of the array."""

    input: Format = Int(8)
    """A `Block` given here stands for its element, and becomes the `input_block`."""

    weight: Format = Int(8)
    """Likewise."""

    accumulator: Accumulator = Int(32)
    """What the accumulator memory holds."""

    partial: Accumulator | None = None
    """What the array sums a tile in: None, or a narrower one of the accumulator's kind (of any kind
    where operands come in blocks; None is then an exact one)."""

    output: Format = Int(8)

    input_block: Block | None = None
    """Blocks of rows of A, whose scales a compute brings."""

    weight_block: Block | None = None
    """Blocks of columns of B, whose scales lie behind its rows."""

    multiplier: Multiplier | None = None
    """In place of the exact product (docs/multipliers.md); bound to the formats."""

    dsps: int | None = None
    """Multiplier blocks that the array may use (None: all). Integers beyond them multiply on carry
    chains, in as many cycles; narrow floats in fixed point want dim² (or None: a shift)."""

    products_per_dsp: int = 1
    """2: neighbouring columns share multiplier blocks, for integers that pack, or of 8 bits."""

    mac_stages: int = 1
    """Cycles of a multiply-accumulate (1 to 8); the array takes one row per cycle with any."""

    sp_banks: int = 4
    sp_bank_rows: int = 4096
    acc_banks: int = 2
    acc_bank_rows: int = 512

    bus_width: int = 128
    """Bits of one memory word: 32, 64, 128 or 256."""

    load_queue: int = 8
    execute_queue: int = 16
    store_queue: int = 4
    """Commands that each unit may have waiting or in flight."""

    command_queue: int = 4
    """Commands between the processor's port and the decoder."""

    serial_hazards: bool = False
    """Whether a command's spans of local rows are compared in turn: fewer gates, a cycle each."""

    in_order: bool = False
    """Whether commands are issued in program order, by halves of memories: the fewest gates."""

    sequential: bool = False
    """Whether each is carried out to its end before the next, by one unit for all; `in_order`."""

    array_clock: int = 1
    """Cycles of array and local memories in one of all else: 1 to 4; beyond 1 only `in_order`."""

    reads_in_flight: int = 32
    """Memory rows that load may have asked for and not received (long ones: once per 64 bytes)."""

    mvin_scale: bool = True
    """Whether input-width loads pass a float32 multiplier."""

    mvin_bytes: int = 1024
    """Bytes of one memory row that a single mvin may move: 64 (as Gemmini's) to 1024."""

    mvout_scale: bool = True
    """Whether stores pass a float32 multiplier; without it they round and saturate only."""

    scale_cycles: int = 1
    """Cycles that a row takes through that multiplier: dim / scale_cycles lanes are built."""

    output_stationary: bool = True
    """Whether the output-stationary dataflow exists."""

    transposes: bool = True
    """Whether A and B may be read transposed."""

    depthwise: bool = True
    """Whether compute_depthwise exists."""

    first_layer: bool = True
    """Whether mvin can repeat pixels and start at a lane (packing of few channels)."""

    pooling: bool = True
    """Whether mvout pools, or streams more than dim rows."""

    spad_store: bool = True
    """Whether mvout_spad exists."""

    normalisation: bool = False
    """Whether integer softmax, layernorm and GELU exist."""

    loop_ws: bool = True
    """Whether the matrix product loop is unrolled in hardware."""

    loop_conv: bool = True
    """Whether the convolution loop is unrolled in hardware."""

    counters: int = 8
    """Performance counters (0 to 8)."""

    def __post_init__(self):
        for role in ("input", "weight"):
            if isinstance(block := getattr(self, role), Block):
                object.__setattr__(self, role, block.element)
                object.__setattr__(self, f"{role}_block", block)
        check_types(self)
        check_values(self, self.offered())
        check_products(self)
        if self.multiplier is not None:
            object.__setattr__(self, "multiplier", bound_multiplier(self))

    def offered(self) -> dict[str, bool]:
        """Options that not every format has: output-stationary and depthwise products add rows that
        B does not have, of weights with code 0, which must be zeros (no table that is loaded
        promises that)."""
        integers = all(isinstance(f, Int) for f in (self.input, self.accumulator, self.output))
        back = self.output.width == self.input.width
        plain = self.blocks is None
        alike = back and plain and self.weight.width == self.input.width
        shared = self.products_per_dsp > 1
        zero = not self.weight_table and not self.weight.decode([0]).any()
        return {
            "output_stationary": integers and zero,
            "transposes": plain,
            "normalisation": integers,
            "depthwise": zero and plain and not (shared or isinstance(self.summed, Rounded)),
            "spad_store": back,
            "loop_ws": alike,
            "loop_conv": alike,
        }

    @property
    def formats(self) -> str:
        """All four, and the stages, in a line."""
        names = f"{' x '.join(fmt.name for fmt in self.operands)} in {self.summed.name}"
        names += f" and {self.accumulator.name}" if self.summed != self.accumulator else ""
        if self.multiplier:
            names = f"{names} by {self.multiplier.name}"
        shared = ", products in pairs" * (self.products_per_dsp > 1)
        return f"{names} ({self.mac_stages} stages{shared}) to {self.output.name}"

    def replace(self, **changes) -> "Config":
        """A copy with some choices changed; the same checks apply."""
        for field in changes:
            known_field(field)
        return dataclasses.replace(self, **changes)

    def with_formats(
        self,
        input: Format | Block,
        weight: Format | Block | None = None,
        accumulator: Accumulator | None = None,
        output: Format | None = None,
        mac_stages: int = 1,
    ) -> "Config":
        """A copy in other number formats, without the options that they do not have.

        Weights are like inputs if they are not given, sums and outputs as :func:`suited` and
        :func:`stored_as` propose.
        """
        weight = weight or input
        accumulator = accumulator or suited(input, weight)
        formats = {"input": input, "weight": weight, "accumulator": accumulator, "partial": None}
        formats |= {"output": output or stored_as(input), "mac_stages": mac_stages}
        formats |= {"input_block": None, "weight_block": None}
        copy = self.replace(**formats, **dict.fromkeys(self.offered(), False))
        return copy.replace(**{x: getattr(self, x) for x, has in copy.offered().items() if has})

    @property
    def sp_rows(self) -> int:
        """Rows of the scratchpad."""
        return self.sp_banks * self.sp_bank_rows

    @property
    def acc_rows(self) -> int:
        """Rows of the accumulator memory."""
        return self.acc_banks * self.acc_bank_rows

    @property
    def sp_row_bits(self) -> int:
        """Bits of the row address in the scratchpad."""
        return _log2(self.sp_rows)

    @property
    def acc_row_bits(self) -> int:
        """Bits of the row address in the accumulator memory."""
        return _log2(self.acc_rows)

    @property
    def row_bytes(self) -> int:
        """Bytes of a scratchpad row (`dim` input elements)."""
        return row_bytes(self.input, self.dim)

    @property
    def output_row_bytes(self) -> int:
        """Bytes of an accumulator row as output elements."""
        return row_bytes(self.output, self.dim)

    @property
    def weight_parts(self) -> int:
        """Weights that lie in memory where one input would."""
        return self.input.width // self.weight.width

    @property
    def factor(self) -> Format:
        """What inputs are multiplied by: `weight`, or the entries of a table that can be loaded."""
        return entry(self.input, self.weight)

    @property
    def weight_table(self) -> bool:
        """Whether weights are indices into a table that can be loaded."""
        return self.factor != self.weight

    @property
    def table_rows(self) -> int:
        """Rows of the scratchpad that such a table fills."""
        return -(-(self.weight_table << self.weight.width) // self.dim)

    @property
    def acc_row_bytes(self) -> int:
        """Bytes of an accumulator row at full width."""
        return row_bytes(self.accumulator, self.dim)

    @property
    def max_block_len(self) -> int:
        """Blocks of `dim` columns that one mvin or mvout may move into or from rows of inputs."""
        return max(1, MAX_BYTES // self.row_bytes)

    @property
    def max_block_len_acc(self) -> int:
        """The same for full-width accumulator rows."""
        return max(1, MAX_BYTES // self.acc_row_bytes)

    @property
    def bus_bytes(self) -> int:
        """Bytes of one memory word."""
        return self.bus_width // 8

    @property
    def max_load_blocks(self) -> int:
        """Blocks of `dim` columns that one mvin of input elements may bring."""
        return max(1, self.mvin_bytes // self.row_bytes)

    @property
    def max_load_blocks_acc(self) -> int:
        """The same for full-width accumulator rows."""
        return max(1, self.mvin_bytes // self.acc_row_bytes)

    @property
    def dw_lines(self) -> int:
        """Lines that compute_depthwise takes at once: three taps of each fill three rows."""
        return min(3, self.dim // 3) if self.depthwise else 0

    @property
    def operands(self) -> tuple[Format | Block, Format | Block]:
        """Inputs and weights, blocks included."""
        return self.input_block or self.input, self.weight_block or self.weight

    @property
    def blocks(self) -> BlockScale | None:
        """What becomes of the array's sums where operands come in blocks."""
        if not (self.input_block or self.weight_block):
            return None
        return BlockScale(self.summed, self.accumulator, self.input_block, self.weight_block)

    @property
    def scale_rows(self) -> int:
        """Scratchpad rows of scales behind those of B."""
        return -(-self.weight_block.scale.width // self.input.width) if self.weight_block else 0

    @property
    def row_scales(self) -> int:
        """Scales of a row of A, for one block after another, in a row of D."""
        bits = self.input_block.scale.width if self.input_block else 0
        return min(self.dim + 1, self.dim * self.input.width // bits) if bits else 0

    @property
    def summed(self) -> Accumulator:
        """What the array sums a tile in."""
        if self.partial is None and (self.input_block or self.weight_block):
            return suited_in_block(self.input, self.weight, self.dim)
        return self.partial or self.accumulator

    @property
    def leaving(self) -> Accumulator:
        """What the array hands on: the memory's format, or sums whose blocks are still to scale."""
        return self.summed if self.blocks else self.accumulator

    @property
    def stochastic(self) -> bool:
        """Whether sums are rounded by random bits."""
        return isinstance(self.summed, Rounded) and self.summed.bits > 0

    @property
    def sums(self) -> Sums:
        """How a tile's sums of products come to be, in numpy."""
        if self.multiplier is None:
            return sums(self.summed)
        return ProductSums(self.multiplier, self.input, self.weight, self.summed)

    @property
    def spad_results(self) -> bool:
        """Whether the array's results may go to the scratchpad, saturated: integers only."""
        return isinstance(self.accumulator, Int) and isinstance(self.input, Int)

    @property
    def macs(self) -> int:
        """Multiply-accumulates per cycle (of the core) at full utilisation."""
        return self.dim * self.dim * self.array_clock


def known_field(field: str, *others: str):
    """ConfigError unless `Config` has this field; `others` are told beside its own."""
    names = [*sorted(f.name for f in dataclasses.fields(Config)), *others]
    if field not in names:
        near = "".join(f"; the nearest is {x}" for x in get_close_matches(field, names, 1))
        raise ConfigError(f"Config has no field {field!r}; its fields are {', '.join(names)}{near}")


PRESETS: dict[str, Config] = {
    config.name: config
    for config in (
        Config(
            name="tiny",
            dim=4,
            sp_bank_rows=1024,
            acc_bank_rows=256,
            bus_width=32,
            load_queue=4,
            execute_queue=8,
            store_queue=2,
            reads_in_flight=16,
        ),
        Config(name="small", dim=8, sp_bank_rows=2048, acc_bank_rows=512, bus_width=64),
        Config(name="default"),
    )
}
