"""What the decoder makes of mvout and mvout_spad: checks, ops and the local rows they touch."""

from amaranth.hdl import Module, Mux, Signal

from ..isa import ErrorCode
from .fields import LocalView, near
from .norm.shapes import Activation
from .ops import Dispatch


class StoreCommands:
    """The handlers of commands of the store unit; a part of :class:`.decoder.Decoder`."""

    def _store_op(self, m: Module, values: dict):
        """Dispatch a StoreOp with these fields and those of config_st; others are 0."""
        op, kept = self.o.p.op.store, self.settings.store
        values = values | {"relu": kept.relu, "index": self.index}
        if self.config.normalisation:
            m.d.comb += [
                op.norm.stat.eq(kept.stat),
                op.norm.activation.eq(Mux(kept.softmax, Activation.SOFTMAX, kept.activation)),
            ]
        if "scale" in op.shape().members:
            values["scale"] = kept.scale
        m.d.comb += self.o.p.unit.eq(Dispatch.STORE)
        m.d.comb += [op[name].eq(value) for name, value in values.items()]

    def _config_norm(self, m: Module):
        """Constants go the way of mvouts, so that they reach the store unit between them."""
        get, op = self._get("config_norm"), self.o.p.op.store
        m.d.comb += [
            self.dispatches.eq(~get("stat_only")),
            self.o.p.unit.eq(Dispatch.STORE),
            op.configures.eq(1),
            op.address.eq(get("igelu_qb")),
            op.stride.eq(get("igelu_qc")),
            op.scale.eq(get("q_const")),
            op.keep.eq(get("q_const_type")),
            op.index.eq(self.index),
        ]

    def _mvout(self, m: Module):
        get, dim, kept = self._get("mvout"), self.config.dim, self.settings.store
        local = LocalView(self.config, get("local"))
        full = local.acc & local.full
        rows, cols = get("rows"), get("cols")
        limit = Mux(full, dim, self.config.max_block_len * dim)
        counts = local.acc & (local.norm != 0)
        some, tall = (rows != 0) & (cols != 0), rows > dim
        whole, block_last = 0, rows[:6] - 1
        in_order, op = 1, self.o.p.op.store
        if self.config.pooling:
            whole = image = Signal()  # reads a whole image, pooled or in one dimension
            pooled = kept.pooling.pool_stride.any()
            m.d.comb += image.eq(~full & ~counts & (pooled | kept.pooling.pool_size.any()))
            m.d.comb += [op.pooled.eq(image & pooled), op.pooling.eq(kept.pooling)]
            limit, tall = Mux(image, dim, limit), tall & ~image
            some = Mux(image, ~kept.nothing & (cols != 0), some)
            block_last = Mux(image, near(self.config, kept.image_rows - 1), block_last)
            rows, in_order = Mux(image, kept.image_rows, rows), ~op.pooled
        last = self._last(m, local.row + block_last, "last", whole)
        m.d.comb += self.dispatches.eq(some)
        beyond = self._kept(some, "mvout_some") & self._outside(local, last)
        self._check(
            m,
            (local.garbage, ErrorCode.BAD_ADDRESS),
            (counts & (not self.config.normalisation), ErrorCode.NOT_SUPPORTED),
            (tall | (cols > limit), ErrorCode.BAD_SIZE),
            late=[(beyond, ErrorCode.BAD_ADDRESS)],
        )
        values = {
            "address": get("address"),
            "stride": kept.stride,
            "rows": rows,
            "cols": cols,
            "acc": local.acc,
            "full": full & ~counts,
            "row": local.row,
        }
        if self.config.normalisation:
            m.d.comb += op.norm.step.eq(Mux(local.acc, local.norm, 0))
        self._store_op(m, values)
        m.d.comb += [self.o.p.in_order.eq(in_order), self.o.p.single.eq(cols <= dim)]
        self._span(m, self.o.p.reads[0], 1, local.acc, local.row, last)

    def _mvout_spad(self, m: Module):
        get, dim = self._get("mvout_spad"), self.config.dim
        source, target = (
            LocalView(self.config, get(name)) for name in ("source_addr", "destination")
        )
        rows, cols, stride = get("source_rows"), get("source_cols"), get("stride")[:16]
        source_last, target_last = Signal(self.wide, name="last"), self._last(m, target.row, "end")
        some, early_meets, same = Signal(), Signal(), Signal()
        special = source.acc & (source.full | (source.norm != 0))
        m.d.comb += [
            some.eq((rows != 0) & (cols != 0)),
            source_last.eq(source.row + rows[:6] - 1),
            early_meets.eq(some & ~same & ~source.acc & (target.row <= source_last)),
            same.eq((source.row == target.row) & (stride == 1)),
            self.dispatches.eq(some),
        ]
        beyond = self._kept(some, "copy_some") & self._outside(target, target_last)
        meets = self._kept(early_meets, "copy_meets") & (source.row <= target_last)
        self._check(
            m,
            (
                source.garbage | target.garbage | target.acc | special,
                ErrorCode.BAD_ADDRESS,
            ),
            ((rows > dim) | (cols > dim), ErrorCode.BAD_SIZE),
            (some & self._outside(source, source_last), ErrorCode.BAD_ADDRESS),
            late=[(beyond, ErrorCode.BAD_ADDRESS), (meets, ErrorCode.OVERLAP)],
        )
        values = {
            "address": target.row,
            "stride": stride,
            "rows": rows,
            "cols": cols,
            "acc": source.acc,
            "row": source.row,
            "local": 1,
        }
        self._store_op(m, values)
        self._span(m, self.o.p.reads[0], 1, source.acc, source.row, source_last)
        self._span(m, self.o.p.write, 1, 0, target.row, target_last)
