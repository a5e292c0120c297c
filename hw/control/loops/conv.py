"""loop_conv_ws: the streams of commands that make a convolution."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ...config import Config
from ...isa import ErrorCode
from ..ops import CommandLayout
from .conv_input import ConvInput
from .conv_loads import ConvBias, ConvWeights
from .conv_plan import ConvPlanner
from .conv_stores import ConvStores
from .conv_tiles import ConvTiles
from .flight import Flight
from .inner import Inner
from .settings import Settings


class Convolution(wiring.Component):
    """Turns loop_conv_ws into loads, computes and stores (docs/loops.md), two loops at a time.

    Order and members are those of :class:`~hw.control.loops.matmul.Matmul`; the first load comes
    after the products of the plan.

    Members
    -------
    i : In(stream(CommandLayout))
        Commands of the group loop_conv.
    settings : In(Settings)
    sp_half, acc_half : In(1)
    accept, flips : Out(1)
    code : Out(ErrorCode)
    parity : Out(1)
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
        m.submodules.planner = planner = ConvPlanner(config)
        m.submodules.a = self.a = ConvInput(config)
        m.submodules.b = self.b = ConvWeights(config)
        m.submodules.d = self.d = ConvBias(config)
        m.submodules.tiles = self.tiles = ConvTiles(config)
        m.submodules.c = self.c = ConvStores(config)
        parts = {"a": self.a, "b": self.b, "d": self.d, "tiles": self.tiles, "c": self.c}
        busy = {name: part.busy for name, part in parts.items()}
        self.flight = flight = Flight(
            m, {"a": (), "b": (), "d": (), "tiles": ("a", "b", "d"), "c": ("tiles",)}, busy
        )
        connect(m, flipped(self.i), planner.i)
        m.d.comb += [
            planner.settings.eq(self.settings),
            self.tiles.settings.eq(self.settings),
            planner.sp_half.eq(self.sp_half),
            planner.acc_half.eq(self.acc_half),
            planner.occupied.eq(flight.valid),
            planner.others.eq(self.busy),
            self.accept.eq(planner.accept),
            self.flips.eq(planner.plan.p.output != 0),
            self.code.eq(planner.code),
            self.parity.eq(flight.parity),
            self.busy.eq(flight.valid | Cat(busy.values()).any()),
        ]
        for name, part in parts.items():
            m.d.comb += [part.take.eq(flight.take[name]), part.plan.eq(planner.plan)]
        with m.If(planner.accept):
            m.d.sync += flight.valid.eq(1)
        moved = self._moved(m)
        self._loads(m, moved, planner.plan.waits)
        self._computes(m, moved)
        self._stores(m)
        return m

    def _moved(self, m: Module) -> dict:
        """Whether what the coming compute reads has been loaded."""
        flight, tiles, a, b, d = self.flight, self.tiles, self.a, self.b, self.d
        conditions = {
            "a": ~tiles.strewn & (a.row >= tiles.lines_end),
            "b": ~tiles.reverse
            & (
                (tiles.channels > b.left)
                | (~tiles.by_line & (tiles.place + tiles.depth <= b.place))
            ),
            "d": ~tiles.strewn & (tiles.c_row + tiles.c_more < d.row),
        }
        moved = {}
        for name, condition in conditions.items():
            moved[name] = Signal(name=f"{name}_moved")
            begun = ~getattr(self, name).opens
            m.d.comb += moved[name].eq(flight.past(name, "tiles") | (begun & condition))
        return moved

    def _loads(self, m: Module, moved: dict, waits):
        """First what the coming compute lacks, then input, weights, bias; the older loop first.

        Of the younger one the first weights come before the input.
        """
        flight, urgent, calm, young = self.flight, {}, {}, {}
        for n, name in enumerate("abd"):
            part = getattr(self, name)
            held, behind = Signal(name=f"{name}_held"), flight.behind("tiles", name)
            with m.If(flight.take[name]):
                m.d.sync += held.eq(waits[n])
            late = Signal(name=f"{name}_young")
            m.d.comb += late.eq(behind)
            urgent[name] = part.busy & ~late & ~moved[name]
            calm[name] = part.busy & ~late
            young[name] = part.busy & late & ~held
        order = [urgent[name] for name in "bad"] + [calm[name] for name in "abd"]
        order += [young["b"] & self.b.begins, *(young[name] for name in "abd")]
        names = "bad" + "abd" + "babd"
        for n, (name, condition) in enumerate(zip(names, order, strict=True)):
            part = getattr(self, name)
            with m.If(condition) if n == 0 else m.Elif(condition):
                m.d.comb += [
                    self.load.valid.eq(part.valid),
                    self.load.p.command.eq(part.command),
                    self.load.p.parity.eq(flight.loop(name)),
                    self.load.p.free.eq(self._configures(part.command)),
                    part.next.eq(part.valid & self.load.ready),
                ]

    @staticmethod
    def _configures(command):
        """Whether a command goes to no unit."""
        return command.funct == 0

    def _computes(self, m: Module, moved: dict):
        flight, tiles, execute = self.flight, self.tiles, self.execute
        ready = ~tiles.computes | Cat(moved.values()).all()
        m.d.comb += [
            execute.valid.eq(tiles.valid & ready),
            execute.p.command.eq(tiles.command),
            execute.p.parity.eq(flight.loop("tiles")),
            execute.p.free.eq(~tiles.computes),
            tiles.next.eq(execute.valid & execute.ready),
        ]

    def _stores(self, m: Module):
        """A tile of outputs leaves when no compute will add to it."""
        flight, tiles, c, store = self.flight, self.tiles, self.c, self.store
        same = (c.channels == tiles.channels) & tiles.final & ~tiles.strewn
        behind = Mux(c.pooled, tiles.batches < c.batches, tiles.c_row > c.row)
        sent = ~tiles.opens & ((c.channels > tiles.channels) | (same & behind))
        biased = flight.past("d", "c") | ~c.dilated
        ready = (flight.past("tiles", "c") | sent) & biased
        m.d.comb += [
            store.valid.eq(c.valid & (ready | ~c.moves)),
            store.p.command.eq(c.command),
            store.p.parity.eq(flight.loop("c")),
            store.p.free.eq(~c.moves),
            c.next.eq(store.valid & store.ready),
        ]
