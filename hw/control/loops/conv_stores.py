"""The output of a convolution as mvouts."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import Out

from ...config import Config
from .conv_loads import CHANNELS, ConvStream, hold, keep, scaled
from .conv_shape import fraction_bits
from .inner import fill, local_address
from .nest import Nest, smaller

KEEP_SCALE = 0xFFFF_FFFF


class ConvStores(ConvStream):
    """The mvouts, the channels outermost; pooled ones between two config_st.

    Members beside those of :class:`ConvStream`
    -------
    moves : Out(1)
        A mvout stands.
    channels, batches : Out
        Output channels and images from that of the mvout on.
    row : Out
        Its local row.
    pooled, dilated : Out(1)
        It takes a whole image; there may be outputs without computes.
    """

    def __init__(self, config: Config):
        super().__init__(
            config,
            moves=Out(1),
            channels=Out(CHANNELS),
            batches=Out(config.acc_row_bits),
            row=Out(config.acc_row_bits),
            pooled=Out(1),
            dilated=Out(1),
        )

    def elaborate(self, platform):
        m = Module()
        config, plan, dim, take = self.config, self.plan, self.config.dim, self.take
        acc, fraction = config.acc_row_bits, fraction_bits(config)
        m.submodules.nest = nest = Nest(
            {"och": CHANNELS, "b": acc, "orow": acc, "ocol": acc},
            {
                "row": (acc, "och b orow ocol"),
                "memory": (32 + fraction, "och b orow ocol"),
            },
        )
        p, o, sizes = plan.p, plan.o, plan.sizes
        pooled = keep(m, take, ~o.no_pool, "keeps_pooled")
        has = p.output != 0
        turned = o.transpose_output & o.no_pool
        hop, row = nest.hop.memory, nest.hop.row
        for target, value in (
            (nest.count.och, p.pochs),
            (nest.count.b, p.batches),
            (nest.count.orow, Mux(o.no_pool, p.orows, 1)),
            (nest.count.ocol, Mux(o.no_pool, p.ocols, 1)),
            (nest.origin.row, plan.c0),
            (nest.origin.memory, p.output << fraction),
            (row.och, sizes.outs),
            (row.b, sizes.out_line),
            (row.orow, p.ocols),
            (hop.b, scaled(config, Mux(turned, p.out_channels, sizes.out_image))),
            (hop.orow, scaled(config, Mux(turned, sizes.out_image, sizes.out_row))),
            (
                hop.ocol,
                scaled(config, Mux(turned, sizes.out_row, p.out_stride) * dim),
            ),
        ):
            hold(m, take, target, value)
        m.d.comb += [
            nest.step.och.eq(dim),
            nest.step.b.eq(1),
            nest.step.orow.eq(1),
            nest.step.ocol.eq(dim),
            row.ocol.eq(dim),
            hop.och.eq(scaled(config, dim)),
            self.channels.eq(nest.left.och),
            self.batches.eq(nest.left.b),
            self.row.eq(nest.at.row),
            self.pooled.eq(pooled),
            self.dilated.eq(keep(m, take, o.input_dilated, "keeps_dilated")),
        ]
        opens, closes, begins = self.opens, Signal(), Signal()
        m.d.comb += [
            self.busy.eq(opens | begins | nest.busy | closes),
            self.moves.eq(nest.valid),
            self.valid.eq(opens | nest.valid | (closes & ~nest.busy & ~begins)),
            nest.start.eq(begins),
            nest.next.eq(self.next & nest.valid),
        ]
        m.d.sync += begins.eq((take & has & o.no_pool) | (opens & self.next))
        with m.If(take & has & ~o.no_pool):
            m.d.sync += [opens.eq(1), closes.eq(1)]
        with m.If(opens & self.next):
            m.d.sync += opens.eq(0)
        with m.If(closes & ~opens & ~begins & ~nest.busy & self.next):
            m.d.sync += closes.eq(0)
        self._command(m, nest, opens)
        return m

    def _command(self, m: Module, nest, opens):
        config, dim, take, p = self.config, self.config.dim, self.take, self.plan.p
        fraction = fraction_bits(config)
        if config.pooling:
            stride = scaled(config, p.out_stride)[fraction:]
            names = {
                "pool_stride": (p.pool_stride, 2),
                "pool_size": (p.pool_size, 2),
                "upper_pad": (p.pupad, 2),
                "left_pad": (p.plpad, 2),
                "pool_out_dim": (p.pool_out_cols, 8),
                "pool_out_rows": (p.porows, 8),
                "pool_out_cols": (p.pocols, 8),
                "out_rows": (p.orows, 8),
                "out_cols": (p.ocols, 8),
            }
            values = {
                name: keep(m, take, value[:bits], f"keeps_{name}")
                for name, (value, bits) in names.items()
            }
            values = {name: Mux(opens, value, 0) for name, value in values.items()}
            common = {
                "activation": keep(m, take, self.plan.o.activation[:2], "activation"),
                "stride": keep(m, take, stride, "stride"),
                "scale": KEEP_SCALE,
            }
            with m.If(~nest.valid):
                m.d.comb += fill(self.command, "config_st", **common, **values)
        with m.If(nest.valid):
            m.d.comb += fill(
                self.command,
                "mvout",
                address=nest.at.memory[fraction:],
                local=local_address(nest.at.row, acc=1),
                rows=Mux(self.pooled, 0, smaller(nest.left.ocol, dim)),
                cols=smaller(nest.left.och, dim),
            )
