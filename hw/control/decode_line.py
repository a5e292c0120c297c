"""What the decoder makes of compute_depthwise: one op per line of outputs."""

from amaranth.hdl import Cat, Module, Mux, Signal

from ..array.lines import TAPS
from ..array.pe import clears
from ..isa import ErrorCode
from .fields import LocalView, field, near
from .ops import LINE_MOST, Dispatch


class LineCommands:
    """The handler of compute_depthwise; a part of :class:`.decoder.Decoder`.

    Its product in the first stage is (outputs - 1) · C stride, that of the preload in force.
    """

    def _line_product(self, command):
        """Factors of that product."""
        return field(command, "compute_depthwise", "outputs") - 1, self.c.stride

    def _depthwise(self, m: Module):
        config, get = self.config, self._get("compute_depthwise")
        a = LocalView(config, get("a_addr"))
        mask = get("lines")[: config.dw_lines]
        width, outputs, stride = get("width"), get("outputs"), get("line_stride")
        firsts = [a.row] + [Signal(self.wide, name=f"line{n}") for n in range(1, config.dw_lines)]
        a_last, c_last = Signal(self.wide), self._last(m, self.c.row, "c_last")
        reads, writes = mask.any() & (width != 0), self.c.named & (outputs != 0)
        m.d.comb += [
            first.eq(a.row + near(config, stride) * n) for n, first in enumerate(firsts) if n
        ]
        for n, first in enumerate(firsts):
            with m.If(mask[n]):
                m.d.comb += a_last.eq(first + width[:10] - 1)
        beyond = self._kept(writes, "line_writes") & self._outside(self.c, c_last)
        early_meets = reads & writes & ~self.c.acc & (self.c.row <= a_last)
        meets = self._kept(early_meets, "line_meets") & (a.row <= c_last)
        most = LINE_MOST
        sizes = Cat(outputs > most, width > most, get("stride") == 0)
        self._check(
            m,
            (sizes.any(), ErrorCode.BAD_SIZE),
            (a.garbage | a.acc, ErrorCode.BAD_ADDRESS),
            (reads & self._outside(a, a_last), ErrorCode.BAD_ADDRESS),
            late=[(beyond, ErrorCode.BAD_ADDRESS), (meets, ErrorCode.OVERLAP)],
        )
        k = Signal(range(config.dim + 1))
        m.d.comb += k.eq(Mux(get("keep"), self.resident, self.b.rows))
        with m.If(self.finish & self.good):
            m.d.sync += self.resident.eq(k)
        self._line_op(m, get, firsts, mask, k, writes)
        spans, load = self.o.p.reads, self.o.p.op.execute.load_weights & (k != 0)
        self._span(m, spans[0], reads & writes & (k != 0), 0, a.row, a_last)
        self._span(m, spans[1], load, 0, self.b.row, self.b.last)
        self._span(m, self.o.p.write, writes, self.c.acc, self.c.row, c_last)

    def _line_op(self, m: Module, get, firsts, mask, k, writes):
        """The op: only the pixels that its outputs need, no lines if all weights are zeros."""
        config, op = self.config, self.o.p.op.execute
        step, left = get("stride"), get("left")
        sum_of_steps, pixels = Signal(14), Signal(14)
        steps = self._kept(sum_of_steps, "steps")
        gaps, load = (get("outputs") - 1)[:10], ~get("keep") & ((k != 0) | clears(config))
        need = TAPS * config.dw_lines
        os, _, turn_b = self._stationary()
        parts = [Mux(step[n], gaps << n, 0) for n in range(len(step))]
        m.d.comb += [
            sum_of_steps.eq(parts[0] + parts[1] + parts[2] + TAPS),
            pixels.eq(Mux(writes & (steps > left), steps - left, 0)),
        ]
        values = {
            "load_weights": load,
            "k": Mux(k < need, need, k),
            "b_row": self.b.row,
            "b_rows": k,
            "b_cols": self.b.cols,
            "a_rows": Mux(get("width") < pixels, get("width"), pixels),
            "a_cols": config.dim,
            "d_cols": config.dim,
            "c_rows": Mux(writes, get("outputs"), 0),
            "c_cols": self.c.cols,
            "c_row": self.c.row,
            "c_stride": self.c.stride,
            "c_acc": self.c.acc,
            "c_accumulate": self.c.accumulate,
            "relu": self.settings.execute.relu,
            "dw": writes,
            "lines": Mux(k != 0, mask, 0),
            "left": left,
            "step": step,
        }
        rows = ("a_row", "d_row", "x_row")
        values |= dict(zip(rows, firsts, strict=False)) | {"a_stride": 1}
        if config.transposes:
            values |= {"b_turn": turn_b & ~os}
        m.d.comb += [self.o.p.unit.eq(Dispatch.EXECUTE), self.dispatches.eq(load | writes)]
        m.d.comb += [op[name].eq(value) for name, value in values.items()]
