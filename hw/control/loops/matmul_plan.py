"""Parameters of loop_ws, their checks, and where the matrices of a loop lie."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...config import Config
from ...isa import ErrorCode
from ..fields import field, first_failure, funct
from ..ops import CommandLayout
from .products import Products
from .settings import Settings
from .tiles import Product
from .walk import Matrix

LAYERNORM, SOFTMAX = 2, 4


class Plan(data.StructLayout):
    """A loop that passed its checks. What is not loaded or stored has its bit off."""

    def __init__(self, config: Config):
        matrix = Matrix(config)
        super().__init__(
            {
                **dict.fromkeys("abdc", matrix),
                **{f"has_{name}": 1 for name in "abdc"},
                **{f"{name}_waits": 1 for name in "abd"},  # shares rows with the loop before
                "product": Product(config),
                **dict.fromkeys(("transpose_a", "transpose_b", "residual", "full_c"), 1),
                "activation": 3,
                **({"c_row_bits": 35} if config.normalisation else {}),
            }
        )


class Flags(data.StructLayout):
    """What loop_ws itself says, and the halves that it leads to."""

    OWN = (
        *("transpose_a", "transpose_b", "residual", "full_c", "accumulate", "low_d"),
        "activation",
    )

    def __init__(self):
        super().__init__(
            {
                **dict.fromkeys(self.OWN, 1),
                "activation": 3,
                "fixed": 2,  # A and B may be there already
                "halves": 2,  # of A and B
                "acc_half": 1,
                "waits": 3,  # of A, B, D
            }
        )


class MatmulPlan(wiring.Component):
    """Collects loop_ws's parameters; a loop_ws command becomes a plan, an error, or nothing.

    Parameters take one cycle each, unless a plan stands; loop_ws takes two when the products of
    its bounds are there: at most as many cycles after the bounds as I and J have bits.

    Members
    -------
    i : In(stream(CommandLayout))
        Commands of the group loop_ws.
    settings : In(Settings)
    sp_half, acc_half : In(1)
        The halves that come next.
    occupied : In(1)
        The plan is in use.
    accept : Out(1), plan : Out(Plan)
        loop_ws leaves with a plan that stands until the next command is taken.
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
                "accept": Out(1),
                "plan": Out(Plan(config)),
                "code": Out(ErrorCode),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        self.acc_tiles = config.acc_rows // 2 // config.dim
        self.sp_tiles = config.sp_rows // 2 // config.dim
        m.submodules.products = self.products = Products(
            self.acc_tiles.bit_length(), self.sp_tiles.bit_length()
        )
        self.address = {name: Signal(32, name=f"{name}_address") for name in "abdc"}
        self.stride = {name: Signal(32, name=f"{name}_stride") for name in "abdc"}
        self.count = {
            name: Signal.like(getattr(self.products, name), name=f"count_{name}") for name in "ijk"
        }
        self.missing = {name: Signal(range(config.dim), name=f"missing_{name}") for name in "ijk"}
        self.none, self.flat, self.nothing = Signal(init=1), Signal(), Signal()
        self.too_large, self.too_deep, self.bad_pad = (
            Signal(name=name) for name in ("too_large", "too_deep", "bad_pad")
        )
        self.flags = Signal(Flags())
        checked, verdict = Signal(), Signal(ErrorCode)
        is_go, goes = Signal(), Signal()
        m.d.comb += [
            is_go.eq(self.i.p.funct == funct("loop_ws")),
            goes.eq(self.i.valid & is_go & ~self.occupied & self.products.done),
            self.i.ready.eq(~self.occupied & (~is_go | checked)),
        ]
        m.d.sync += checked.eq(goes & ~checked)
        self._collect(m)
        halves = self._halves(m, goes & ~checked)
        self._check(m, verdict, halves)
        self._shape(m)
        with m.If(checked):
            m.d.comb += [
                self.code.eq(verdict),
                self.accept.eq((verdict == ErrorCode.NONE) & ~self.nothing),
            ]
        return m

    def _collect(self, m: Module):
        """Keep what the configuration commands bring."""
        taken = self.i.valid & self.i.ready
        for kind, kept in (("addrs", self.address), ("strides", self.stride)):
            for pair in ("ab", "dc"):
                name = f"loop_ws_config_{kind}_{pair}"
                with m.If(taken & (self.i.p.funct == funct(name))):
                    m.d.sync += [kept[x].eq(field(self.i.p, name, x)) for x in pair]

        def bound(name):
            return field(self.i.p, "loop_ws_config_bounds", name)

        products = self.products
        m.d.comb += [getattr(products, name).eq(bound(name)) for name in "ijk"]
        m.d.comb += products.start.eq(taken & (self.i.p.funct == funct("loop_ws_config_bounds")))
        with m.If(products.start):
            pads = {name: bound(f"pad_{name}") for name in "ijk"}
            m.d.sync += [
                self.too_large.eq(Cat(bound(name) > self.acc_tiles for name in "ij").any()),
                self.too_deep.eq(bound("k") > self.sp_tiles),
                self.none.eq(Cat(bound(name) == 0 for name in "ij").any()),
                self.flat.eq(bound("k") == 0),
                self.bad_pad.eq(Cat(pad >= self.config.dim for pad in pads.values()).any()),
                *(self.missing[name].eq(pad) for name, pad in pads.items()),
                *(self.count[name].eq(bound(name)) for name in "ijk"),
            ]

    def _halves(self, m: Module, goes):
        """Keep what loop_ws says; which halves its operands lie in, before the clock."""
        go = field_of(self.i.p)
        halves, before = Signal(2), Signal(data.StructLayout({"sp": 2, "halves": 2, "acc": 1}))
        for n, x in enumerate("ab"):
            spad_id = go(f"{x}_spad_id")
            m.d.comb += halves[n].eq(Mux(spad_id == 0, self.sp_half, spad_id[1]))
        same_acc = before.acc == self.acc_half
        used = [Cat((before.halves[n] == halves[x]) & before.sp for n in (0, 1)) for x in (0, 1)]
        residual = go("residual")
        with m.If(goes):
            m.d.sync += [getattr(self.flags, name).eq(go(name)) for name in Flags.OWN]
            m.d.sync += [
                self.flags.halves.eq(halves),
                self.flags.acc_half.eq(self.acc_half),
                self.flags.fixed.eq(Cat(go(f"{x}_spad_id").any() for x in "ab")),
                self.flags.waits.eq(
                    Cat(*(Mux(residual, same_acc, bits.any()) for bits in used), same_acc)
                ),
            ]
        with m.If(self.accept):
            m.d.sync += [
                before.sp.eq(~self.flags.residual),
                before.halves.eq(self.flags.halves),
                before.acc.eq(self.flags.acc_half),
            ]
        return halves

    def _check(self, m: Module, verdict, halves):
        """In the cycle before loop_ws is taken: which of its checks fails first."""
        config, go, products, settings = (
            self.config,
            field_of(self.i.p),
            self.products,
            self.settings,
        )
        ids = (go("a_spad_id"), go("b_spad_id"))
        activation, a, b = go("activation"), go("transpose_a"), go("transpose_b")
        normal = (activation == LAYERNORM) | (activation == SOFTMAX)
        odd = settings.packed | settings.strided | settings.pooling
        both, deep, large = Signal(len(products.ik) + 1), Signal(), Signal()
        m.d.comb += [
            both.eq(products.ik + products.kj),
            deep.eq(
                (products.ik > self.sp_tiles)
                | (products.kj > self.sp_tiles)
                | ((halves[0] == halves[1]) & (both > self.sp_tiles))
                | self.too_deep
            ),
            large.eq(self.too_large | (products.ij > self.acc_tiles)),
            self.nothing.eq(self.none | (self.flat & ~go("residual"))),
        ]
        code = Signal(ErrorCode)
        first_failure(
            m,
            code,
            (ids[0].all() | ids[1].all() | odd, ErrorCode.BAD_CONFIG),
            (
                (activation > SOFTMAX) | (normal & (not config.normalisation)),
                ErrorCode.NOT_SUPPORTED,
            ),
            ((a | b) & (not config.transposes), ErrorCode.NOT_SUPPORTED),
            (Mux(settings.weight_stationary, a & b, b & ~a), ErrorCode.BAD_CONFIG),
            (self.nothing, ErrorCode.NONE),
            (self.bad_pad | large | (deep & ~go("residual")), ErrorCode.BAD_SIZE),
        )
        m.d.sync += verdict.eq(code)

    def _shape(self, m: Module):
        """The plan, from the parameters and what loop_ws itself says."""
        config, plan, flags = self.config, self.plan, self.flags
        settings, ws = self.settings, self.settings.weight_stationary
        half, c0 = config.sp_rows // 2, Signal(plan.c.row.shape())
        a0, b0 = Signal(config.sp_row_bits), Signal(config.sp_row_bits)
        m.d.comb += [
            c0.eq(Mux(flags.acc_half, config.acc_rows // 2, 0)),
            a0.eq(Mux(flags.halves[0], half, 0)),
            b0.eq(Mux(flags.halves[1], 2 * half, half) - self.products.kj * config.dim),
        ]
        residual = flags.residual
        ta, tb = flags.transpose_a & ~residual, flags.transpose_b & ~residual
        axes = {  # rows of tiles, tiles in a row
            "a": self._axes(m, "a", ("i", "k"), ta, residual),
            "b": self._axes(m, "b", ("k", "j"), tb, residual),
            "d": self._axes(m, "d", ("i", "j"), 0, 0),
        }
        axes["c"] = axes["d"]
        down_inner = {"a": ws ^ ta, "b": Mux(residual, ws, ~ws ^ tb), "d": ws, "c": ws}
        rows = {"a": Mux(residual, c0, a0), "b": Mux(residual, c0, b0), "d": c0, "c": c0}
        blocks, shrunk = settings.blocks, settings.shrunk
        side = {
            "a": blocks[0] & (shrunk[0] | ~residual),
            "b": blocks[1] & (shrunk[1] | ~residual),
            "d": blocks[2] & (shrunk[2] == flags.low_d),
            "c": 0,
        }
        wide = {"a": 0, "b": 0, "d": ~flags.low_d, "c": flags.full_c}
        for name in "abdc":
            matrix, stride = getattr(plan, name), self.stride[name]
            step = stride * config.row_bytes
            if name in "dc":
                step = Mux(wide[name], stride * config.acc_row_bytes, step)
            m.d.comb += [
                matrix.address.eq(self.address[name]),
                matrix.step.eq(step),
                matrix.zero.eq((self.address[name] == 0) if name in "ab" else 0),
                matrix.wide.eq(wide[name]),
                matrix.side.eq(side[name]),
                *(getattr(matrix, key).eq(value) for key, value in axes[name].items()),
                matrix.down_inner.eq(down_inner[name]),
                matrix.row.eq(rows[name]),
            ]
        there = Cat(flags.fixed[n] & (self.address[x] == 0) for n, x in enumerate("ab"))
        m.d.comb += [
            plan.has_a.eq(residual | ~there[0]),
            plan.has_b.eq(residual | ~there[1]),
            plan.has_d.eq(~residual & (self.address["d"] != 0)),
            plan.has_c.eq(self.address["c"] != 0),
            Cat(plan.a_waits, plan.b_waits, plan.d_waits).eq(flags.waits),
            *(
                getattr(plan, name).eq(getattr(flags, name))
                for name in ("transpose_a", "transpose_b", "residual", "full_c", "activation")
            ),
        ]
        if config.normalisation:
            full, narrow = (
                self.stride["c"] * fmt.width for fmt in (config.accumulator, config.input)
            )
            m.d.comb += plan.c_row_bits.eq(Mux(flags.full_c, full, narrow))
        self._product(m, a0, b0, c0)

    def _axes(self, m: Module, name: str, axes, transposed, residual):
        """Counts and missing rows of the last tiles of a matrix, down and across."""
        down, across = axes
        out = {}
        for key, mine, other, plain in (("down", down, across, "i"), ("across", across, down, "j")):
            for table, what in ((self.count, ""), (self.missing, "_pad")):
                value = Mux(residual, table[plain], Mux(transposed, table[other], table[mine]))
                out[key + what] = Signal(
                    max(len(table["i"]), len(table["k"])), name=f"{name}_{key}{what}"
                )
                m.d.comb += out[key + what].eq(value)
        return out

    def _product(self, m: Module, a0, b0, c0):
        """The computes of the plan."""
        product, plan, flags = self.plan.product, self.plan, self.flags
        ws = self.settings.weight_stationary
        operands = {}
        for name, row in (("a", a0), ("b", b0), ("c", c0)):
            matrix = getattr(plan, name)
            operands[name] = (row, matrix.across, matrix.down_inner)
        i, j, k = (self.count[name] for name in "ijk")
        m.d.comb += [
            product.counts.outer.eq(Mux(ws, k, i)),
            product.counts.middle.eq(j),
            product.counts.inner.eq(Mux(ws, i, k)),
            product.accumulate.eq(flags.accumulate),
            product.weight_stationary.eq(ws),
            *(product.missing[n].eq(self.missing[name]) for n, name in enumerate("ijk")),
        ]
        for key, stationary, other in (("x", "a", "a"), ("y", "b", "c"), ("z", "c", "b")):
            operand = getattr(product, key)
            targets = (operand.row, operand.across, operand.hop)
            for target, one, two in zip(
                targets, operands[stationary], operands[other], strict=True
            ):
                m.d.comb += target.eq(Mux(ws, one, two))


def field_of(command):
    """Fields of a loop_ws command by name."""
    return lambda name: field(command, "loop_ws", name)
