"""What execute sees of any array: three streams, whatever is inside."""

from amaranth.hdl import ShapeLike, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import Config
from ..control.ops import shape_of


class WeightRow(data.StructLayout):
    """One row of weights; rows come last first, `last` marks row 0.

    With `Config.weight_table`, `table` makes it a row of the table: entries from the first one up,
    in the codes of its format, `last` with the last row. A row with `zero` is one of zeros.
    """

    def __init__(self, config: Config):
        lane, more = shape_of(config.weight), {}
        if config.weight_table:
            lane = unsigned(max(config.weight.width, config.factor.width))
            more = {"table": 1, "zero": 1}
        super().__init__({"lanes": data.ArrayLayout(lane, config.dim), "last": 1} | more)


class InputRow(data.StructLayout):
    """One row of A and D; with `swap`, the next weight tile is used from this row on.

    With `Config.depthwise`, `step` makes it one pixel each of up to three lines (`a`, `d`, `x`):
    lane j of line l meets column j of the weights' rows 3·l to 3·l + 2. Only a `wanted` step has
    a result: the sum of this pixel and the two before it with the three weights of their lines.
    Steps come in runs; the last of a run has `end`, the first two have no result.

    With stochastic rounding only rows with `draws` step the generators; one with `reseed` starts
    them anew from `seed` first. A row with `table` takes note that a table has been loaded.
    """

    def __init__(self, config: Config, tag_shape: ShapeLike):
        elements = data.ArrayLayout(shape_of(config.input), config.dim)
        fields = {"a": elements, "d": elements, "swap": 1, "tag": tag_shape}
        if config.dw_lines:
            fields |= {"step": 1, "wanted": 1, "end": 1}
        if config.dw_lines > 2:
            fields |= {"x": elements}
        if config.stochastic:
            fields |= {"draws": 1, "reseed": 1, "seed": 32}
        if config.weight_table:
            fields |= {"table": 1}
        super().__init__(fields)


class ResultRow(data.StructLayout):
    """One row of results, `Config.leaving`, with the tag of its input row."""

    def __init__(self, config: Config, tag_shape: ShapeLike):
        elements = data.ArrayLayout(shape_of(config.leaving), config.dim)
        super().__init__({"lanes": elements, "tag": tag_shape})


class ArrayPort(wiring.Signature):
    """The array's own side of its streams.

    A weight tile of 1 to `dim` rows may arrive at any time; the array keeps it until an input row
    with `swap` takes it, and refuses such a row while no tile is there. A tile of fewer rows
    leaves the rest of the array undefined: the user feeds zeros to those rows (for steps it brings
    all rows that they use). A table counts for the tiles behind it, and the next one is refused
    until an input row with `table` has come; such a row is refused while no table has.

    Members
    -------
    weights : In(stream(WeightRow))
    inputs : In(stream(InputRow))
    waiting : Out(1)
        Where registers stand around the array: a tile stands ready for an input row with `swap`:
        one that comes in this cycle is taken, and so it is later if none comes before. Rows without
        `swap` always are.
    captured : Out(1)
        Likewise: the tile that had arrived stands ready from the next cycle on: rows of another
        one that come in this cycle, or later, are taken.
    results : Out(stream(ResultRow)), always ready
        One per input row (of steps: those that are wanted), in order.
    """

    def __init__(self, config: Config, tag_shape: ShapeLike):
        super().__init__(
            {
                "weights": In(stream.Signature(WeightRow(config))),
                "inputs": In(stream.Signature(InputRow(config, tag_shape))),
                "waiting": Out(1),
                "captured": Out(1),
                "results": Out(stream.Signature(ResultRow(config, tag_shape), always_ready=True)),
            }
        )
