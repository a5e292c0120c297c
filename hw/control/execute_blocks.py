"""Execute's way of the scales of blocks: to the results they belong to."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..arith.block_scale import ScaleLane
from ..array.port import ResultRow
from ..bus.stream import Queue
from ..config import Config
from ..memory.local import acc_row
from .execute_results import ResultTag
from .execute_weights import ROWS_AHEAD, each, keep, weight_ports


def tiles_ahead(config: Config, array_latency: int) -> int:
    """Tiles whose weights went to the array and whose first result has not come: those at work,
    `dim` - 1 cycles apart at least, one that waits, one that arrives, and one more."""
    return array_latency // (config.dim - 1) + 4


class ColumnScales(data.StructLayout):
    """Scales of a tile's columns, as they lie in the scratchpad; 1 unless `named`."""

    def __init__(self, config: Config):
        codes = data.ArrayLayout(config.weight_block.scale.width, config.dim)
        super().__init__({"codes": codes, "named": 1})


class ScaledWeightFetch(wiring.Component):
    """:class:`.execute_weights.WeightFetch` for weights in blocks: `scale_rows` rows from b + k on
    come first, then rows k-1 … 0; one row per cycle. Where there is no B, the row of zeros is not
    read.

    Members
    -------
    op : In(stream(ExecuteOp))
        Only ops with `load_weights`.
    b : Out(SpReadPort)
    weights : Out(stream(WeightRow))
    scales : Out(stream(ColumnScales))
        One for each op.
    """

    def __init__(self, config: Config):
        self.config = config
        scales = Out(stream.Signature(ColumnScales(config)))
        super().__init__(weight_ports(config) | {"scales": scales})

    def elaborate(self, platform):
        m = Module()
        config, op = self.config, self.op.p
        most = config.scale_rows + config.dim
        layout = {"cols": range(config.dim + 1), "last": 1, "scales": 1, "named": 1, "read": 1}
        m.submodules.rows = rows = Queue(data.StructLayout(layout), ROWS_AHEAD)
        done, first = Signal(range(most + 1)), Signal(range(most + 1))  # row of weights
        last, taken, scales, read = Signal(), Signal(), Signal(), Signal()
        row = Mux(scales, op.b_row + op.k + done, op.b_row + op.k - 1 - (done - first))
        m.d.comb += [
            first.eq(Mux(op.scaled, config.scale_rows, 0)),
            scales.eq(done < first),
            last.eq(done == first + op.k - 1),
            self.b.request.payload.eq(row),
            read.eq(scales | (op.b_cols != 0)),
            self.b.request.valid.eq(self.op.valid & rows.i.ready & read),
            taken.eq(self.op.valid & rows.i.ready & (~read | self.b.request.ready)),
            rows.i.valid.eq(taken),
            rows.i.p.cols.eq(op.b_cols),
            rows.i.p.last.eq(last),
            rows.i.p.read.eq(read),
            rows.i.p.scales.eq(scales),
            rows.i.p.named.eq(op.scaled),
            self.op.ready.eq(taken & last),
        ]
        with m.If(taken):
            m.d.sync += done.eq(Mux(last, 0, done + 1))
        self._deliver(m, rows.o)
        return m

    def _deliver(self, m: Module, row):
        """Scales are gathered, and handed on with the first row of weights."""
        config = self.config
        bits = config.dim * config.input.width
        gathered = Signal(config.scale_rows * bits)
        begins = Signal(init=1)
        fire, there = Signal(), Signal()
        m.d.comb += [
            there.eq(row.valid & (self.b.data.valid | ~row.p.read)),
            self.scales.p.codes.eq(gathered[: config.dim * config.weight_block.scale.width]),
            self.scales.p.named.eq(row.p.named),
            self.scales.valid.eq(there & ~row.p.scales & begins & self.weights.ready),
            self.weights.valid.eq(there & ~row.p.scales & (~begins | self.scales.ready)),
            *each(self.weights.p.lanes, keep(self.b.data.payload, row.p.cols, config.dim)),
            self.weights.p.last.eq(row.p.last),
            fire.eq(Mux(row.p.scales, there, self.weights.valid & self.weights.ready)),
            row.ready.eq(fire),
            self.b.data.ready.eq(fire & row.p.read),
        ]
        with m.If(fire & row.p.scales):
            m.d.sync += gathered.eq(Cat(gathered[bits:], self.b.data.payload.as_value()))
        with m.If(fire & ~row.p.scales):
            m.d.sync += begins.eq(row.p.last)


