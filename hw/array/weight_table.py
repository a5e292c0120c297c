"""The table of weights that are indices: loaded by rows, read by every lane."""

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..arith.mac.operand import Parts, Whole
from ..config import Config


def _init(operand: Whole | Parts, code: int):
    """An entry as it is after reset."""
    parts = operand.golden(code)
    if isinstance(operand, Whole):
        return int(parts)
    return {name: int(getattr(parts, name)) for name in operand.layout.members}


class WeightTable(wiring.Component):
    """Entries, taken apart as they come; each lane selects one of them.

    ::

        lanes --> dim decoders --> entry 0, 1, 2, ...  (registers, for all lanes)
          |                           |  |  |
          +-- low bits, per lane ---> select ---> o

    A row brings `dim` entries in the cycle in which it stands there, the first row of a table from
    entry 0 on; what exceeds the table is dropped. After reset the entries are those of
    `config.weight`. `o` is combinational and sees what came in earlier cycles. A lane costs
    2**n - 1 selections of a decoded weight, n the bits of an index.

    Parameters
    ----------
    operand : Whole | Parts
        How an entry is taken apart.

    Members
    -------
    lanes : In(array of codes)
        Entries to write, or indices in their low bits.
    write, last : In(1)
        A row of a table is there; it is the last one.
    o : Out(array of operand.layout)
        The entries that `lanes` name.
    """

    def __init__(self, config: Config, operand: Whole | Parts):
        self.config = config
        self.operand = operand
        lane = unsigned(max(config.weight.width, config.factor.width))
        super().__init__(
            {
                "lanes": In(data.ArrayLayout(lane, config.dim)),
                "write": In(1),
                "last": In(1),
                "o": Out(data.ArrayLayout(operand.layout, config.dim)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, operand = self.config, self.operand
        book, dim = config.weight, config.dim
        entries = [
            Signal(operand.layout, init=_init(operand, code), name=f"entry{n}")
            for n, code in enumerate(book.table)
        ]
        row = Signal(range(config.table_rows))
        with m.If(self.write):
            m.d.sync += row.eq(Mux(self.last, 0, row + 1))
        for lane in range(min(dim, len(entries))):
            m.submodules[f"decode{lane}"] = unit = operand.create()
            m.d.comb += unit.i.eq(self.lanes[lane])
            for n in range(lane, len(entries), dim):
                with m.If(self.write & (row == n // dim)):
                    m.d.sync += entries[n].eq(unit.o)
        for lane in range(dim):
            chosen = [Value.cast(entry) for entry in entries]
            for bit in self.lanes[lane][: book.width]:
                pairs = zip(chosen[::2], chosen[1::2], strict=True)
                chosen = [Mux(bit, high, low) for low, high in pairs]
            m.d.comb += self.o[lane].eq(chosen[0])
        return m
