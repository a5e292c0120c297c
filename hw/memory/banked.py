"""Rows in interleaved banks, with prioritised readers and writers."""

from collections.abc import Collection

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..array.register import own_register
from ..bus.stream import Queue, QuickQueue
from ..config import Config
from ..control.ops import row_bits
from ..register import data_register
from .collisions import NO_COLLISIONS, RAM_REGISTER, assert_no_collisions
from .local import ReadPort, RowWrite

ANSWERS = 6
"""Rows that a reader may have asked for and not taken; five keep the full rate, one more for each
other reader that it meets in every bank and that goes first."""


class BankedRows(wiring.Component):
    """`rows` rows of `shape` in `banks` memories of one read and one write port each.

    Row n lies in bank n mod `banks`, so that users that walk through consecutive rows meet in the
    same bank once, fall one cycle behind each other, and then run side by side at full rate (with
    two banks or more).
    In each bank the reader and the writer of the lowest number win. Nobody may read and write the
    same row in the same cycle, so the memories need no logic for collisions: the scoreboard sees to
    that, and where there is one the rows are `guarded` by an assertion.

    A reader among `single` has no queue: it may ask when its last row has been taken. Where there
    are such, only one writer writes in a cycle, whatever the bank: banks then share its way.

    With `behind`, the memories' rows stand in registers of their own before they are selected; with
    `before`, their addresses do; `answers` is a power of two then.

    Members
    -------
    reads : list of In(ReadPort)
        Answered three cycles after the request at the earliest (two if `single` and not `behind`),
        in order; with `before` a cycle later.
    writes : list of In(stream(RowWrite))
        Taken into the memory at the end of the cycle of the handshake; writer 0 never waits.
        `accumulate` is ignored.
    peek_row, peek : In(row), In(1)
        A read that wins over all readers; the row is in `peek_data` two cycles later (three
        with `before`). If nothing was asked for, all of its elements are `absent` (None: they mean
        nothing).
    """

    def __init__(
        self,
        config: Config,
        shape: data.ArrayLayout,
        *,
        rows: int,
        banks: int,
        readers: int,
        writers: int,
        answers: int = ANSWERS,
        single: Collection[int] = (),
        absent: int | None = None,
        guarded: bool = False,
        before: bool = False,
        behind: bool = False,
    ):
        self.config = config
        self.shape = shape
        self.rows = rows
        self.banks = banks
        self.answers = answers
        self.single = single
        self.absent = absent
        self.guarded = guarded
        self.before = before
        self.behind = behind
        port = ReadPort(config, shape)
        self.bank_bits = (banks - 1).bit_length()
        super().__init__(
            {
                "reads": In(port).array(readers),
                "writes": In(stream.Signature(RowWrite(config, shape))).array(writers),
                "peek": In(1),
                "peek_row": In(row_bits(config)),
                "peek_data": Out(shape),
            }
        )

    def elaborate(self, platform):
        m = Module()
        memories = []
        for n in range(self.banks):
            m.submodules[f"bank{n}"] = memory = Memory(
                shape=self.shape, depth=self.rows // self.banks, init=[], attrs=NO_COLLISIONS
            )
            memories.append(memory)
        writes = [memory.write_port(granularity=1) for memory in memories]
        reads = [memory.read_port() for memory in memories]
        if self.single:
            self._write_in_turn(m, writes)
        else:
            self._write_side(m, writes)
        self._read_side(m, reads)
        if self.guarded:
            assert_no_collisions(m, zip(reads, writes, strict=True))
        return m

    def _split(self, row):
        """Bank and address inside the bank."""
        return row[: self.bank_bits], row[self.bank_bits :]

    def _write_side(self, m: Module, ports):
        ready = [Signal(self.banks, name=f"write{n}_ready") for n in range(len(self.writes))]
        for bank, port in enumerate(ports):
            taken = 0
            for n, write in enumerate(self.writes):
                index, address = self._split(write.p.row)
                wants = Signal(name=f"write{n}_bank{bank}")
                m.d.comb += wants.eq(write.valid & (index == bank))
                m.d.comb += ready[n][bank].eq(~taken if n else 1)
                with m.If(wants & ready[n][bank]):
                    m.d.comb += [
                        port.en.eq(write.p.mask),
                        port.addr.eq(address),
                        port.data.eq(write.p.lanes),
                    ]
                taken = taken | wants
        for n, write in enumerate(self.writes):
            index, _ = self._split(write.p.row)
            m.d.comb += write.ready.eq(ready[n].bit_select(index, 1))

    def _write_in_turn(self, m: Module, ports):
        """One write of all, whatever its bank."""
        taken = Signal(RowWrite(self.config, self.shape), name="written")
        index, address = self._split(taken.row)
        mask = Signal(len(taken.mask), name="written_mask")
        for n, write in reversed(list(enumerate(self.writes))):
            earlier = Cat(other.valid for other in self.writes[:n])
            m.d.comb += write.ready.eq(~earlier.any())
            with m.If(write.valid | (n == len(self.writes) - 1)):
                m.d.comb += [taken.eq(write.p), mask.eq(Mux(write.valid, write.p.mask, 0))]
        for bank, port in enumerate(ports):
            m.d.comb += [
                port.en.eq(mask & (index == bank).replicate(len(mask))),
                port.addr.eq(address),
                port.data.eq(taken.lanes),
            ]

    def _read_side(self, m: Module, ports):
        found = [port.data for port in ports]
        if self.before:
            ports = [self._before(m, n, port) for n, port in enumerate(ports)]
        if self.behind:
            found = [self._behind(m, n, row) for n, row in enumerate(found)]
        wanted = []  # (wants, row) of everybody, the peek first
        granted = []
        m.submodules.peek = pipe = self._answer(self.absent)
        m.d.comb += self.peek_data.eq(pipe.row)
        for n in range(len(self.reads) + 1):
            granted.append(Signal(self.banks, name=f"grant{n}"))
        wanted.append((self.peek, self.peek_row, pipe))
        for n, read in enumerate(self.reads):
            pipe = self._reader(m, n, read, granted[n + 1])
            wanted.append((read.request.valid & pipe.credit, read.request.payload, pipe))
        for bank, port in enumerate(ports):
            taken, chosen = 0, 0
            for n, (wants, row, _) in enumerate(wanted):
                index, address = self._split(row)
                asks, here = Signal(name=f"read{n}_asks{bank}"), Signal(name=f"read{n}_bank{bank}")
                m.d.comb += [asks.eq(wants & (index == bank)), here.eq(asks & ~taken)]
                m.d.comb += granted[n][bank].eq(here)
                taken, chosen = taken | asks, chosen | (address & here.replicate(len(address)))
            m.d.comb += [port.en.eq(taken), port.addr.eq(chosen)]
        for n, (_, row, pipe) in enumerate(wanted):
            m.d.comb += [pipe.asked.eq(granted[n].any()), pipe.bank.eq(self._split(row)[0])]
            m.d.comb += [pipe.rows[bank].eq(data) for bank, data in enumerate(found)]

    def _before(self, m: Module, bank: int, port):
        """What stands for a memory's read port, with a register before it."""
        ask = Signal(data.StructLayout({"en": 1, "addr": len(port.addr)}), name=f"ask{bank}")
        m.d.sync += [port.en.eq(ask.en), port.addr.eq(ask.addr)]
        return ask

    def _behind(self, m: Module, bank: int, row):
        """The register of a memory's row."""
        found = Signal(self.shape, name=f"found{bank}", reset_less=True, attrs=RAM_REGISTER)
        m.d.sync += found.eq(row)
        return found

    def _answer(self, absent: int | None = None):
        """What selects a row."""
        if self.behind:
            return _Late(self.shape, self.banks, 2 + self.before, absent)
        return _Answer(self.shape, self.banks, absent)

    def _reader(self, m: Module, n: int, read, grant):
        """Answers of one reader: registered, then kept until taken; credits for those."""
        if n in self.single:
            m.submodules[f"answer{n}"] = pipe = _Single(
                self.shape, self.banks, 2 + self.before if self.behind else 0
            )
            wiring.connect(m, pipe.o, wiring.flipped(read.data))
            m.d.comb += read.request.ready.eq(grant.any())
            return pipe
        m.submodules[f"answer{n}"] = pipe = self._answer()
        kind = QuickQueue if self.before else Queue
        m.submodules[f"queue{n}"] = queue = kind(self.shape, self.answers)
        asked, taken = grant.any(), read.data.valid & read.data.ready
        m.d.comb += [
            pipe.credit.eq(self._credit(m, n, asked, taken)),
            read.request.ready.eq(asked),
            queue.i.payload.eq(pipe.row),
            queue.i.valid.eq(pipe.valid),
        ]
        wiring.connect(m, queue.o, wiring.flipped(read.data))
        return pipe

    def _credit(self, m: Module, n: int, asked, taken):
        """Whether a reader may ask."""
        if not self.before:
            free = Signal(range(self.answers + 1), init=self.answers, name=f"free{n}")
            m.d.sync += free.eq(free - asked + taken)
            return free != 0
        used = Signal(self.answers, name=f"used{n}")  # as many of the low bits are set
        with m.If(asked & ~taken):
            m.d.sync += used.eq(Cat(1, used))
        with m.Elif(taken & ~asked):
            m.d.sync += used.eq(used >> 1)
        return ~used[-1]


