"""Parameters of loop_conv_ws and their checks."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...config import Config
from ...isa import BY_NAME, ErrorCode
from ..fields import field, first_failure, funct
from ..ops import CommandLayout
from .conv_shape import FIELDS, OPTIONS, ConvShape, Sizes
from .settings import Settings


class ConvPlan(data.StructLayout):
    """A convolution that passed its checks; 0 that counts as 1 is 1."""

    def __init__(self, config: Config):
        super().__init__(
            {
                "p": data.StructLayout(FIELDS),
                "o": data.StructLayout(OPTIONS),
                "sizes": Sizes(config),
                "stride": 8,
                "dilation": 10,
                "pixels": 8,
                "channelwise": 1,  # depthwise over many channels
                "a0": config.sp_row_bits,
                "b0": config.sp_row_bits,
                "c0": config.acc_row_bits,
                "has_a": 1,
                "has_b": 1,
                "loads_bias": 1,
                "overwrites": 1,  # the first tap does, instead of zeros as bias
                "waits": 3,  # A, B, D share rows with the loop before
            }
        )


class ConvPlanner(wiring.Component):
    """Collects loop_conv_ws's parameters; the command becomes a plan, an error, or nothing.

    Parameters take one cycle each, unless a plan stands; loop_conv_ws takes as long as its
    products (:class:`ConvShape`).

    Members
    -------
    i : In(stream(CommandLayout))
        Commands of the group loop_conv.
    settings : In(Settings)
    sp_half, acc_half : In(1)
        The halves that come next.
    occupied, others : In(1)
        The plan is in use; earlier loops are (they pool, but leave no pooling behind).
    accept : Out(1), plan : Out(ConvPlan)
        loop_conv_ws leaves with a plan that stands until the next command is taken.
    code : Out(ErrorCode)
        Why it leaves without one, in the cycle in which it is taken.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(CommandLayout())),
                "settings": In(Settings()),
                "sp_half": In(1),
                "acc_half": In(1),
                "occupied": In(1),
                "others": In(1),
                "accept": Out(1),
                "plan": Out(ConvPlan(config)),
                "code": Out(ErrorCode),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.shape = self.shape = shape = ConvShape(self.config)
        p, o = Signal(data.StructLayout(FIELDS)), Signal(data.StructLayout(OPTIONS))
        self.p, self.o, self.pools = p, o, Signal()
        is_go, runs, checked, verdict = Signal(), Signal(), Signal(), Signal(ErrorCode)
        none = Cat(
            getattr(p, name) == 0
            for name in ("batches", "orows", "ocols", "pochs", "krows", "kcols", "kchs")
        ).any()
        m.d.comb += [
            is_go.eq(self.i.p.funct == funct("loop_conv_ws")),
            shape.start.eq(self.i.valid & is_go & ~self.occupied & ~runs),
            self.i.ready.eq(~self.occupied & (~is_go | checked)),
            shape.parameters.eq(p),
            shape.options.eq(o),
        ]
        m.d.sync += checked.eq(runs & shape.done & ~checked)
        with m.If(shape.start):
            m.d.sync += [runs.eq(1), self.pools.eq(self.settings.pooling & ~self.others)]
            m.d.sync += [
                getattr(o, name).eq(field(self.i.p, "loop_conv_ws", name)) for name in OPTIONS
            ]
        self._collect(m)
        self._check(m, verdict, none)
        self._plan(m)
        with m.If(checked):
            m.d.sync += runs.eq(0)
            m.d.comb += [
                self.code.eq(verdict),
                self.accept.eq((verdict == ErrorCode.NONE) & ~none),
            ]
        return m

    def _collect(self, m: Module):
        """Keep what the configuration commands bring."""
        for name, spec in BY_NAME.items():
            if name.startswith("loop_conv_ws_config_"):
                with m.If(self.i.valid & self.i.ready & (self.i.p.funct == spec.funct)):
                    m.d.sync += [
                        getattr(self.p, f.name).eq(field(self.i.p, name, f.name))
                        for f in spec.fields
                        if f.name in FIELDS
                    ]

    def _check(self, m: Module, verdict, none):
        """When the products are there: which of the checks fails first."""
        config, p, o, shape = self.config, self.p, self.o, self.shape
        pixels, sizes = shape.pixels > 1, shape.sizes
        self.halves = Signal(2)
        for n, x in enumerate("ab"):
            spad_id = getattr(o, f"{x}_spad_id")
            m.d.comb += self.halves[n].eq(Mux(spad_id == 0, self.sp_half, spad_id[1]))
        both = Signal(len(sizes.a_rows) + 1)
        m.d.comb += both.eq(sizes.a_rows + sizes.b_rows)
        full = (self.halves[0] == self.halves[1]) & (both > config.sp_rows // 2)
        pads = Cat(getattr(p, name).any() for name in ("upad", "dpad", "lpad", "rpad")).any()
        shrinks = o.downsample & ((p.stride != 2) | (p.krows != 1) | (p.kcols != 1) | pads)
        odd = o.rotate | o.downsample | o.input_dilated | o.input_3120 | o.weights_0132
        odd |= shape.dilation != 1
        layouts = o.input_dilated | o.downsample | o.rotate | o.transpose_output
        layouts |= o.weights_0132 | o.input_3120
        threes = Cat(getattr(p, name) == 3 for name in ("krows", "kcols", "kernel")).all()
        lines = threes & (p.pochs == p.kchs) & ~pixels & (shape.dilation == 1) & ~layouts
        transposed = o.input_3120 | o.weights_0132
        turns = config.dw_lines == 3 and config.transposes
        builds_lines = Mux(o.weights_1203, config.dw_lines > 0, turns)
        code = Signal(ErrorCode)
        first_failure(
            m,
            code,
            (o.a_spad_id.all() | o.b_spad_id.all() | self.pools, ErrorCode.BAD_CONFIG),
            (o.activation > 1, ErrorCode.NOT_SUPPORTED),
            (o.input_dilated & ((shape.stride != 1) | o.downsample), ErrorCode.BAD_CONFIG),
            (shrinks, ErrorCode.BAD_CONFIG),
            (shape.packs_much, ErrorCode.BAD_SIZE),
            (pixels & (not config.first_layer), ErrorCode.NOT_SUPPORTED),
            (~o.no_pool & (not config.pooling), ErrorCode.NOT_SUPPORTED),
            (transposed & (not config.transposes), ErrorCode.NOT_SUPPORTED),
            (o.input_3120 & o.weights_0132, ErrorCode.BAD_CONFIG),
            (pixels & odd, ErrorCode.BAD_CONFIG),
            (shape.channelwise & ~builds_lines, ErrorCode.NOT_SUPPORTED),
            (shape.channelwise & ~lines, ErrorCode.BAD_CONFIG),
            (none, ErrorCode.NONE),
            (shape.large | full, ErrorCode.BAD_SIZE),
        )
        m.d.sync += verdict.eq(code)

    def _plan(self, m: Module):
        config, plan, o, p, shape = self.config, self.plan, self.o, self.p, self.shape
        half = config.sp_rows // 2
        rows = {"a": len(shape.sizes.a_rows), "b": len(shape.sizes.b_rows)}
        before = Signal(data.StructLayout({"any": 1, "halves": 2, "acc": 1, **rows}))
        ours = Signal(data.StructLayout({"halves": 2, "acc": 1, "waits": 3}))
        a, b = shape.sizes.a_rows, shape.sizes.b_rows
        meets = (  # A and B of this loop with A and B of the loop before, in the same half
            (1, a + before.b > half),
            (before.a + b > half, 1),
        )
        shares = [
            Cat((before.halves[n] == self.halves[x]) & meets[x][n] for n in (0, 1)).any()
            for x in (0, 1)
        ]
        with m.If(shape.start):
            m.d.sync += ours.acc.eq(self.acc_half)
        with m.If(~self.occupied):
            m.d.sync += [
                ours.halves.eq(self.halves),
                ours.waits.eq(Cat(Cat(shares) & before.any.replicate(2), before.acc == ours.acc)),
            ]
        with m.If(self.accept):
            m.d.sync += [
                before.any.eq(1),
                before.halves.eq(ours.halves),
                before.acc.eq(ours.acc),
                before.a.eq(a),
                before.b.eq(b),
            ]
        fixed = Cat(getattr(o, f"{x}_spad_id").any() for x in "ab")
        m.d.comb += [
            plan.p.eq(p),
            plan.o.eq(o),
            plan.sizes.eq(shape.sizes),
            plan.stride.eq(shape.stride),
            plan.dilation.eq(shape.dilation),
            plan.pixels.eq(shape.pixels),
            plan.channelwise.eq(shape.channelwise),
            plan.a0.eq(Mux(ours.halves[0], half, 0)),
            plan.b0.eq(Mux(ours.halves[1], 2 * half, half) - shape.sizes.b_rows),
            plan.c0.eq(Mux(ours.acc, config.acc_rows // 2, 0)),
            plan.has_a.eq(~fixed[0] | (p.input != 0)),
            plan.has_b.eq(~fixed[1] | (p.weights != 0)),
            plan.overwrites.eq((p.bias != 0) & o.no_bias & ~o.input_dilated),
            plan.loads_bias.eq((p.bias != 0) & ~plan.overwrites),
            plan.waits.eq(ours.waits),
        ]
