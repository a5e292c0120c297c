"""Execute's way of the results: where they go, and the tile that output-stationary ops add up."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..array.port import ResultRow
from ..config import Config
from ..memory.local import acc_row, registered
from .ops import row_bits

TILE_LATENCY = 4
"""Cycles from a result of the array to what leaves the output tile."""

TILE_DISTANCE = 2
"""Cycles between two results for the same row of the output tile."""


WHOLE = 4
"""Rows from which on an op's results can be announced before its end."""


class ResultTag(data.StructLayout):
    """Where a result row goes; travels with it through the array. Where registers stand around the
    array, which lanes it has is known before: at its end the way to all lanes is long enough.

    Where operands come in blocks, `scale` is that of A's row, and `swap` marks the first row of a
    tile of weights.
    With `os` it is added to row `index` of the output tile (or replaces it unless `add`), and
    the sum goes on, shifted right by `shift`.
    """

    def __init__(self, config: Config):
        fields = {
            "row": row_bits(config),
            **({"mask": config.dim} if registered(config) else {"cols": range(config.dim + 1)}),
            "write": 1,
            "acc": 1,
            "accumulate": 1,
            "relu": 1,
            "last": 1,  # last row of its op
            "whole": 1,  # of an op of `dim` rows, one below the other
        }
        if config.output_stationary:
            shift = range(config.accumulator.width)
            fields |= {"os": 1, "add": 1, "index": range(config.dim), "shift": shift}
        if config.input_block:
            fields |= {"scale": config.input_block.scale.width}
        if config.weight_block:
            fields |= {"swap": 1}
        super().__init__(fields)


def mask_of(config: Config, cols):
    """The first `cols` lanes."""
    return Cat(n < cols for n in range(config.dim))


def tagged(config: Config, tag, op, row, last, count):
    """Statements: the `tag` of a result for local row `row`, one of `count` that its op has."""
    whole = (count == config.dim) & (op.c_stride == 1) & (config.dim >= WHOLE)
    return [
        tag.row.eq(row),
        tag.mask.eq(mask_of(config, op.c_cols)) if registered(config) else tag.cols.eq(op.c_cols),
        tag.write.eq(op.c_rows != 0),
        tag.acc.eq(op.c_acc),
        tag.accumulate.eq(op.c_accumulate),
        tag.relu.eq(op.relu),
        tag.last.eq(last),
        tag.whole.eq(whole),
    ]


class OutputTile(wiring.Component):
    """The `dim` × `dim` sums of the output-stationary dataflow, with a rounding shift behind them.

    ::

        row -> [ + tile row | write back ] -> + half -> shift right -> row
                 2 cycles                     1         1

    One row per cycle, `TILE_LATENCY` cycles; results for the same row of the tile come at least
    `TILE_DISTANCE` cycles apart. The shift rounds half to even. Rows without `os` pass unchanged.
    All sums are zero after reset.

    Members
    -------
    i : In(stream(ResultRow)), always ready
    o : Out(stream(ResultRow)), always ready
    """

    def __init__(self, config: Config):
        self.config = config
        row = stream.Signature(ResultRow(config, ResultTag(config)), always_ready=True)
        super().__init__({"i": In(row), "o": Out(row)})

    def elaborate(self, platform):
        m = Module()
        config, tag = self.config, self.i.p.tag
        m.submodules.tile = tile = Memory(shape=acc_row(config), depth=config.dim, init=[])
        write, read = tile.write_port(), tile.read_port(domain="comb")
        written = Signal(config.dim)  # since reset
        entered, summed = Signal(self.i.payload.shape()), Signal(self.i.payload.shape())
        old, total = Signal(acc_row(config)), Signal(acc_row(config))
        valid = Signal(TILE_LATENCY)
        m.d.sync += valid.eq(Cat(self.i.valid, valid))
        adds = tag.os & tag.add & written.bit_select(tag.index, 1)
        m.d.comb += read.addr.eq(tag.index)
        m.d.sync += [
            entered.eq(self.i.payload),
            old.eq(Mux(adds, read.data.as_value(), 0)),
        ]
        for n in range(config.dim):
            m.d.comb += total[n].eq(old[n] + entered.lanes[n])
        m.d.comb += [
            write.addr.eq(entered.tag.index),
            write.data.eq(total),
            write.en.eq(valid[0] & entered.tag.os),
        ]
        with m.If(write.en):
            m.d.sync += written.bit_select(entered.tag.index, 1).eq(1)
        m.d.sync += [summed.eq(entered), summed.lanes.eq(total)]
        self._shift(m, summed)
        m.d.comb += self.o.valid.eq(valid[-1])
        return m

    def _shift(self, m: Module, row):
        """v + half - 1 + the bit that decides a tie, register, shift, register."""
        width = self.config.accumulator.width
        shift = row.tag.shift
        decides, least = Signal(width), Signal(width - 1)
        wide = data.ArrayLayout(signed(width + 1), self.config.dim)
        rounded = Signal(data.StructLayout({"lanes": wide, "tag": row.tag.shape()}))
        m.d.comb += [
            decides.eq(Mux(shift == 0, 0, 1 << shift)),
            least.eq(Mux(shift == 0, 0, (decides >> 1) - 1)),
        ]
        m.d.sync += [rounded.tag.eq(row.tag), self.o.p.tag.eq(rounded.tag)]
        for n, value in enumerate(row.lanes):
            tie = Signal(name=f"tie{n}")
            m.d.comb += tie.eq((value & decides).any())
            m.d.sync += [
                rounded.lanes[n].eq(value + least + tie),
                self.o.p.lanes[n].eq(rounded.lanes[n] >> rounded.tag.shift),
            ]
