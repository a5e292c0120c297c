"""Transposes tiles on their way from the scratchpad to the array."""

from amaranth.hdl import Cat, Module, Mux, ShapeLike, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, connect, flipped


class TurnRow(data.StructLayout):
    """A row of a tile; with `turn` it belongs to a tile that leaves by columns.

    Such a tile has exactly `lanes` rows; `count` of its columns are wanted (1 to `lanes`; read
    with its last row). `last` belongs to rows without `turn`.
    """

    def __init__(self, shape: ShapeLike, lanes: int):
        elements = data.ArrayLayout(shape, lanes)
        super().__init__({"lanes": elements, "last": 1, "turn": 1, "count": range(lanes + 1)})


class OutRow(data.StructLayout):
    """A row as it leaves; `last` of its tile."""

    def __init__(self, shape: ShapeLike, lanes: int):
        super().__init__({"lanes": data.ArrayLayout(shape, lanes), "last": 1})


def rotate(m: Module, name: str, lanes, amount):
    """`lanes` with lane n moved to lane (n + amount) mod their number; `amount` is below it."""
    count = len(lanes)
    for bit in range(len(amount)):
        turned = Signal.like(lanes, name=f"{name}{bit}")
        step = (1 << bit) % count
        for n in range(count):
            m.d.comb += turned[n].eq(Mux(amount[bit], lanes[(n - step) % count], lanes[n]))
        lanes = turned
    return lanes


class Transposer(wiring.Component):
    """Tiles of `lanes` rows in, their first `count` columns out: one row and column per cycle.

    ::

        row r, rotated by r lanes -> [bank 0 | bank 1 | ...] -> rotated back by c -> column c
                                      address r for all       bank b at address (b - c)

    Element (r, c) lies in bank (r + c) mod `lanes`, so a row and a column touch every bank once.
    Two tiles fit: one leaves while the next arrives, at full rate. The first column leaves 3
    cycles after the last row was taken. Memory of 2·lanes² elements, a barrel rotator on each side.

    Members
    -------
    i : In(stream(TurnRow))
        Only rows with `turn`.
    o : Out(stream(OutRow))
        Columns from 0 up, or with `descending` from `count` - 1 down.
    busy : Out(1)
        Something is inside.
    """

    def __init__(self, shape: ShapeLike, lanes: int, *, descending: bool = False):
        self.shape = shape
        self.lanes = lanes
        self.descending = descending
        super().__init__(
            {
                "i": In(stream.Signature(TurnRow(shape, lanes))),
                "o": Out(stream.Signature(OutRow(shape, lanes))),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        index = range(self.lanes)
        self.full = Signal(2)  # tiles whose columns are to leave
        self.counts = [Signal(range(self.lanes + 1), name=f"count{n}") for n in range(2)]
        self.banks = []
        for n in index:
            depth = 2 << len(Signal(index))
            bank = Memory(shape=self.shape, depth=depth, init=[])
            m.submodules[f"bank{n}"] = bank
            self.banks.append((bank.write_port(), bank.read_port(domain="comb")))
        row = self._rows(m)
        moving = self._columns(m)
        m.d.comb += self.busy.eq((row != 0) | self.full.any() | moving)
        return m

    def _rows(self, m: Module):
        """Write rows into the tile of their turn; returns how many of it are there."""
        row, into, put = Signal(range(self.lanes)), Signal(), Signal()
        lanes = rotate(m, "in", self.i.p.lanes, row)
        m.d.comb += [
            self.i.ready.eq(~self.full.bit_select(into, 1)),
            put.eq(self.i.valid & self.i.ready),
        ]
        for n, (write, _) in enumerate(self.banks):
            m.d.comb += [write.addr.eq(Cat(row, into)), write.data.eq(lanes[n]), write.en.eq(put)]
        with m.If(put):
            m.d.sync += row.eq(row + 1)
            with m.If(row == self.lanes - 1):
                m.d.sync += [row.eq(0), into.eq(~into)]
                for n, count in enumerate(self.counts):
                    with m.If(into == n):
                        m.d.sync += [count.eq(self.i.p.count), self.full[n].eq(1)]
        return row

    def _columns(self, m: Module):
        """Read columns through two registers; returns whether one is on its way."""
        index = range(self.lanes)
        given, out_of = Signal(index), Signal()
        count, column, last = Signal.like(self.counts[0]), Signal(index), Signal()
        elements = data.ArrayLayout(self.shape, self.lanes)
        layout = {"valid": 1, "lanes": elements, "column": index, "last": 1}
        raw = Signal(data.StructLayout(layout))
        take, step = Signal(), Signal()
        m.d.comb += [
            count.eq(Mux(out_of, self.counts[1], self.counts[0])),
            last.eq(given == count - 1),
            column.eq(count - 1 - given if self.descending else given),
            step.eq(~self.o.valid | self.o.ready),
            take.eq(~raw.valid | step),
        ]
        for n, (_, read) in enumerate(self.banks):
            line = Mux(column > n, n + self.lanes - column, n - column)
            m.d.comb += read.addr.eq(Cat(line[: len(column)], out_of))
        with m.If(take):
            m.d.sync += [
                raw.valid.eq(self.full.bit_select(out_of, 1)),
                raw.column.eq(column),
                raw.last.eq(last),
            ]
            m.d.sync += [raw.lanes[n].eq(read.data) for n, (_, read) in enumerate(self.banks)]
            with m.If(self.full.bit_select(out_of, 1)):
                m.d.sync += given.eq(Mux(last, 0, given + 1))
                with m.If(last):
                    m.d.sync += [out_of.eq(~out_of), self.full.bit_select(out_of, 1).eq(0)]
        back = Signal(index)
        m.d.comb += back.eq(Mux(raw.column == 0, 0, self.lanes - raw.column))
        with m.If(step):
            m.d.sync += [
                self.o.valid.eq(raw.valid),
                self.o.p.last.eq(raw.last),
                self.o.p.lanes.eq(rotate(m, "out", raw.lanes, back)),
            ]
        return raw.valid | self.o.valid


class Turner(wiring.Component):
    """A :class:`Transposer` that other rows pass in order, without delay when it is empty.

    Members
    -------
    i : In(stream(TurnRow))
    o : Out(stream(OutRow))
    """

    def __init__(self, shape: ShapeLike, lanes: int, *, descending: bool = False):
        self.transposer = Transposer(shape, lanes, descending=descending)
        signature = self.transposer.signature.members
        super().__init__({"i": signature["i"], "o": signature["o"]})

    def elaborate(self, platform):
        m = Module()
        m.submodules.transposer = inner = self.transposer
        turn = self.i.p.turn
        m.d.comb += [
            inner.i.payload.eq(self.i.payload),
            inner.i.valid.eq(self.i.valid & turn),
        ]
        with m.If(inner.busy):
            connect(m, inner.o, flipped(self.o))
        with m.Else():
            m.d.comb += [
                self.o.valid.eq(self.i.valid & ~turn),
                self.o.p.lanes.eq(self.i.p.lanes),
                self.o.p.last.eq(self.i.p.last),
            ]
        m.d.comb += self.i.ready.eq(Mux(turn, inner.i.ready, ~inner.busy & self.o.ready))
        return m
