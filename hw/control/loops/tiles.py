"""The computes of one matrix product: preload and compute for every triple of tiles."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...config import Config
from ...isa import GARBAGE
from ..ops import CommandLayout, row_bits
from .inner import fill, local_address
from .walk import tile_limit


class Operand(data.StructLayout):
    """Where tiles lie: row by row of tiles, `across` in a row; `hop`: the inner index goes down."""

    def __init__(self, config: Config):
        super().__init__(
            {"row": row_bits(config), "across": range(tile_limit(config) + 1), "hop": 1}
        )


class Product(data.StructLayout):
    """A product of `outer`×`middle`×`inner` tiles.

    Weight-stationary these are k, j, i; output-stationary i, j, k. `x` depends on (outer, inner),
    `y` on (outer, middle), `z` on (middle, inner): A, B, C or A, C, B. `missing` are the rows that
    the last tile of each index lacks.
    """

    def __init__(self, config: Config):
        operand, count = Operand(config), range(tile_limit(config) + 1)
        super().__init__(
            {
                "counts": data.StructLayout({"outer": count, "middle": count, "inner": count}),
                "missing": data.ArrayLayout(range(config.dim), 3),  # of i, j, k
                "x": operand,
                "y": operand,
                "z": operand,
                "accumulate": 1,
                "weight_stationary": 1,
            }
        )


class Cursor:
    """A local row for two nested indices: `step` the inner one, `turn` the outer one."""

    def __init__(self, m: Module, config: Config, name: str):
        self.m, self.dim = m, config.dim
        self.at = Signal(Operand(config), name=name)
        self.row = Signal(row_bits(config), name=f"{name}_row")
        self.new = Signal.like(self.row, name=f"{name}_new")
        self.turned = Signal(name=f"{name}_turned")  # the step is one of the outer index
        base, tiles = Mux(self.turned, self.at.row, self.row), Signal(len(self.at.across))
        m.d.comb += [
            tiles.eq(Mux(self.turned ^ self.at.hop, self.at.across, 1)),
            self.new.eq(base + tiles * self.dim),
        ]

    def start(self, operand):
        self.m.d.sync += [self.at.eq(operand), self.row.eq(operand.row)]

    def step(self):
        self.m.d.sync += self.row.eq(self.new)

    def turn(self):
        self.m.d.comb += self.turned.eq(1)
        self.m.d.sync += [self.at.row.eq(self.new), self.row.eq(self.new)]

    def back(self):
        """To where the inner loop began."""
        self.m.d.sync += self.row.eq(self.at.row)


class Tiles(wiring.Component):
    """Preloads and computes of a product, one command per cycle if they are taken.

    Members
    -------
    start : In(1), product : In(Product)
        Begin; not while `busy`.
    busy : Out(1)
        Commands are left; one stands ready.
    command : Out(CommandLayout), next : In(1)
        The command; it is taken.
    computes : Out(1)
        It is a compute.
    outer, middle, inner : Out
        Its place.
    first, last : Out(1)
        The outer index is its first, its last one.
    """

    def __init__(self, config: Config):
        self.config = config
        count = range(tile_limit(config) + 1)
        super().__init__(
            {
                "start": In(1),
                "product": In(Product(config)),
                "busy": Out(1),
                "command": Out(CommandLayout()),
                "next": In(1),
                "computes": Out(1),
                "outer": Out(count),
                "middle": Out(count),
                "inner": Out(count),
                "last": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, product = self.config, self.product
        counts = Signal.like(product.counts)
        self.missing, self.accumulate = Signal.like(product.missing), Signal()
        self.stationary = Signal() if config.output_stationary else Const(1)
        self.x, self.y, self.z = (Cursor(m, config, name) for name in "xyz")
        z_start = Signal.like(self.z.row)
        last_middle, last_inner = Signal(), Signal()
        self.lasts = {"outer": self.last, "middle": last_middle, "inner": last_inner}
        m.d.comb += [
            flag.eq(getattr(self, name) + 1 == getattr(counts, name))
            for name, flag in self.lasts.items()
        ]
        with m.If(self.next):
            m.d.sync += self.computes.eq(~self.computes)
        with m.If(self.next & self.computes):
            with m.If(~last_inner):
                m.d.sync += self.inner.eq(self.inner + 1)
                self.x.step()
                self.z.step()
            with m.Elif(~last_middle):
                m.d.sync += [self.inner.eq(0), self.middle.eq(self.middle + 1)]
                self.x.back()
                self.y.step()
                self.z.turn()
            with m.Else():
                m.d.sync += [self.inner.eq(0), self.middle.eq(0), self.outer.eq(self.outer + 1)]
                self.x.turn()
                self.y.turn()
                m.d.sync += [self.z.row.eq(z_start), self.z.at.row.eq(z_start)]
                with m.If(self.last):
                    m.d.sync += self.busy.eq(0)
        with m.If(self.start):
            for cursor, name in ((self.x, "x"), (self.y, "y"), (self.z, "z")):
                cursor.start(getattr(product, name))
            m.d.sync += [
                self.busy.eq(1),
                self.computes.eq(0),
                self.outer.eq(0),
                counts.eq(product.counts),
                self.missing.eq(product.missing),
                self.accumulate.eq(product.accumulate),
                z_start.eq(product.z.row),
            ]
            if config.output_stationary:
                m.d.sync += self.stationary.eq(product.weight_stationary)
        self._emit(m)
        return m

    def _emit(self, m: Module):
        """The command that stands at these indices."""
        dim, ws = self.config.dim, self.stationary
        lasts = self.lasts
        rows, cols, deep = (Signal(range(dim + 1), name=n) for n in ("rows", "cols", "deep"))
        ends = (  # of i, j, k
            Mux(ws, lasts["inner"], lasts["outer"]),
            lasts["middle"],
            Mux(ws, lasts["outer"], lasts["inner"]),
        )
        for extent, end, missing in zip((rows, cols, deep), ends, self.missing, strict=True):
            m.d.comb += extent.eq(dim - Mux(end, missing, 0))
        b, c = Signal(32), Signal(32)
        first = self.inner == 0  # of the tiles with these weights; of the sums in this tile
        m.d.comb += [
            b.eq(local_address(Mux(ws, self.y.row, self.z.row))),
            c.eq(
                local_address(
                    Mux(ws, self.z.row, self.y.row),
                    acc=1,
                    accumulate=self.accumulate | (ws & (self.outer != 0)),
                )
            ),
        ]
        with m.If(self.computes):
            m.d.comb += fill(
                self.command,
                "compute_accumulated",
                a_addr=local_address(self.x.row),
                a_rows=rows,
                a_cols=deep,
                d_addr=Mux(ws, GARBAGE, b),
                d_rows=Mux(ws, dim, deep),
                d_cols=Mux(ws, dim, cols),
            )
            with m.If(first):
                m.d.comb += fill(self.command, "compute_preloaded")
        with m.Else():
            m.d.comb += fill(
                self.command,
                "preload",
                b_addr=Mux(ws & first, b, GARBAGE),
                b_rows=Mux(ws, deep, dim),
                b_cols=Mux(ws, cols, dim),
                c_addr=Mux(ws | lasts["inner"], c, GARBAGE),
                c_rows=rows,
                c_cols=cols,
            )
