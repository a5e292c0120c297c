"""The array of a sequential machine: a row of inputs times the weights, at once."""

from amaranth.hdl import Cat, Module, Shape, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..arith.mac.block import Held, halves_for, halves_sums
from ..config import Config
from ..control.ops import shape_of
from ..memory.local import sp_row


def tree_sum(m: Module, name: str, parts: list) -> Signal:
    """The sum of values, by pairs, each a signal of its own."""
    for level in range((len(parts) - 1).bit_length()):
        joined = [sum(parts[n + 1 : n + 2], parts[n]) for n in range(0, len(parts), 2)]
        parts = [Signal(x.shape(), name=f"{name}_{level}_{n}") for n, x in enumerate(joined)]
        m.d.comb += [part.eq(x) for part, x in zip(parts, joined, strict=True)]
    return parts[0]


class Dots(wiring.Component):
    """``sums[c] = Σ x[k]·w[k][c] + d[c]`` of the row taken as x, the rows taken as weights, and the
    row taken as d, combinational behind their registers.

    Nothing is skewed, and nothing passes from element to element: sums are trees of adders. Where
    the device's block makes two products in halves, it holds weights, x and d, and adds d.

    Members
    -------
    row : In(sp_row(config))
    weights : In(dim)
        Bit k: `row` becomes the weights of x's element k.
    inputs, addends : In(1), In(1)
        `row` becomes x, or d.
    sums : Out(summed).array(dim)
        Modulo 2^width.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "row": In(sp_row(config)),
                "weights": In(config.dim),
                "inputs": In(1),
                "addends": In(1),
                "sums": Out(shape_of(config.summed)).array(config.dim),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        block = config.products_per_dsp > 1 and halves_for(platform, config.input.width)
        columns = self._blocks(m) if block else self._registers(m)
        for c, (column, o) in enumerate(zip(columns, self.sums, strict=True)):
            m.d.comb += o.eq(tree_sum(m, f"sum{c}", column))
        return m

    def _product(self) -> Shape:
        """The shape of a product, which has room for one addend, too."""
        config = self.config
        wide = config.input.width + config.weight.width
        return signed(wide) if config.input.signed or config.weight.signed else unsigned(wide)

    def _blocks(self, m: Module) -> list[list]:
        """Terms of each column's sum, from blocks of two columns."""
        config, row, dim = self.config, self.row, self.config.dim
        columns = [[] for _ in range(dim)]
        for k in range(dim):
            for c in range(0, dim, 2):
                both = [Signal(self._product(), name=f"product{k}_{c + n}") for n in range(2)]
                wide = [Signal(16, name=f"addend{k}_{c + n}") for n in range(2)]
                m.d.comb += [wide[n].eq(row[c + n]) for n in range(2)]
                output = Signal(32, name=f"products{k}_{c}")
                m.submodules[f"block{k}_{c}"] = halves_sums(
                    Held(Cat(row[k], row[k]), self.inputs, config.input.signed),
                    Held(Cat(row[c], row[c + 1]), self.weights[k], config.weight.signed),
                    Held(Cat(wide), self.addends, config.input.signed) if k == 0 else None,
                    output,
                )
                m.d.comb += Cat(both).eq(output)
                for n in range(2):
                    columns[c + n].append(both[n])
        return columns

    def _registers(self, m: Module) -> list[list]:
        """Likewise from products of registers."""
        config, row, dim = self.config, self.row, self.config.dim
        x, d = (Signal(sp_row(config), name=name, reset_less=True) for name in ("x", "addend"))
        columns = [[d[c]] for c in range(dim)]
        with m.If(self.inputs):
            m.d.sync += x.eq(row)
        with m.If(self.addends):
            m.d.sync += d.eq(row)
        for k in range(dim):
            for c in range(dim):
                w = Signal(shape_of(config.weight), name=f"w{k}_{c}", reset_less=True)
                with m.If(self.weights[k]):
                    m.d.sync += w.eq(row[c])
                product = Signal(self._product(), name=f"product{k}_{c}")
                m.d.comb += product.eq(x[k] * w)
                columns[c].append(product)
        return columns
