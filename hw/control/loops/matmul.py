"""loop_ws: the streams of commands that make a tiled matrix product."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ...config import Config
from ...isa import ErrorCode
from ..ops import CommandLayout
from .flight import Flight
from .inner import Inner, fill, local_address
from .matmul_plan import LAYERNORM, SOFTMAX, MatmulPlan
from .normal import Normalised
from .settings import Settings
from .tiles import Tiles
from .walk import Walk, most_tiles

MVIN = {"a": "mvin", "b": "mvin2", "d": "mvin3"}


class Matmul(wiring.Component):
    """Turns loop_ws into loads, computes and stores (docs/loops.md), two loops at a time.

    Each of the three streams may be taken at any time; what stands there may change until it is.
    Loads come in the order in which computes need them; a compute comes after its loads, a store
    after its computes, a load after the computes of the loop before if it shares rows with them.
    The first load comes 5 cycles after its loop_ws.

    Members
    -------
    i : In(stream(CommandLayout))
        Commands of the group loop_ws.
    settings : In(Settings)
    sp_half, acc_half : In(1)
    accept, flips : Out(1)
        A loop begins; the accumulator memory's halves are exchanged after it.
    code : Out(ErrorCode)
        Why a loop_ws that is taken does not begin.
    parity : Out(1)
        Number, modulo 2, of the next loop.
    load, execute, store : Out(stream(Inner))
    busy : Out(1)
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(CommandLayout())),
                "settings": In(Settings()),
                "sp_half": In(1),
                "acc_half": In(1),
                "accept": Out(1),
                "flips": Out(1),
                "code": Out(ErrorCode),
                "parity": Out(1),
                **{name: Out(stream.Signature(Inner())) for name in ("load", "execute", "store")},
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.planner = planner = MatmulPlan(config)
        self.plan = plan = planner.plan
        narrow, wide = most_tiles(config.max_block_len), most_tiles(config.max_block_len_acc)
        m.submodules.a = Walk(config, narrow)
        m.submodules.b = Walk(config, narrow)
        m.submodules.d = Walk(config, narrow, wide)
        m.submodules.c = Walk(config, 1, 1)
        self.walks = {name: getattr(m.submodules, name) for name in "abdc"}
        m.submodules.tiles = self.tiles = Tiles(config)
        busy = {name: walk.busy for name, walk in self.walks.items()}
        if config.normalisation:
            m.submodules.rows = self.rows = Normalised(config)
            busy["c"] = busy["c"] | self.rows.busy
        busy["tiles"] = Signal(name="tiles_busy")
        self.flight = flight = Flight(
            m,
            {"a": (), "b": (), "d": (), "tiles": ("a", "b", "d"), "c": ("tiles",)},
            busy,
        )
        connect(m, flipped(self.i), planner.i)
        m.d.comb += [
            planner.settings.eq(self.settings),
            planner.sp_half.eq(self.sp_half),
            planner.acc_half.eq(self.acc_half),
            planner.occupied.eq(flight.valid),
            self.accept.eq(planner.accept),
            self.flips.eq(plan.has_c),
            self.code.eq(planner.code),
            self.parity.eq(flight.parity),
            self.busy.eq(flight.valid | Cat(busy.values()).any()),
        ]
        with m.If(planner.accept):
            m.d.sync += flight.valid.eq(1)
        self._loads(m)
        self._computes(m, busy["tiles"])
        self._stores(m)
        return m

    def _take(self, m: Module, name: str, *kept: str) -> list:
        """Start a walk when its turn comes; registers that keep members of its plan."""
        walk, take = self.walks[name], self.flight.take[name]
        starts = take & getattr(self.plan, f"has_{name}")
        if name == "c" and self.config.normalisation:
            normal = (self.plan.activation == LAYERNORM) | (self.plan.activation == SOFTMAX)
            m.d.comb += [
                self.rows.start.eq(starts & normal),
                self.rows.matrix.eq(self.plan.c),
                self.rows.row_bits.eq(self.plan.c_row_bits),
                self.rows.softmax.eq(self.plan.activation == SOFTMAX),
                self.rows.full.eq(self.plan.full_c),
            ]
            starts &= ~normal
        m.d.comb += [
            walk.start.eq(starts),
            walk.matrix.eq(getattr(self.plan, name)),
        ]
        registers = []
        for member in kept:
            value = getattr(self.plan, member)
            register = Signal.like(value, name=f"{name}_{member}")
            with m.If(take):
                m.d.sync += register.eq(value)
            registers.append(register)
        return registers

    def _loads(self, m: Module):
        """The three walks, and which of them goes first."""
        flight, load = self.flight, self.load.p
        wants, young = {}, {}
        for name in "abd":
            walk = self.walks[name]
            waits, *residual = self._take(
                m, name, f"{name}_waits", *(() if name == "d" else ("residual",))
            )
            wants[name], young[name] = Signal(name=f"{name}_wants"), Signal(name=f"{name}_young")
            m.d.comb += young[name].eq(flight.behind("tiles", name))
            held = waits & young[name]
            if name == "b":
                held |= residual[0] & ~flight.past("a", "b")
            m.d.comb += wants[name].eq(walk.busy & ~held)
            picked = Signal(name=f"{name}_picked")
            wants[name + "_picked"] = picked
            acc = residual[0] if residual else 1
            with m.If(picked):
                m.d.comb += fill(
                    load.command,
                    MVIN[name],
                    address=walk.address,
                    local=local_address(walk.row, acc, acc if name == "b" else 0),
                    rows=walk.rows,
                    cols=walk.cols,
                )
                m.d.comb += [
                    load.parity.eq(flight.loop(name)),
                    self.load.valid.eq(walk.valid),
                    walk.next.eq(walk.valid & self.load.ready),
                ]
        before = self._order(m, young)
        for name in "abd":
            m.d.comb += wants[name + "_picked"].eq(
                wants[name]
                & ~Cat(
                    wants[other] & ~before[name, other] for other in "abd" if other != name
                ).any()
            )

    def _order(self, m: Module, young) -> dict:
        """Which of two loads is needed first: that of the older loop, else of the earlier tile."""
        ws = self.settings.weight_stationary
        a, b, d = (self.walks[name] for name in "abd")
        y_outer, y_inner = Mux(ws, b.outer, d.outer), Mux(ws, b.inner, d.inner)
        z_outer, z_inner = Mux(ws, d.outer, b.outer), Mux(ws, d.inner, b.inner)
        xy, zy, zx = (Signal(name=f"{name}_first") for name in ("xy", "zy", "zx"))
        m.d.comb += [
            xy.eq((a.outer < y_outer) | ((a.outer == y_outer) & (y_inner != 0))),
            zy.eq((y_outer != 0) | (z_outer < y_inner)),
            zx.eq((a.outer != 0) | ((z_outer == 0) & (z_inner <= a.inner))),
        ]
        same = {
            ("a", "b"): Mux(ws, xy, ~zx),
            ("d", "b"): Mux(ws, zy, ~zy),
            ("d", "a"): Mux(ws, zx, ~xy),
        }
        before = {}
        for (one, other), first in same.items():
            before[one, other] = Signal(name=f"{one}_before_{other}")
            m.d.comb += before[one, other].eq(Mux(young[one] ^ young[other], young[other], first))
            before[other, one] = ~before[one, other]
        return before

    @staticmethod
    def _moved(walk: Walk, outer, inner):
        """Whether the tile with these indices was moved."""
        return (outer < walk.outer) | ((outer < walk.end) & (inner < walk.inner))

    def _computes(self, m: Module, busy):
        """Transposes, then the computes whose loads have been sent."""
        flight, tiles, plan, execute = self.flight, self.tiles, self.plan, self.execute
        ws, take = self.settings.weight_stationary, flight.take["tiles"]
        configures, waits, ready = Signal(), Signal(), Signal()
        transposes = Signal(2)
        moved = {}
        for name, place in (
            ("a", (tiles.outer, tiles.inner)),
            ("b", (Mux(ws, tiles.outer, tiles.middle), Mux(ws, tiles.middle, tiles.inner))),
            ("d", (Mux(ws, tiles.middle, tiles.outer), Mux(ws, tiles.inner, tiles.middle))),
        ):
            moved[name] = Signal(name=f"{name}_moved")
            m.d.comb += moved[name].eq(
                flight.past(name, "tiles") | self._moved(self.walks[name], *place)
            )
        m.d.comb += [
            tiles.start.eq(take & ~plan.residual),
            tiles.product.eq(plan.product),
            busy.eq(configures | tiles.busy | waits),
            ready.eq(~tiles.computes | (moved["a"] & moved["b"] & moved["d"])),
            execute.p.parity.eq(flight.loop("tiles")),
            execute.p.free.eq(configures | ~tiles.computes),
            execute.valid.eq(configures | (tiles.busy & ready)),
            tiles.next.eq(~configures & execute.valid & execute.ready),
        ]
        with m.If(waits & flight.past("a", "tiles") & flight.past("b", "tiles")):
            m.d.sync += waits.eq(0)
        with m.If(configures):
            m.d.comb += fill(
                execute.p.command,
                "config_ex",
                dataflow=ws,
                activation=self.settings.relu,
                transpose_a=transposes[0],
                transpose_b=transposes[1],
                a_stride=1,
                shift=self.settings.shift,
                c_stride=1,
            )
            with m.If(execute.ready):
                m.d.sync += configures.eq(0)
        with m.Else():
            m.d.comb += execute.p.command.eq(tiles.command)
        with m.If(take):
            m.d.sync += [
                waits.eq(plan.residual),
                configures.eq(self.config.transposes),
                transposes[0].eq(plan.transpose_a),
                transposes[1].eq(plan.transpose_b),
            ]

    def _stores(self, m: Module):
        """The stores whose computes (or second loads) have been sent."""
        flight, tiles, store = self.flight, self.tiles, self.store
        ws, walk, b = self.settings.weight_stationary, self.walks["c"], self.walks["b"]
        full, residual = self._take(m, "c", "full_c", "residual")
        place = (Signal.like(walk.outer), Signal.like(walk.inner))  # of the tile to store
        valid, free = Signal(), Signal()
        m.d.comb += [
            *fill(
                store.p.command,
                "mvout",
                address=walk.address,
                local=local_address(walk.row, 1, 0, full),
                rows=walk.rows,
                cols=walk.cols,
            ),
            place[0].eq(walk.outer),
            place[1].eq(walk.inner),
            valid.eq(walk.valid),
            walk.next.eq(walk.valid & store.valid & store.ready),
        ]
        if self.config.normalisation:
            rows = self.rows
            m.d.comb += rows.next.eq(rows.valid & store.valid & store.ready)
            with m.If(rows.busy):
                m.d.comb += [
                    store.p.command.eq(rows.command),
                    place[0].eq(Mux(ws, rows.across, rows.down)),
                    place[1].eq(Mux(ws, rows.down, rows.across)),
                    valid.eq(rows.valid),
                    free.eq(~rows.moves),
                ]
        outer, inner = Mux(ws, tiles.middle, tiles.outer), Mux(ws, tiles.inner, tiles.middle)
        computed, added, ready = Signal(), Signal(), Signal()
        later = (outer > place[0]) | ((outer == place[0]) & (inner > place[1]))
        m.d.comb += [
            computed.eq(flight.past("tiles", "c") | (later & (tiles.last | ~ws))),
            added.eq(flight.past("b", "c") | self._moved(b, *place)),
            ready.eq(Mux(residual, added, computed)),
            store.valid.eq(valid & (ready | free)),
            store.p.free.eq(free),
            store.p.parity.eq(flight.loop("c")),
        ]
