"""What the decoder hands to the three units: commands with all configuration resolved.

Rows and columns are already checked; local rows are inside their memory.
"""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data

from ..config import Config
from ..formats import Int

INDEX_BITS = 32
"""Bits of a command's index (commands accepted since reset)."""

LINE_MOST = 1023
"""Pixels and outputs of one line of compute_depthwise."""


class CommandLayout(data.StructLayout):
    """A command as it travels on streams (isa.md)."""

    def __init__(self):
        super().__init__({"funct": 7, "rs1": 64, "rs2": 64})


def row_bits(config: Config) -> int:
    """Bits of a row address in the larger of the two local memories."""
    return max(config.sp_row_bits, config.acc_row_bits)


def _count(limit: int):
    """A count from 0 to `limit`."""
    return range(limit + 1)


def weight_rows(config: Config):
    """Rows of B, or of a table of weights."""
    return _count(max(config.dim, config.table_rows))


class LoadOp(data.StructLayout):
    """mvin: `rows` memory rows of `cols` elements; local row = row + r + block·block_stride.

    The first element goes to `lane` of the first block. With `more` = repeats - 1 not 0, `lane`
    is that of the last copy, more·cols. `weights` are narrower than inputs.
    """

    def __init__(self, config: Config):
        weights = {"weights": 1} if config.weight_parts > 1 else {}
        super().__init__(
            {
                "address": 32,
                "stride": 32,
                "zero": 1,  # write zeros, read nothing
                "rows": _count(config.dim),
                "cols": _count(config.dim * config.max_load_blocks),
                "lane": range(config.dim if config.first_layer else 1),
                "more": range(config.dim if config.first_layer else 1),
                "acc": 1,  # into the accumulator memory
                "accumulate": 1,  # add to what is there (accumulator only)
                "wide": 1,  # memory holds accumulator elements
                "row": row_bits(config),
                "block_stride": 16,
                "scale": 32,  # float32, finite; input-width elements only
                "index": INDEX_BITS,
            }
            | weights
        )


class Pooling(data.StructLayout):
    """Max-pooling as config_st describes it: an image of `out_rows`·`out_cols` local rows."""

    def __init__(self):
        super().__init__(
            {
                "pool_stride": 2,
                "pool_size": 2,
                "upper_pad": 2,
                "left_pad": 2,
                "pool_out_dim": 8,
                "pool_out_rows": 8,
                "pool_out_cols": 8,
                "out_rows": 8,
                "out_cols": 8,
            }
        )


class NormOp(data.StructLayout):
    """What normalisation does to accumulator rows: statistics `step` or `activation` (0: none)."""

    def __init__(self):
        super().__init__({"step": 3, "stat": 2, "activation": 3})


class StoreOp(data.StructLayout):
    """mvout: local row = row + r + block·dim, to `rows` memory rows of `cols` elements.

    A `local` one goes to scratchpad rows from `address`, `stride` apart (mvout_spad, one block). A
    `pooled` one goes to memory, its rows as `pooling` says and not `rows`. With a statistics step
    nothing is written. One that `configures` brings qb as its address, qc as its stride and qln2 as
    its scale; with `keep` qln2 stays.
    """

    def __init__(self, config: Config):
        image = 255 * 255  # rows of a one-dimensional mvout
        fields = {
            "address": 32,
            "stride": 32,
            "rows": _count(image if config.pooling else config.dim),
            "cols": _count(config.dim * config.max_block_len),
            "acc": 1,  # from the accumulator memory
            "full": 1,  # accumulator elements as they are
            "relu": 1,
            "row": row_bits(config),
            "scale": 32,  # float32, finite
            "index": INDEX_BITS,
        }
        if config.sequential or not config.mvout_scale:
            del fields["scale"]
        if config.pooling:
            fields |= {"pooled": 1, "pooling": Pooling()}
        if config.normalisation:
            fields |= {"norm": NormOp(), "configures": 1, "keep": 1}
        if config.spad_store:
            fields["local"] = 1
        super().__init__(fields)


