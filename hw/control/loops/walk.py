"""The mvins or mvouts of one matrix: tiles in two nested loops, several side by side in one."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...config import Config
from ..ops import row_bits


def most_tiles(blocks: int) -> int:
    """Tiles in one command: the power of two in `blocks`."""
    return 1 << (blocks.bit_length() - 1)


def tile_limit(config: Config) -> int:
    """The most tiles that lie in a row or column of a matrix in half of a local memory."""
    return max(config.sp_rows, config.acc_rows) // 2 // config.dim


class Matrix(data.StructLayout):
    """Where a matrix of `down`×`across` tiles lies, and the order of its tiles.

    Tile (d, a) lies at address + d·step + a·(bytes of a tile's row) in memory; in the local memory
    tiles follow one another, a fastest. `down_inner` says that d is the inner loop.
    """

    def __init__(self, config: Config):
        count = range(tile_limit(config) + 1)
        super().__init__(
            {
                "address": 32,
                "step": 32,
                "zero": 1,  # all addresses are 0
                "wide": 1,  # accumulator elements
                "side": 1,  # tiles side by side may go together
                "down": count,
                "across": count,
                "down_pad": range(config.dim),  # missing rows of the last tiles
                "across_pad": range(config.dim),
                "down_inner": 1,
                "row": row_bits(config),
            }
        )


class Walk(wiring.Component):
    """Walks through the tiles of a matrix, one move per two cycles, the first two after `start`.

    Moves take 1, 2, 4, … tiles of a row side by side, as far as they go, up to `tiles` (or
    `wide_tiles`): computing can start with the first.

    Members
    -------
    start : In(1), matrix : In(Matrix)
        Begin with this matrix; not while `busy`.
    busy : Out(1)
        Moves are left.
    valid : Out(1), next : In(1)
        A move stands ready; it is taken.
    address, row, rows, cols : Out
        The move.
    outer, inner, end : Out
        Place of the move: its tiles have outer index `outer` to `end` - 1 if they lie side by
        side in the outer loop; all tiles with a smaller outer index are behind.
    down, across : Out
        The same as row and column of tiles.
    """

    def __init__(self, config: Config, tiles: int, wide_tiles: int | None = None):
        self.config = config
        self.tiles, self.wide_tiles = tiles, wide_tiles
        count = range(tile_limit(config) + 1)
        most = max(tiles, wide_tiles or 0)
        super().__init__(
            {
                "start": In(1),
                "matrix": In(Matrix(config)),
                "busy": Out(1),
                "valid": Out(1),
                "next": In(1),
                "address": Out(32),
                "row": Out(row_bits(config)),
                "rows": Out(range(config.dim + 1)),
                "cols": Out(range(most * config.dim + 1)),
                "outer": Out(count),
                "inner": Out(count),
                "end": Out(count),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, dim = self.config, self.config.dim
        at = Signal(Matrix(config))  # address and row: of this move
        address, row = Signal(32), Signal.like(at.row)  # where the outer loop stands
        down, across = Signal.like(at.down), Signal.like(at.across)
        goal, width = (Signal(range(max(self.tiles, self.wide_tiles or 0) + 1)) for _ in "gw")
        left = Signal.like(at.across)
        last_down, last_across = Signal(), Signal()
        m.d.comb += [
            left.eq(at.across - across),
            self.address.eq(at.address),
            self.row.eq(at.row),
            self.rows.eq(dim - Mux(last_down, at.down_pad, 0)),
            self.cols.eq(width * dim - Mux(last_across, at.across_pad, 0)),
            self.outer.eq(Mux(at.down_inner, across, down)),
            self.inner.eq(Mux(at.down_inner, down, across)),
        ]
        with m.If(self.busy & ~self.valid):
            m.d.sync += [
                self.valid.eq(1),
                width.eq(Mux(left < goal, left, goal)),
                last_across.eq(left <= goal),
                last_down.eq(down + 1 == at.down),
                self.end.eq(Mux(at.down_inner, across + Mux(left < goal, left, goal), down + 1)),
            ]
        inner_end = Mux(at.down_inner, last_down, last_across)
        with m.If(self.next):
            self._step(m, at, address, row, width, inner_end)
            m.d.sync += self.valid.eq(0)
            most = self.tiles
            if self.wide_tiles is not None:
                most = Mux(at.wide, self.wide_tiles, self.tiles)
            with m.If((inner_end | ~at.down_inner) & at.side & (goal < most)):
                m.d.sync += goal.eq(goal << 1)
            with m.If(~at.down_inner | inner_end):
                m.d.sync += across.eq(Mux(last_across, 0, across + width))
            with m.If(at.down_inner | inner_end):
                m.d.sync += down.eq(Mux(last_down, 0, down + 1))
            with m.If(last_down & last_across):
                m.d.sync += self.busy.eq(0)
        with m.If(self.start):
            m.d.sync += [
                self.busy.eq(1),
                at.eq(self.matrix),
                address.eq(self.matrix.address),
                row.eq(self.matrix.row),
                goal.eq(1),
            ]
        return m

    def _step(self, m: Module, at, address, row, width, inner_end):
        """The next move's address and row; the outer loop's, if it moved."""
        config = self.config
        bytes_across, new_address, new_row = Signal(32), Signal(32), Signal.like(at.row)
        across = width * config.row_bytes
        if self.wide_tiles is not None:
            across = Mux(at.wide, width * config.acc_row_bytes, across)
        along = at.down_inner ^ inner_end  # the step goes down
        m.d.comb += [
            bytes_across.eq(across),
            new_address.eq(Mux(inner_end, address, at.address) + Mux(along, at.step, bytes_across)),
            new_row.eq(
                Mux(inner_end & at.down_inner, row, at.row)
                + Mux(at.down_inner & ~inner_end, at.across, width) * config.dim
            ),
        ]
        m.d.sync += at.row.eq(new_row)
        with m.If(~at.zero):
            m.d.sync += at.address.eq(new_address)
        with m.If(inner_end):
            m.d.sync += [address.eq(new_address), row.eq(new_row)]
