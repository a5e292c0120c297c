"""What the decoder makes of mvin: the chosen set, lanes and copies, and the count of blocks."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..isa import ErrorCode
from .fields import LocalView, field, funct
from .ops import Dispatch

MVIN_SETS = ("mvin", "mvin2", "mvin3")


class Blocks(wiring.Component):
    """How many blocks of `dim` columns follow the first, of at most `most` altogether.

    In the same cycle if `dim` is a power of two; otherwise a division by comparisons, that takes
    a second cycle for more than `QUICK` blocks. More columns than fit in `most` give any count.

    Members
    -------
    cols : In(17)
        At least 1 (0 gives any count); stands until `take`.
    valid, ready, take : In(1), Out(1), In(1)
        A count is wanted, it is there, and it was used.
    count : Out(range(most))
    """

    QUICK = 8

    def __init__(self, dim: int, most: int):
        self.dim = dim
        self.most = most
        super().__init__(
            {
                "cols": In(17),
                "valid": In(1),
                "ready": Out(1),
                "take": In(1),
                "count": Out(range(most)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        dim, quick = self.dim, self.QUICK
        if dim & (dim - 1) == 0:
            before = Signal.like(self.cols)
            m.d.comb += [before.eq(self.cols - 1), self.ready.eq(1)]
            m.d.comb += self.count.eq(before[dim.bit_length() - 1 :])
        elif self.most <= quick:
            m.d.comb += [self.ready.eq(1), self.count.eq(search(self.cols, dim, self.most))]
        else:
            second = Signal()  # whole groups of blocks are taken off
            size, most = quick * dim, -(-self.most // quick)
            groups = Signal(range(most))
            rest = Signal(range(size + 1))
            many = self.cols > size
            m.d.comb += [
                self.ready.eq(~many | second),
                self.count.eq(
                    Mux(second, quick * groups, 0)
                    + search(Mux(second, rest, self.cols), dim, quick)
                ),
            ]
            m.d.sync += [
                second.eq(self.valid & many & ~self.take),
                groups.eq(search(self.cols, size, most)),
                rest.eq(self.cols - search(self.cols, size, most, size)),
            ]
        return m


def search(cols, size: int, most: int, step: int = 1):
    """How many blocks of `size` follow the first, times `step`: a balanced tree of comparisons."""

    def between(low, high):
        if low == high:
            return Const(low * step)
        middle = (low + high) // 2
        beyond = cols > (middle + 1) * size
        return Mux(beyond, between(middle + 1, high), between(low, middle))

    return between(0, most - 1)


class LoadCommands:
    """The handlers of mvin, mvin2 and mvin3; a part of :class:`.decoder.Decoder`."""

    def _chosen(self, m: Module, command):
        """The load parameters that a mvin uses."""
        kept = Signal.like(self.settings.load[0])
        with m.Switch(command.funct):
            for n, kind in enumerate(MVIN_SETS):
                with m.Case(funct(kind)):
                    m.d.comb += kept.eq(self.settings.load[n])
        return kept

    def _lane(self, kept, local):
        """The first lane: counts for elements of input width only."""
        return Mux(local.acc & ~kept.shrunk, 0, kept.lane)

    def _count_blocks(self, m: Module, valid, take):
        """Count and distance of the blocks of a mvin that arrives, and whether they are known."""
        most = self.config.max_load_blocks
        m.submodules.blocks = blocks = Blocks(self.config.dim, most)
        kept = self._chosen(m, self.i.p)
        local = LocalView(self.config, field(self.i.p, "mvin", "local"))
        moves = Cat(self.i.p.funct == funct(kind) for kind in MVIN_SETS).any()
        m.d.comb += [
            blocks.cols.eq(field(self.i.p, "mvin", "cols") + self._lane(kept, local)),
            blocks.valid.eq(valid & moves),
            blocks.take.eq(take),
        ]
        return blocks.count, kept.block_stride, blocks.ready | ~moves

    def _mvin(self, m: Module):
        config, get = self.config, self._get("mvin")
        kept = self._chosen(m, self.command)
        local = LocalView(config, get("local"))
        wide = local.acc & ~kept.shrunk
        cols = get("cols")
        dim = config.dim
        limit = Mux(wide, dim * config.max_load_blocks_acc, dim * config.max_load_blocks)
        lane = Signal.like(kept.lane)
        more = Signal.like(kept.more)
        top = Signal(range(dim**2))  # first lane of the last copy
        m.d.comb += [
            lane.eq(self._lane(kept, local)),
            more.eq(Mux(local.acc, 0, kept.more)),
            top.eq(cols[: dim.bit_length()] * more),
        ]
        crowded = (more != 0) & ((cols > dim) | (top + cols > dim))
        rows, some = get("rows"), (get("rows") != 0) & (cols != 0)
        last = self._last(m, local.row + rows[:6] - 1, "last")
        m.d.comb += self.dispatches.eq(some)
        beyond = self._kept(some, "mvin_some") & self._outside(local, last)
        self._check(
            m,
            (local.garbage, ErrorCode.BAD_ADDRESS),
            ((rows > dim) | (cols + lane > limit) | crowded, ErrorCode.BAD_SIZE),
            late=[(beyond, ErrorCode.BAD_ADDRESS)],
        )
        values = {
            "address": get("address"),
            "zero": get("address") == 0,
            "stride": kept.stride,
            "rows": rows,
            "cols": cols,
            "lane": Mux(more == 0, lane, top),
            "more": more,
            "acc": local.acc,
            "accumulate": local.acc & local.accumulate,
            "wide": wide,
            "row": local.row,
            "block_stride": kept.block_stride,
            "scale": kept.scale,
            "index": self.index,
        }
        if config.weight_parts > 1:
            values["weights"] = kept.weights & ~local.acc
        op = self.o.p.op.load
        m.d.comb += self.o.p.unit.eq(Dispatch.LOAD)
        m.d.comb += [op[name].eq(value) for name, value in values.items()]
        first = self._first_copy(m, local.row, more)
        self._span(m, self.o.p.write, 1, local.acc, first, last)

    def _first_copy(self, m: Module, row, more):
        """The first local row that copies of pixels reach: not beyond the half's start."""
        if not self.config.first_layer:
            return row
        half = self.config.sp_row_bits - 1
        first = Signal.like(row)
        m.d.comb += first.eq(Mux(row[:half] < more, row[half:] << half, row - more))
        return first