def _answer_members(shape: data.ArrayLayout, banks: int) -> dict:
    """What the memories' side of an answer is."""
    rows = In(shape).array(banks)
    return {"credit": Out(1), "asked": In(1), "bank": In(range(banks)), "rows": rows}


def _select(m: Module, bank, rows, row, domain: str = "sync"):
    """Register the row of a bank (or show it)."""
    with m.Switch(bank):
        for n, found in enumerate(rows):
            with m.Case(n):
                m.d[domain] += row.eq(found)


class _Answer(wiring.Component):
    """Selects the bank that was asked and registers its row: valid two cycles after `asked`.

    If nothing was asked, the row's elements are `absent`, or anything.
    """

    def __init__(self, shape: data.ArrayLayout, banks: int, absent: int | None = None):
        self.absent = absent
        super().__init__(_answer_members(shape, banks) | {"row": Out(shape), "valid": Out(1)})

    def elaborate(self, platform):
        m = Module()
        bank = Signal.like(self.bank)
        asked = Signal()
        m.d.sync += [bank.eq(self.bank), asked.eq(self.asked), self.valid.eq(asked)]
        row = data_register(m, self.row)
        _select(m, bank, self.rows, row)
        if self.absent is not None:
            with m.If(~asked):
                m.d.sync += [element.eq(self.absent) for element in row]
        return m


