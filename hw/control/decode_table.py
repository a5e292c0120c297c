"""What the decoder makes of weight_table: an op that brings rows like weights."""

from amaranth.hdl import Module, Signal

from ..isa import ErrorCode
from .fields import LocalView, first_failure, near
from .ops import Dispatch


class TableCommands:
    """The handler of weight_table; a part of :class:`.decoder.Decoder`."""

    def _weight_table(self, m: Module):
        config, get = self.config, self._get("weight_table")
        local, rows = LocalView(config, get("table_addr")), get("table_rows")
        last = Signal(self.wide)
        m.d.comb += last.eq(local.row + near(config, rows - 1))
        first_failure(
            m,
            self.early,
            (local.garbage | local.acc, ErrorCode.BAD_ADDRESS),
            (rows > config.table_rows, ErrorCode.BAD_SIZE),
            ((rows != 0) & self._outside(local, last), ErrorCode.BAD_ADDRESS),
        )
        op = self.o.p.op.execute
        values = {"load_weights": 1, "table": 1, "k": rows, "b_row": local.row}
        values |= {"b_cols": config.dim}
        if config.transposes:
            values |= {"b_rows": rows}
        m.d.comb += [self.o.p.unit.eq(Dispatch.EXECUTE), self.dispatches.eq(rows != 0)]
        m.d.comb += [op[name].eq(value) for name, value in values.items()]
        self._span(m, self.o.p.reads[1], 1, 0, local.row, last)
