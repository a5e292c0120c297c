"""What the configuration commands and preload leave behind for later commands."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..config import Config
from ..isa import ErrorCode, float_bits
from .fields import field, first_failure
from .ops import CommandLayout, Pooling

ONE = float_bits(1.0)
KEEP_SCALE = 0xFFFF_FFFF


def not_finite(scale):
    """Whether a float32 pattern is an infinity or NaN."""
    return scale[23:31].all()


class LoadConfig(data.StructLayout):
    """One of the three sets of load parameters; `more` is the repeats beyond the first."""

    def __init__(self, config: Config):
        lanes = range(config.dim if config.first_layer else 1)
        super().__init__(
            ({"weights": 1} if config.weight_parts > 1 else {})
            | {
                "stride": 32,
                "scale": 32,
                "block_stride": 16,
                "shrunk": 1,
                "lane": lanes,
                "more": lanes,
            }
        )


class ExecuteConfig(data.StructLayout):
    """Strides in rows, and whether results in the scratchpad pass ReLU.

    `os`: output-stationary, with results shifted right by `shift`; `turn_a`, `turn_b`: transposes.
    """

    def __init__(self, config: Config):
        fields = {"a_stride": 16, "c_stride": 16, "relu": 1}
        if config.output_stationary:
            fields |= {"os": 1, "shift": range(config.accumulator.width)}
        if config.transposes:
            fields |= {"turn_a": 1, "turn_b": 1}
        super().__init__(fields)


class StoreConfig(data.StructLayout):
    """Parameters of mvout; `image_rows` are those of the image, `nothing` means one of none."""

    def __init__(self, config: Config):
        fields = {"stride": 32, "scale": 32, "relu": 1}
        if config.pooling:
            fields |= {"pooling": Pooling(), "image_rows": 16, "nothing": 1}
        if config.normalisation:
            fields |= {"stat": 2, "activation": 2, "softmax": 1}
        super().__init__(fields)


class Configuration(wiring.Component):
    """Checks and keeps config_ex, config_ld, config_st and config_norm (docs/semantics.md).

    What config_norm sets beside activation and statistics id is kept by the store unit.

    Members
    -------
    command : In(CommandLayout)
        The command in question; `select` is which of the four configuration commands it is.
    error : Out(ErrorCode)
        Why it cannot be executed, combinational.
    apply : In(1)
        Take it over at the end of the cycle; not while there is an error.
    forget : Out(1), if there are several dataflows or transposes
        A config_ex that makes the preload in force mean something else.
    load, execute, store : Out
        What holds for later commands.
    """

    def __init__(self, config: Config):
        self.config = config
        load = {"scale": ONE, "block_stride": config.dim}
        forget = {"forget": Out(1)} if config.output_stationary or config.transposes else {}
        super().__init__(
            {
                "command": In(CommandLayout()),
                "apply": In(1),
                "error": Out(ErrorCode),
                "load": Out(LoadConfig(config), init=load).array(3),
                "execute": Out(ExecuteConfig(config), init={"a_stride": 1, "c_stride": 1}),
                "store": Out(StoreConfig(config), init={"scale": ONE}),
            }
            | forget
        )

    def elaborate(self, platform):
        m = Module()
        apply = self.apply
        with m.Switch(self.command.rs1[:2]):
            with m.Case(0):
                self._execute(m, apply)
            with m.Case(1):
                self._load(m, apply)
            with m.Case(2):
                self._store(m, apply)
            with m.Default():
                self._norm(m, apply)
        return m

    def _execute(self, m: Module, apply):
        def get(name):
            return field(self.command, "config_ex", name)

        config, kept = self.config, self.execute
        everything = ~get("strides_only")
        os, turn_a, turn_b = ~get("dataflow"), get("transpose_a"), get("transpose_b")
        odd, bad, changed = [], [], []
        with m.If(apply & everything):
            if config.output_stationary:
                bad.append(os & (get("shift") >= config.accumulator.width))
                changed.append(os != kept.os)
                m.d.sync += kept.os.eq(os)
                with m.If(os):
                    m.d.sync += kept.shift.eq(get("shift"))
            else:
                odd.append(os)
            if config.transposes:
                bad.append(Mux(os, turn_b & ~turn_a, turn_a & turn_b))
                changed.append(turn_b != kept.turn_b)
                m.d.sync += [kept.turn_a.eq(turn_a), kept.turn_b.eq(turn_b)]
            else:
                odd += [turn_a, turn_b]
        if not config.normalisation:
            odd.append(get("activation")[1])
        checks = [(everything & reduce(or_, odd, 0), ErrorCode.NOT_SUPPORTED)]
        if bad:
            checks.append((everything & reduce(or_, bad), ErrorCode.BAD_CONFIG))
            m.d.comb += self.forget.eq(everything & reduce(or_, changed))
        first_failure(m, self.error, *checks, (get("c_stride") == 0, ErrorCode.BAD_CONFIG))
        with m.If(apply):
            m.d.sync += [
                self.execute.a_stride.eq(get("a_stride")),
                self.execute.c_stride.eq(get("c_stride")),
                self.execute.relu.eq(
                    Mux(everything, get("activation") == 1, self.execute.relu),
                ),
            ]

    def _load(self, m: Module, apply):
        def get(name):
            return field(self.command, "config_ld", name)

        config = self.config
        unscaled = not config.mvin_scale
        repeats, lane = get("repeats"), get("lane")
        packs = (repeats > 1) | (lane != 0)
        beyond = (repeats > config.dim) | (lane >= config.dim)
        odd = (lane * config.input.width)[:3].any()
        both = (repeats > 1) & (lane != 0)
        weights = get("weights") & (config.weight_parts > 1)
        first_failure(
            m,
            self.error,
            (get("set") == 3, ErrorCode.BAD_CONFIG),
            (packs & (not config.first_layer), ErrorCode.NOT_SUPPORTED),
            (packs & (beyond | odd | both | weights), ErrorCode.BAD_CONFIG),
            (not_finite(get("scale")), ErrorCode.BAD_CONFIG),
            (unscaled & (get("scale") != ONE) & (get("scale") != 0), ErrorCode.NOT_SUPPORTED),
        )
        for n, kept in enumerate(self.load):
            with m.If(apply & (get("set") == n)):
                names = ("stride", "block_stride", "shrunk", "lane")
                names += ("scale",) * config.mvin_scale  # else it is always 1.0
                m.d.sync += [kept[name].eq(get(name)) for name in names]
                m.d.sync += kept.more.eq(Mux(repeats > 1, repeats - 1, 0))
                if config.weight_parts > 1:
                    m.d.sync += kept.weights.eq(weights)

    def _store(self, m: Module, apply):
        def get(name):
            return field(self.command, "config_st", name)

        config, pools = self.config, get("pool_stride").any()
        keep_scale = get("scale") == KEEP_SCALE
        refused = 0 if config.normalisation else get("activation")[1]
        if not config.pooling:
            refused = pools | get("pool_size").any() | refused
        checks = [(refused, ErrorCode.NOT_SUPPORTED)]
        if config.pooling:
            checks.append((pools & (get("pool_size") == 0), ErrorCode.BAD_CONFIG))
        checks.append((not_finite(get("scale")) & ~keep_scale, ErrorCode.BAD_CONFIG))
        if not config.mvout_scale:
            other = (get("scale") != ONE) & ~keep_scale
            checks.append((other, ErrorCode.NOT_SUPPORTED))
        first_failure(m, self.error, *checks)
        with m.If(apply):
            m.d.sync += [
                self.store.stride.eq(get("stride")),
                self.store.relu.eq(get("activation") == 1),
            ]
            if config.mvout_scale:
                with m.If(~keep_scale):
                    m.d.sync += self.store.scale.eq(get("scale"))
        if config.normalisation:
            with m.If(apply):
                m.d.sync += [
                    self.store.activation.eq(get("activation")),
                    self.store.softmax.eq(0),
                ]
        if config.pooling:
            self._pooling(m, apply, get)

    def _norm(self, m: Module, apply):
        def get(name):
            return field(self.command, "config_norm", name)

        if not self.config.normalisation:
            m.d.comb += self.error.eq(ErrorCode.NOT_SUPPORTED)
            return
        first_failure(m, self.error, (get("stat_id") > 3, ErrorCode.BAD_CONFIG))
        with m.If(apply):
            m.d.sync += self.store.stat.eq(get("stat_id"))
            with m.If(~get("stat_only")):
                m.d.sync += self.store.softmax.eq(get("activation_msb"))

    def _pooling(self, m: Module, apply, get):
        """The image that mvout reads, with the one product that its check needs."""
        kept = self.store.pooling
        names = list(kept.shape().members)
        image = Signal(16)
        sizes = [get(name) for name in ("pool_out_rows", "pool_out_cols")]
        unpooled = get("pool_stride").any() & Cat(size == 0 for size in sizes).any()
        m.d.comb += image.eq(get("out_rows") * get("out_cols"))
        with m.If(apply):
            m.d.sync += [kept[name].eq(get(name)) for name in names]
            m.d.sync += [
                self.store.image_rows.eq(image),
                self.store.nothing.eq((image == 0) | unpooled),
            ]