class _Late(wiring.Component):
    """The same where `rows` come from registers, and are those of `cycles` ago: valid as many
    cycles after `asked`."""

    def __init__(self, shape: data.ArrayLayout, banks: int, cycles: int, absent: int | None):
        self.cycles = cycles
        self.absent = absent
        super().__init__(_answer_members(shape, banks) | {"row": Out(shape), "valid": Out(1)})

    def elaborate(self, platform):
        m = Module()
        bank, asked = _delayed(m, self.cycles - 1, self.bank, self.asked)
        there = own_register(m, "there", asked, platform)
        (bank,) = _delayed(m, 1, bank)
        m.d.comb += self.valid.eq(there)
        _select(m, bank, self.rows, self.row, "comb")
        if self.absent is not None:
            for n, element in enumerate(self.row):  # each from a register near it
                with m.If(~own_register(m, f"there{n}", asked, platform)):
                    m.d.comb += element.eq(self.absent)
        return m


def _delayed(m: Module, cycles: int, *values) -> list[Signal]:
    """The values some cycles ago."""
    for cycle in range(cycles):
        late = [Signal.like(value, name=f"late{cycle}_{n}") for n, value in enumerate(values)]
        m.d.sync += [new.eq(value) for new, value in zip(late, values, strict=True)]
        values = late
    return values


class _Single(wiring.Component):
    """The same for one row at a time, which stands at `o` until it is taken; if `rows` come from
    registers, it is that of `cycles` ago and comes a cycle later."""

    def __init__(self, shape: data.ArrayLayout, banks: int, cycles: int = 0):
        self.cycles = cycles
        answers = {"o": Out(stream.Signature(shape))}
        super().__init__(_answer_members(shape, banks) | answers)

    def elaborate(self, platform):
        m = Module()
        row = data_register(m, self.o.payload)
        if self.cycles:
            bank, asked = _delayed(m, self.cycles, self.bank, self.asked)
            waits = Signal()  # from the request until the row has been taken
            m.d.comb += self.credit.eq(~waits)
            with m.If(self.asked | (self.o.valid & self.o.ready)):
                m.d.sync += waits.eq(self.asked)
        else:
            bank, asked = Signal.like(self.bank), Signal()
            m.d.sync += [bank.eq(self.bank), asked.eq(self.asked)]
            m.d.comb += self.credit.eq(~asked & ~self.o.valid)
        with m.If(asked):
            m.d.sync += self.o.valid.eq(1)
            _select(m, bank, self.rows, row)
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        return m