class ScaledRow(data.StructLayout):
    """A row of results in the memory's format."""

    def __init__(self, config: Config):
        super().__init__({"lanes": acc_row(config), "tag": ResultTag(config)})


class ScaleResults(wiring.Component):
    """The array's sums times the scales of their blocks: of A's row, which comes in the tag, and of
    the columns of its tile of weights, of which there is one set per tag with `swap`.

    One row per cycle, :func:`scale_latency` cycles.

    Parameters
    ----------
    array_latency : int
        Cycles from the acceptance of a row by the array to its result.

    Members
    -------
    i : In(stream(ResultRow)), always ready
    columns : In(stream(ColumnScales)), if weights come in blocks
        For a tile before its first result.
    o : Out(stream(ScaledRow)), always ready
    """

    def __init__(self, config: Config, array_latency: int):
        self.config = config
        self.array_latency = array_latency
        row = stream.Signature(ResultRow(config, ResultTag(config)), always_ready=True)
        columns = {}
        if config.weight_block:
            columns["columns"] = In(stream.Signature(ColumnScales(config)))
        scaled = stream.Signature(ScaledRow(config), always_ready=True)
        super().__init__({"i": In(row), "o": Out(scaled)} | columns)

    def elaborate(self, platform):
        m = Module()
        config, lane = self.config, ScaleLane(self.config.blocks)
        columns = self._columns(m) if config.weight_block else None
        late = [Signal.like(self.i.p.tag, name=f"tag{n}") for n in range(lane.latency)]
        valid = Signal(lane.latency)
        m.d.sync += [late[0].eq(self.i.p.tag), valid.eq(Cat(self.i.valid, valid))]
        m.d.sync += [new.eq(old) for old, new in zip(late, late[1:], strict=False)]
        m.d.comb += [self.o.valid.eq(valid[-1]), self.o.p.tag.eq(late[-1])]
        for n in range(config.dim):
            m.submodules[f"lane{n}"] = unit = lane.create()
            m.d.comb += [unit.i.eq(self.i.p.lanes[n]), self.o.p.lanes[n].eq(unit.o)]
            if config.input_block:
                m.d.comb += unit.row.eq(self.i.p.tag.scale)
            if columns is not None:
                m.d.comb += unit.column.eq(columns[n])
        return m

    def _columns(self, m: Module):
        """Scales of the columns for the row that comes: new ones with the first of a tile."""
        one = one_of(self.config.weight_block.scale)
        depth = tiles_ahead(self.config, self.array_latency)
        m.submodules.tiles = tiles = Queue(ColumnScales(self.config), depth)
        connect(m, flipped(self.columns), tiles.i)
        codes = tiles.o.p.codes.shape()
        kept = Signal(codes, init=[one] * self.config.dim)
        now = Signal(codes)
        swaps = self.i.valid & self.i.p.tag.swap
        m.d.comb += [now.eq(kept), tiles.o.ready.eq(swaps)]
        with m.If(swaps):
            for n in range(self.config.dim):
                m.d.comb += now[n].eq(Mux(tiles.o.p.named, tiles.o.p.codes[n], one))
            m.d.sync += kept.eq(now)
        return now


def one_of(scale) -> Const:
    """The code of scale 1."""
    return Const(int(scale.encode(1.0)), scale.width)


def scale_latency(config: Config) -> int:
    """Cycles of a row of results through :class:`ScaleResults`; 0 without blocks."""
    return ScaleLane(config.blocks).latency if config.blocks else 0
