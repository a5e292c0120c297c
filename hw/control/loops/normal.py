"""The stores of a matrix whose rows are normalised: every row three times over."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...config import Config
from ..ops import CommandLayout
from .inner import fill, local_address
from .nest import Nest
from .walk import Matrix, tile_limit

PASSES = 3


class Normalised(wiring.Component):
    """config_norm, then a mvout of one row per tile, for every pass of every row.

    The first two passes take statistics, the third stores (docs/loops.md, "Normalised stores").

    Members
    -------
    start : In(1), matrix : In(Matrix), row_bits : In
        Begin; `row_bits` are the bits from one row in memory to the next.
    softmax, full : In(1)
    busy, valid : Out(1), next : In(1)
        Commands are left; one stands; it is taken.
    command : Out(CommandLayout), moves : Out(1)
        The command; it is a mvout.
    down, across : Out
        Row of tiles, and the last tile in it.
    """

    def __init__(self, config: Config):
        self.config = config
        count = range(tile_limit(config) + 1)
        super().__init__(
            {
                "start": In(1),
                "matrix": In(Matrix(config)),
                "row_bits": In(35),
                "softmax": In(1),
                "full": In(1),
                "busy": Out(1),
                "valid": Out(1),
                "next": In(1),
                "command": Out(CommandLayout()),
                "moves": Out(1),
                "down": Out(count),
                "across": Out(count),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, dim = self.config, self.config.dim
        at, row_bits = Signal(Matrix(config)), Signal(35)
        softmax, full, begins, opens = Signal(), Signal(), Signal(), Signal()
        tiles, rows = len(at.down), dim.bit_length()
        m.submodules.nest = nest = Nest(
            {"i": tiles, "row": rows, "turn": 2, "j": tiles},
            {"local": (len(at.row), "i row j"), "memory": (35, "i row j")},
        )
        with m.If(self.start):
            m.d.sync += [
                at.eq(self.matrix),
                row_bits.eq(self.row_bits),
                softmax.eq(self.softmax),
                full.eq(self.full),
            ]
        m.d.sync += begins.eq(self.start)
        # the rows of the coming row of tiles count anew
        last_row = Mux(begins, at.down == 1, nest.left.i == 2)
        width = Mux(full, config.acc_row_bytes * 8, config.row_bytes * 8)
        m.d.comb += [
            nest.start.eq(begins),
            nest.count.i.eq(at.down),
            nest.count.row.eq(dim - Mux(last_row, at.down_pad, 0)),
            nest.count.turn.eq(PASSES),
            nest.count.j.eq(at.across),
            *(getattr(nest.step, level).eq(1) for level in ("i", "row", "turn", "j")),
            nest.origin.local.eq(at.row),
            nest.origin.memory.eq(at.address << 3),
            nest.hop.local.i.eq(at.across * dim),
            nest.hop.local.row.eq(1),
            nest.hop.local.j.eq(dim),
            nest.hop.memory.i.eq(at.step << 3),
            nest.hop.memory.row.eq(row_bits),
            nest.hop.memory.j.eq(width),
            self.busy.eq(begins | nest.busy),
            self.valid.eq(nest.valid),
            self.moves.eq(~opens),
            nest.next.eq(self.next & ~opens),
            self.down.eq(at.down - nest.left.i),
            self.across.eq(at.across - 1),
        ]
        with m.If(begins | (nest.next & ~nest.advances.j)):
            m.d.sync += opens.eq(1)
        with m.Elif(self.next):
            m.d.sync += opens.eq(0)
        sums, squares = nest.left.turn == 3, nest.left.turn == 2
        step = Signal(3)
        with m.If(sums):
            m.d.comb += step.eq(Mux(softmax, 5, 1 + nest.last.j))
        with m.Elif(squares):
            m.d.comb += step.eq(Mux(softmax, 6, 3) + nest.last.j)
        with m.If(opens):
            m.d.comb += fill(self.command, "config_norm", stat_only=1)
        with m.Else():
            m.d.comb += fill(
                self.command,
                "mvout",
                address=nest.at.memory[3:],
                local=local_address(nest.at.local, 1, 0, full, step),
                rows=1,
                cols=dim - Mux(nest.last.j, at.across_pad, 0),
            )
        return m
