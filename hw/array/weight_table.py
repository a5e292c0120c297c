"""The table of weights that are indices: loaded by rows, read by every lane."""

from amaranth.hdl import Module, Mux, Shape, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..arith.mac.operand import Parts, Whole
from ..arith.rom import rom
from ..config import Config


class WeightTable(wiring.Component):
    """Entries, taken apart as they come; each lane reads one of them.

    ::

        config.weight.table --+
                              +--> decoder --> memory of 2**n entries
        lanes, one by one ----+                  |  |  |  one reader per lane
          |                                      v  v  v
          +---- low n bits of each lane -------> o

    One entry is written per cycle: there is one decoder, and on an FPGA the memory becomes LUT RAM,
    a copy per lane (registers with a selection per lane are ten times as large). After reset the
    entries of `config.weight` go in first, in 2**n cycles. A row brings `dim` entries and stands
    for as many cycles; the first row of a table begins with entry 0, what exceeds the table is
    dropped. `o` is combinational and sees what earlier cycles wrote.

    Parameters
    ----------
    operand : Whole | Parts
        How an entry is taken apart.

    Members
    -------
    lanes : In(array of codes)
        Entries to write, or indices in their low bits.
    write, last : In(1)
        A row of a table stands there; it is the last one.
    taken : Out(1)
        Its last entry is being written.
    ready : Out(1)
        The entries of `config.weight` have been written; before, rows are not taken.
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
                "taken": Out(1),
                "ready": Out(1),
                "o": Out(data.ArrayLayout(operand.layout, config.dim)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        book, dim, operand = self.config.weight, self.config.dim, self.operand
        size, bits = len(book.table), Shape.cast(operand.layout).width
        m.submodules.decode = decode = operand.create()
        entry, lane = Signal(book.width), Signal(range(dim))
        first = rom(m, "first", book.table, book.format.width, entry)
        writes = Signal()
        m.d.comb += [
            decode.i.eq(Mux(self.ready, self.lanes[lane], first)),
            writes.eq(self.write | ~self.ready),
            self.taken.eq(self.ready & self.write & ((lane == dim - 1) | entry.all())),
        ]
        with m.If(writes):
            m.d.sync += entry.eq(Mux(self.taken & self.last, 0, entry + 1))
        with m.If(~self.ready):
            m.d.sync += self.ready.eq(entry.all())
        with m.Elif(self.write):
            m.d.sync += lane.eq(Mux(self.taken, 0, lane + 1))
        for n in range(dim):
            m.submodules[f"copy{n}"] = copy = Memory(shape=bits, depth=size, init=[])
            write, read = copy.write_port(), copy.read_port(domain="comb")
            m.d.comb += [
                write.addr.eq(entry),
                write.data.eq(decode.o),
                write.en.eq(writes),
                read.addr.eq(self.lanes[n]),
                self.o[n].eq(read.data),
            ]
        return m