class ExecuteOp(data.StructLayout):
    """One compute with its preload: C[i] = A[i]·W + D[i] for i < `c_rows`.

    With `scaled` there are rows of scales behind those of B. Where inputs come in blocks, D's rows
    hold scales of A's rows, and `d_cols` says which one counts.
    With `reseed` the generators of stochastic rounding start anew from `seed` before it.
    Elements at or beyond the extents are zeros. `load_weights` brings `k` rows of B first;
    `a_cols` never exceeds the rows of the weights that are then in the array.

    With `os`, T[i] = (T[i] if `add` else D[i]) + A[i]·W for i < `rows`, and C[i] is T[i] shifted.
    With `a_turn` and `b_turn` the rows of A and B lie in the scratchpad as columns.
    With `dw`, C is a line of outputs of a depthwise convolution: `a_rows` pixels of each line in
    `lines`, the first ones at `a_row`, `d_row` and `x_row`, with `left` zeros before them.
    With `table` the `k` rows at `b_row` are rows of the table of weights, and that is all; where
    there is one, rows of B with `b_cols` 0 are zeros, whatever entry 0 is.
    """

    def __init__(self, config: Config):
        size = _count(config.dim)
        row = config.sp_row_bits
        fields = {
            "load_weights": 1,
            "k": weight_rows(config),
            "b_row": row,
            "b_cols": size,
            "a_rows": size,
            "a_cols": size,
            "a_row": row,
            "a_stride": 16,
            "d_rows": size,
            "d_cols": size,
            "d_row": row,
            "c_rows": size,  # 0: nothing is written
            "c_cols": size,
            "c_row": row_bits(config),
            "c_stride": 16,
            "c_acc": 1,
            "c_accumulate": 1,
            "relu": 1,  # scratchpad results only
        }
        if config.output_stationary:
            shift = range(config.accumulator.width)
            fields |= {"os": 1, "add": 1, "rows": size, "shift": shift}
        if config.transposes:
            fields |= {"a_turn": 1, "b_turn": 1}
        if config.transposes or config.dw_lines:
            fields |= {"b_rows": weight_rows(config)}  # of B that are not zeros, at most k
        if config.dw_lines:
            most = _count(LINE_MOST)
            fields |= {"a_rows": most, "c_rows": most, "dw": 1, "lines": config.dw_lines}
            fields |= {"left": 4, "step": 3}  # pixels between outputs
        if config.dw_lines > 2:
            fields |= {"x_row": row}
        if config.stochastic:
            fields |= {"reseed": 1, "seed": 32}
        if config.weight_block:
            fields |= {"scaled": 1}
        if config.weight_table:
            fields |= {"table": 1}
        super().__init__(fields)


class Span(data.StructLayout):
    """Local rows `first` to `last` of one memory that an op reads or writes."""

    def __init__(self, config: Config):
        rows = row_bits(config)
        super().__init__({"valid": 1, "acc": 1, "first": rows, "last": rows})


class Dispatch(data.StructLayout):
    """One checked command on its way to a unit, with the rows that it touches."""

    LOAD, EXECUTE, STORE = range(3)

    def __init__(self, config: Config):
        ops = {"load": LoadOp(config), "execute": ExecuteOp(config), "store": StoreOp(config)}
        super().__init__(
            {
                "unit": 2,
                "op": data.UnionLayout(ops),
                "reads": data.ArrayLayout(Span(config), 3),  # execute: A, B, D; store: the first
                "write": Span(config),
                "in_order": 1,  # store: takes its local rows in ascending order, block by block
                "single": 1,  # store: of one block
            }
        )


def shape_of(fmt):
    """Amaranth shape of a format's elements: integers as values, all others as codes."""
    return signed(fmt.width) if isinstance(fmt, Int) and fmt.signed else unsigned(fmt.width)
