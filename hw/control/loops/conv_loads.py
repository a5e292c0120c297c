"""Bias and weights of a convolution as mvins."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...config import Config
from ...isa import float_bits
from ..ops import CommandLayout
from .conv_plan import ConvPlan
from .conv_shape import fraction_bits
from .inner import fill, local_address
from .nest import Nest, smaller

ONE = float_bits(1.0)
CHANNELS = 16
"""Bits of a count of channels."""


def hold(m: Module, take, target, value):
    """Keep a value of the plan while the stream works on it."""
    kept = Signal(target.shape() if hasattr(target, "shape") else len(target))
    with m.If(take):
        m.d.sync += kept.eq(value)
    m.d.comb += target.eq(kept)


def keep(m: Module, take, value, name: str):
    """A register with a value of the plan."""
    kept = Signal(len(value), name=name)
    with m.If(take):
        m.d.sync += kept.eq(value)
    return kept


class ConvStream(wiring.Component):
    """What the streams of a convolution have in common.

    Members
    -------
    take : In(1), plan : In(ConvPlan)
        Begin with this plan; not while `busy`.
    busy : Out(1)
        Commands are left.
    opens : Out(1)
        The stream's first command has not been taken; its place says nothing.
    valid : Out(1), command : Out(CommandLayout), next : In(1)
        A command stands; it is taken.
    """

    def __init__(self, config: Config, **members):
        self.config = config
        super().__init__(
            {
                "take": In(1),
                "plan": In(ConvPlan(config)),
                "busy": Out(1),
                "opens": Out(1),
                "valid": Out(1),
                "command": Out(CommandLayout()),
                "next": In(1),
                **members,
            }
        )

    def _opening(self, m: Module, nest: Nest, has, statements):
        """One configuration command, then the places of `nest`; returns whether it stands."""
        opens = self.opens
        with m.If(self.take & has):
            m.d.sync += opens.eq(1)
        m.d.comb += [
            self.busy.eq(opens | nest.busy),
            self.valid.eq(opens | nest.valid),
            nest.start.eq(opens & self.next),
            nest.next.eq(self.next & ~opens),
        ]
        with m.If(opens):
            m.d.comb += statements
            with m.If(self.next):
                m.d.sync += opens.eq(0)
        return opens


class ConvBias(ConvStream):
    """config_ld and the mvins of the bias, the channels outermost.

    Members beside those of :class:`ConvStream`
    -------
    row : Out
        Local row of the coming mvin; all before it are behind.
    """

    def __init__(self, config: Config):
        super().__init__(config, row=Out(config.acc_row_bits))

    def elaborate(self, platform):
        m = Module()
        config, plan, dim = self.config, self.plan, self.config.dim
        rows, acc = config.acc_row_bits, config.acc_row_bits
        m.submodules.nest = nest = Nest(
            {"och": CHANNELS, "b": acc, "orow": acc, "ocol": acc},
            {"row": (rows, "och b orow ocol"), "memory": (32, "och")},
        )
        p, sizes = plan.p, plan.sizes
        outs = keep(m, self.take, sizes.outs[:rows], "outs")
        out_line = keep(m, self.take, sizes.out_line[:rows], "out_line")
        zero = keep(m, self.take, plan.o.no_bias, "zero")
        for target, value in (
            (nest.count.och, p.pochs),
            (nest.count.b, p.batches),
            (nest.count.orow, p.orows),
            (nest.count.ocol, p.ocols),
            (nest.origin.row, plan.c0),
            (nest.origin.memory, p.bias),
        ):
            hold(m, self.take, target, value)
        m.d.comb += [
            Cat(nest.step.och, nest.step.b, nest.step.orow, nest.step.ocol).eq(
                Cat(Const(dim, CHANNELS), Const(1, acc), Const(1, acc), Const(dim, acc))
            ),
            nest.hop.row.och.eq(outs),
            nest.hop.row.b.eq(out_line),
            nest.hop.row.orow.eq(nest.count.ocol),
            nest.hop.row.ocol.eq(dim),
            nest.hop.memory.och.eq(config.acc_row_bytes),
            self.row.eq(nest.at.row),
        ]
        opens = self._opening(
            m,
            nest,
            plan.loads_bias,
            fill(self.command, "config_ld", set=2, block_stride=outs, scale=ONE),
        )
        with m.If(~opens):
            m.d.comb += fill(
                self.command,
                "mvin3",
                address=Mux(zero, 0, nest.at.memory),
                local=local_address(nest.at.row, acc=1),
                rows=smaller(nest.left.ocol, dim),
                cols=smaller(nest.left.och, dim),
            )
        return m


class ConvWeights(ConvStream):
    """config_ld and the mvins of the weights, the output channels outermost.

    Members beside those of :class:`ConvStream`
    -------
    begins : Out(1)
        No mvin has been taken.
    left : Out
        Output channels from those of the coming mvin on.
    place : Out
        Row of the coming mvin from the first row of its block of channels; with its channels in
        the rows all before it are behind.
    """

    def __init__(self, config: Config):
        super().__init__(config, begins=Out(1), left=Out(CHANNELS), place=Out(config.sp_row_bits))

    def elaborate(self, platform):
        m = Module()
        config, plan, dim = self.config, self.plan, self.config.dim
        rows, most = config.sp_row_bits, config.max_block_len * config.dim
        fraction = fraction_bits(config)
        m.submodules.nest = nest = Nest(
            {"och": CHANNELS, "krow": rows, "kcol": rows, "kch": CHANNELS},
            {
                "row": (rows, "och krow kcol kch"),
                "place": (rows, "krow kcol kch"),
                "memory": (32 + fraction, "och krow kcol kch"),
            },
        )
        o = plan.o
        lines = plan.channelwise & ~o.weights_1203
        swapped = keep(m, self.take, o.weights_0132, "swapped")
        by_line = keep(m, self.take, lines, "by_line")
        filter_rows = keep(m, self.take, plan.sizes.filter[:rows], "filter")
        zero = keep(m, self.take, plan.p.weights == 0, "zero")
        stride = scaled(config, self._stride())[fraction:][:32]
        stride_bytes = keep(m, self.take, stride, "stride")
        for target, value in (*self._local(nest), *self._memory(nest)):
            hold(m, self.take, target, value)
        row = nest.hop.row
        m.d.comb += [
            nest.step.och.eq(Mux(swapped | by_line, dim, most)),
            nest.step.krow.eq(1),
            nest.step.kcol.eq(1),
            nest.step.kch.eq(Mux(swapped, most, dim)),
            nest.hop.place.krow.eq(row.krow),
            nest.hop.place.kcol.eq(row.kcol),
            nest.hop.place.kch.eq(row.kch),
            self.left.eq(nest.left.och),
            self.place.eq(nest.at.place),
        ]
        fields = {"stride": stride_bytes, "block_stride": filter_rows, "scale": ONE}
        configures = fill(self.command, "config_ld", set=1, **fields)
        opens = self._opening(m, nest, plan.has_b, configures)
        with m.If(self.take):
            m.d.sync += self.begins.eq(1)
        with m.Elif(self.next & ~opens):
            m.d.sync += self.begins.eq(0)
        och, kch = (smaller(nest.left.och, dim), smaller(nest.left.kch, dim))
        wide = Mux(swapped, smaller(nest.left.kch, most), smaller(nest.left.och, most))
        with m.If(~opens):
            m.d.comb += fill(
                self.command,
                "mvin2",
                address=Mux(zero, 0, nest.at.memory[fraction:]),
                local=local_address(nest.at.row),
                rows=Mux(swapped | by_line, och, kch),
                cols=Mux(by_line, 9, wide),
            )
        return m

    def _stride(self):
        """Elements from one row of weights to the next in memory."""
        p, o, sizes = self.plan.p, self.plan.o, self.plan.sizes
        swapped = Mux(o.weights_0132, p.in_channels, p.weight_stride)
        plain = Mux(o.weights_1203, sizes.taps, swapped)
        lines = Mux(o.weights_1203, p.out_channels, 9)
        return Mux(o.depthwise, Mux(self.plan.channelwise, lines, 1), plain)

    def _local(self, nest: Nest):
        """How often each loop runs, and how far it goes in the scratchpad."""
        p, o, sizes, lines = self.plan.p, self.plan.o, self.plan.sizes, self.plan.channelwise
        dim, row, turned = self.config.dim, nest.hop.row, lines & ~o.weights_1203
        block = sizes.filter * self.config.max_block_len
        return (
            (nest.count.och, p.pochs),
            (nest.count.krow, Mux(lines, 1, p.krows)),
            (nest.count.kcol, Mux(lines, 1, p.kcols)),
            (nest.count.kch, Mux(lines, Mux(turned, 1, 9), p.kchs)),
            (nest.origin.row, self.plan.b0),
            (row.och, Mux(o.weights_0132 | turned, dim, block)),
            (row.kch, Mux(o.weights_0132, block, dim)),
            (row.krow, sizes.tap_line),
            (row.kcol, Mux(o.weights_0132, p.pochs, p.kchs)),
        )

    def _memory(self, nest: Nest):
        """How far each loop goes in memory, in the layouts that weights may have."""
        config, p, o, sizes = self.config, self.plan.p, self.plan.o, self.plan.sizes
        dim, most, hop = config.dim, config.max_block_len * config.dim, nest.hop.memory
        wide = scaled(config, Const(most))

        def of(depthwise, plain):
            return Mux(o.depthwise, depthwise, plain)

        channel = scaled(config, Mux(o.weights_1203, 1, p.in_channels) * dim)
        och = Mux(o.weights_0132, channel, wide)
        block = Mux(o.weights_1203, scaled(config, sizes.taps * most), wide)
        kch = Mux(o.weights_0132, block, scaled(config, self._stride() * dim))
        channelwise = self.plan.channelwise
        by_line = Mux(o.weights_1203, wide, scaled(config, Const(9 * dim)))
        lines = Mux(channelwise, by_line, 0)
        tap = Mux(channelwise, scaled(config, self._stride() * dim), 0)
        krow = of(p.kernel, Mux(o.weights_1203, sizes.tap, sizes.taps))
        kcol = of(1, Mux(o.weights_1203, p.out_channels, sizes.tap))
        return (
            (nest.origin.memory, p.weights << fraction_bits(config)),
            (hop.och, of(lines, och)),
            (hop.krow, scaled(config, krow)),
            (hop.kcol, scaled(config, kcol)),
            (hop.kch, of(tap, kch)),
        )


def scaled(config: Config, elements):
    """Elements in units of memory addresses (bytes, or fractions of them)."""
    return elements * ((config.input.width << fraction_bits(config)) // 8)
