"""Which local rows a mvout reads, and what becomes of each."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import Config
from ..memory.port import ADDRESS_BITS
from .ops import NormOp, StoreOp, row_bits


class Tap(data.StructLayout):
    """A row's part in max-pooling, if it is `pooled`.

    Taps come by columns of the image: `first` to `last` are one column of a window of `size`
    columns, and `emit` marks the last tap of a window.
    """

    def __init__(self):
        super().__init__({"pooled": 1, "size": 2, "first": 1, "last": 1, "emit": 1})


class Piece(data.StructLayout):
    """What becomes of one local row: its part of a memory row.

    `keep` names the elements, `bytes` what they occupy; `first` and `last` are the ends of the
    memory row, `end` its being the operation's last. A `local` row goes to the scratchpad instead,
    to row `address`.
    """

    def __init__(self, config: Config):
        fields = {
            "keep": config.dim,
            "bytes": range(max(config.acc_row_bytes, config.output_row_bytes) + 1),
            "first": 1,
            "last": 1,
            "end": 1,
            "address": ADDRESS_BITS,
        }
        if config.pooling:
            fields["tap"] = Tap()
        if config.spad_store:
            fields["local"] = 1
        super().__init__(fields)


class RowPlan(data.StructLayout):
    """A local row to read: from which memory, and how it leaves.

    `absent` ones are not read: they stand for rows of zeros.
    """

    def __init__(self, config: Config):
        fields = {
            "row": row_bits(config),
            "acc": 1,
            "full": 1,
            "relu": 1,
            "scale": 32,
            "piece": Piece(config),
        }
        if not config.mvout_scale:
            del fields["scale"]
        if config.pooling:
            fields["absent"] = 1
        if config.normalisation:
            fields["norm"] = NormOp()
        super().__init__(fields)


def pass_on(config: Config, plan, op):
    """Statements: what every row of an operation takes from it."""
    names = ["acc", "full", "relu"] + ["scale"] * config.mvout_scale
    statements = [plan[name].eq(op[name]) for name in names]
    if config.spad_store:
        statements.append(plan.piece.local.eq(op.local))
    if config.normalisation:
        statements.append(plan.norm.eq(op.norm))
    return statements


def narrow_bytes(config: Config, op, count):
    """Bytes of `count` elements: outputs from the accumulator memory, else inputs."""
    out, inputs = ((count * fmt.width + 7) >> 3 for fmt in (config.output, config.input))
    return inputs if config.output.width == config.input.width else Mux(op.acc, out, inputs)


class StoreRows(wiring.Component):
    """The local rows of operations: memory rows ascending, blocks ascending within one.

    One row per cycle, without a gap between operations; the first one cycle after its operation.

    Members
    -------
    i : In(stream(StoreOp))
    o : Out(stream(RowPlan))
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(StoreOp(config))),
                "o": Out(stream.Signature(RowPlan(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, plan = self.config, self.o.payload
        op = Signal(StoreOp(config))
        cols = Signal.like(op.cols)  # left in this memory row
        row = Signal.like(op.row)  # op.row is this memory row's first block
        active, first = Signal(), Signal()
        step, last, end = Signal(), Signal(), Signal()
        m.d.comb += [
            last.eq(cols <= config.dim),
            end.eq(last & (op.rows == 1)),
            step.eq(active & self.o.ready),
            self.i.ready.eq(~active | (step & end)),
            self.o.valid.eq(active),
            plan.row.eq(row),
            *pass_on(config, plan, op),
            plan.piece.first.eq(first),
            plan.piece.last.eq(last),
            plan.piece.end.eq(end),
            plan.piece.address.eq(op.address),
        ]
        self._extent(m, op, cols, plan.piece)
        with m.If(step):
            m.d.sync += [row.eq(row + config.dim), cols.eq(cols - config.dim), first.eq(0)]
            with m.If(last):
                m.d.sync += [
                    op.address.eq(op.address + op.stride),
                    op.rows.eq(op.rows - 1),
                    op.row.eq(op.row + 1),
                    row.eq(op.row + 1),
                    cols.eq(op.cols),
                    first.eq(1),
                ]
        with m.If(self.i.ready):
            taken = self.i.payload
            m.d.sync += [active.eq(self.i.valid), op.eq(taken)]
            m.d.sync += [row.eq(taken.row), cols.eq(taken.cols), first.eq(1)]
        return m

    def _extent(self, m: Module, op, cols, piece):
        """Which elements of the row count, and their bytes."""
        config = self.config
        count = Signal(range(config.dim + 1))
        wide = op.acc & op.full
        m.d.comb += [
            count.eq(Mux(cols < config.dim, cols, config.dim)),
            piece.keep.eq(Cat(count > lane for lane in range(config.dim))),
            piece.bytes.eq(
                Mux(
                    wide,
                    (count * config.accumulator.width + 7) >> 3,
                    narrow_bytes(config, op, count),
                )
            ),
        ]
