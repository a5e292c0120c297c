"""What the decoder makes of mvin and mvout: checks, ops and the local rows they touch."""

from amaranth.hdl import Module, Mux, Signal

from ..isa import ErrorCode, Local
from .fields import LocalView, first_failure
from .ops import Dispatch


class MoveCommands:
    """The handlers of commands that move rows; a part of :class:`.decoder.Decoder`."""

    def _move(self, m: Module, get, blocks: int, full, extra=()):
        """Checks and addresses that mvin and mvout have in common; the last local row."""
        dim = self.config.dim
        local = LocalView(get("local"))
        rows, cols = get("rows"), get("cols")
        last = Signal(Local.ROW_BITS + 2)
        limit = Mux(full, blocks * dim, self.config.max_block_len * dim)
        some = (rows != 0) & (cols != 0)
        m.d.comb += [last.eq(local.row + self.distance + rows[:6] - 1), self.dispatches.eq(some)]
        first_failure(
            m,
            self.code,
            (local.garbage, ErrorCode.BAD_ADDRESS),
            *extra,
            ((rows > dim) | (cols > limit), ErrorCode.BAD_SIZE),
            (some & self._outside(local, last), ErrorCode.BAD_ADDRESS),
        )
        return local, rows, cols, last

    def _mvin(self, m: Module, kind: str, which: int):
        get = self._get(kind)
        kept = self.settings.load[which]
        wide = LocalView(get("local")).acc & ~kept.shrunk
        local, rows, cols, last = self._move(m, get, self.config.max_block_len_acc, wide)
        op = self.o.p.op.load
        values = {
            "address": get("address"),
            "zero": get("address") == 0,
            "stride": kept.stride,
            "rows": rows,
            "cols": cols,
            "acc": local.acc,
            "accumulate": local.acc & local.accumulate,
            "wide": wide,
            "row": local.row,
            "block_stride": kept.block_stride,
            "scale": kept.scale,
            "index": self.index,
        }
        m.d.comb += self.o.p.unit.eq(Dispatch.LOAD)
        m.d.comb += [op[name].eq(value) for name, value in values.items()]
        self._span(m, self.o.p.write, 1, local.acc, local.row, last)

    def _mvout(self, m: Module):
        get = self._get("mvout")
        local = LocalView(get("local"))
        full = local.acc & local.full
        normalises = (local.acc & (local.norm != 0), ErrorCode.NOT_SUPPORTED)
        local, rows, cols, last = self._move(m, get, 1, full, extra=(normalises,))
        kept = self.settings.store
        op = self.o.p.op.store
        values = {
            "address": get("address"),
            "stride": kept.stride,
            "rows": rows,
            "cols": cols,
            "acc": local.acc,
            "full": full,
            "relu": kept.relu,
            "row": local.row,
            "scale": kept.scale,
            "index": self.index,
        }
        m.d.comb += [
            self.o.p.unit.eq(Dispatch.STORE),
            self.o.p.in_order.eq(1),
            self.o.p.single.eq(cols <= self.config.dim),
        ]
        m.d.comb += [op[name].eq(value) for name, value in values.items()]
        self._span(m, self.o.p.reads[0], 1, local.acc, local.row, last)
