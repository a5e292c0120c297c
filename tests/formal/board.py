"""The scoreboard among units that finish when they like, with what is known about its inside."""

from amaranth.hdl import Array, Assert, Assume, Cat, Elaboratable, Module, Mux, Signal
from amaranth.lib import data

from hw.config import Config
from hw.control.ops import Dispatch
from hw.control.scoreboard import UNITS, Scoreboard
from hw.formats import Int
from sim.formal import Inside, anything
from tests.formal.standing import stands
from tests.support.plain import PLAIN

NAME = 3
"""Bits of an op that tell commands apart; the scoreboard does not look at them."""


def total(bits):
    """How many of `bits` are set."""
    return sum((bit for bit in bits), start=Signal(1, name="none"))


def small(load: int = 2, execute: int = 2, store: int = 2, **features) -> Config:
    """Eight rows in each memory and a few commands in each queue."""
    return PLAIN["tiny"].replace(
        name="proof",
        dim=2,
        input=Int(4),
        weight=Int(4),
        output=Int(4),
        accumulator=Int(8),
        sp_banks=2,
        sp_bank_rows=4,
        acc_bank_rows=4,
        load_queue=load,
        execute_queue=execute,
        store_queue=store,
        **features,
    )


def pick(values, index):
    """Element `index` of a list of signals."""
    return Array(values)[index]


def legal(config: Config, what):
    """What the decoder sends: loads write, stores read one span, execute reads the scratchpad.

    Stores that write (`Config.spad_store`) write the scratchpad, and follow no tile.
    """
    load, execute, store = (what.unit == n for n in range(3))
    extra = what.reads[1].valid | what.reads[2].valid
    outside = Cat(read.valid & read.acc for read in what.reads).any()
    copies = (~what.write.acc & ~what.in_order) if config.spad_store else 0
    return (
        (load & ~what.reads[0].valid & ~extra)
        | (execute & ~outside)
        | (store & ~extra & (~what.write.valid | copies))
    )


class UnitView:
    """One unit's queue from outside (commands given, done pulses) and from inside."""

    def __init__(self, m: Module, owner: "Board", number: int):
        board, inside = owner.board, owner.inside
        name = UNITS[number]
        self.name, self.number = name, number
        config = board.config
        self.depth = getattr(config, f"{name}_queue")
        self.op = getattr(board, name)
        self.tail, self.issue, self.head, self.issued, self.valid = (
            inside.signal(f"{name}.{key}") for key in ("tail", "issue", "head", "issued", "valid")
        )
        self.level = inside.signal(f"{name}.ops.fifo.level")
        self.produce, self.consume = (
            inside.signal(f"{name}.ops.fifo.{key}") for key in ("produce", "consume")
        )
        self.waits = inside.numbered(f"{name}.waits")
        self.write = inside.numbered(f"{name}.write__")
        self.reads = [
            Cat(inside.signal(f"{name}.reads__{n}__{k}") for k in range(3))
            for n in range(self.depth)
        ]
        self.accept, self.leave, self.done = (
            Signal(name=f"{name}_{what}") for what in ("accept", "leave", "done")
        )
        self.outstanding = Signal(range(self.depth + 1), name=f"{name}_outstanding")
        self.silent = Signal.like(self.outstanding, name=f"{name}_silent")  # not announced
        self.soon = Signal(name=f"{name}_soon")
        m.d.comb += [
            self.accept.eq(board.i.valid & board.i.ready & (board.i.p.unit == number)),
            self.leave.eq(self.op.valid & self.op.ready),
            self.op.ready.eq(anything(m, 1, f"{name}_takes")),
            self.soon.eq(anything(m, 1, f"{name}_announces") & (self.silent != 0)),
            self.done.eq(
                anything(m, 1, f"{name}_finishes")
                & (self.outstanding != 0)
                & ((self.silent != self.outstanding) | self.soon)
            ),
            board.done[number].eq(self.done),
        ]
        m.d.sync += [
            self.outstanding.eq(self.outstanding + self.leave - self.done),
            self.silent.eq(self.silent + self.leave - self.soon),
        ]
        self.known(m, owner)

    def distance(self, m: Module, start, end, name: str):
        """Entries from `start` up to `end`, around the ring."""
        out = Signal(range(self.depth + 1), name=f"{self.name}_{name}")
        m.d.comb += out.eq(Mux(end >= start, end - start, self.depth + end - start))
        return out

    def known(self, m: Module, owner: "Board"):
        """Pointers, counts and entries in use agree."""
        depth = self.depth
        inside = Signal(range(2 * depth + 2), name=f"{self.name}_inside")
        used = self.distance(m, self.head, self.tail, "used")
        before = self.distance(m, self.issue, self.tail, "before")
        behind = self.distance(m, self.head, self.issue, "behind")
        self.inside = inside
        given = self.outstanding
        m.d.comb += inside.eq(self.level + given)
        owner.claim(
            m,
            (self.head < depth) & (self.issue < depth) & (self.tail < depth),
            (self.produce == self.tail) & (self.consume == self.issue),
            given == self.issued,
            inside <= depth,
            (used == inside) | ((used == 0) & (inside == depth)),
            (before == self.level) | ((before == 0) & (self.level == depth)),
            (behind == given) | ((behind == 0) & (given == depth)),
            self.silent <= self.outstanding,
        )
        for n in range(depth):
            place = self.distance(m, self.head, n, f"place{n}")
            owner.claim(m, self.valid[n] == (place < inside))


class Board(Elaboratable):
    """The environment of every proof: what the decoder may send, what units may do.

    With `inner`, what is known about the scoreboard's registers is asserted too, which makes the
    rest inductive; without, only what can be seen from outside.
    """

    def __init__(self, scoreboard: Scoreboard, inner: bool = True):
        self.board = scoreboard
        self.inner = inner
        self.config = scoreboard.config

    def elaborate(self, platform):
        m = Module()
        board = self.board
        m.submodules.board = self.inside = Inside(board)
        i = board.i.p
        m.d.comb += [
            board.i.valid.eq(anything(m, 1, "i_valid")),
            i.unit.eq(anything(m, 2, "i_unit")),
            i.op.as_value()[:NAME].eq(anything(m, NAME, "i_name")),  # the rest of it is zero
            i.reads.eq(anything(m, i.reads.shape(), "i_reads")),
            i.write.eq(anything(m, i.write.shape(), "i_write")),
            Cat(i.in_order, i.single).eq(anything(m, 2, "i_order")),
            Assume(legal(self.config, i)),
        ]
        self.units = [UnitView(m, self, n) for n in range(3)]
        execute = self.units[Dispatch.EXECUTE]
        self.announced = self.inside.signal("announced")
        spoken = execute.distance(m, execute.head, self.inside.signal("next_soon"), "spoken")
        given = execute.outstanding - execute.silent
        self.claim(
            m,
            self.inside.signal("next_soon") < execute.depth,
            (spoken == given) | ((spoken == 0) & (given == execute.depth)),
        )
        for n in range(execute.depth):
            place = execute.distance(m, execute.head, n, f"turn{n}")
            self.claim(m, self.announced[n] == (place < given))
        m.d.comb += [
            board.soon.eq(execute.soon),
            Assert(board.idle == (Cat(unit.inside != 0 for unit in self.units) == 0)),
            *(Assert(board.working[unit.number] == (unit.issued != 0)) for unit in self.units),
        ]
        for unit in self.units:
            stands(m, unit.op, unit.name)
        self.check(m)
        return m

    def claim(self, m: Module, *conditions):
        """Assert what is known about the inside."""
        if self.inner:
            m.d.comb += [Assert(condition, src_loc_at=1) for condition in conditions]

    def check(self, m: Module):
        """What a particular proof adds."""
        raise NotImplementedError


class Marked:
    """One command, any one, from its dispatch to its completion.

    Members: `inside` (it was dispatched), `issued`, `finished` (its unit said so), `age` (cycles
    since then), `waits` (entries that it waits for) and what it is.
    """

    def __init__(self, m: Module, board: Board, name: str, may):
        self.name, self.board = name, board
        self.layout = data.StructLayout({"what": Dispatch(board.config), "slot": 3})
        self.seen = Signal(self.layout, name=name)
        self.inside, self.issued, self.finished = (
            Signal(name=f"{name}_{what}") for what in ("inside", "issued", "finished")
        )
        self.issues = Signal(name=f"{name}_issues")
        self.announced = Signal(name=f"{name}_announced")
        self.alive = Signal(name=f"{name}_alive")
        self.before = Signal(range(8), name=f"{name}_before")  # issued earlier, still waiting
        self.older = Signal(range(8), name=f"{name}_older")  # finished earlier, still inside
        self.quiet = Signal(range(8), name=f"{name}_quiet")  # announced earlier, still silent
        self.now = Signal(name=f"{name}_now")
        i, units = board.board.i, board.units
        m.d.comb += self.now.eq(
            anything(m, 1, f"{name}_mark") & i.valid & i.ready & may & ~self.inside
        )
        for unit in units:
            with m.If(self.now & (i.p.unit == unit.number)):
                m.d.sync += [
                    self.inside.eq(1),
                    self.seen.what.eq(i.payload),
                    self.seen.slot.eq(unit.tail),
                    self.before.eq(unit.level - unit.leave),
                    self.older.eq(unit.level + unit.outstanding - unit.done),
                    self.quiet.eq(unit.level + unit.silent - unit.soon),
                ]
            with m.If(self.inside & (self.seen.what.unit == unit.number)):
                self._follow(m, unit)
        m.d.comb += [
            Assert(self.inside | ~self.issued),
            Assert(self.issued | ~self.finished),
            Assert(self.issued | ~self.announced),
            Assert(self.announced | ~self.finished),
            Assert(~self.inside | legal(board.config, self.seen.what)),
        ]

    def _follow(self, m: Module, unit: UnitView):
        """Which issue and which done pulse of its unit are its own."""
        slot, what = self.seen.slot, self.seen.what
        m.d.comb += self.alive.eq(~self.finished)
        with m.If(~self.issued & unit.leave):
            m.d.sync += self.before.eq(self.before - 1)
            with m.If(self.before == 0):
                m.d.comb += self.issues.eq(1)
                m.d.sync += self.issued.eq(1)
        with m.If(~self.finished & unit.done):
            m.d.sync += self.older.eq(self.older - 1)
            with m.If(self.older == 0):
                m.d.sync += self.finished.eq(1)
        with m.If(~self.announced & unit.soon):
            m.d.sync += self.quiet.eq(self.quiet - 1)
            with m.If(self.quiet == 0):
                m.d.sync += self.announced.eq(1)
        op = getattr(what.op, unit.name).as_value()
        held = self._held(m, unit)
        ahead = unit.distance(m, unit.head, slot, f"{self.name}_ahead")
        queued = unit.distance(m, unit.issue, slot, f"{self.name}_queued")
        m.d.comb += Assert(~self.issues | (unit.op.payload.as_value() == op))
        self.board.claim(
            m,
            slot < unit.depth,
            ~self.alive | pick(list(unit.valid), slot),
            ~self.alive | (pick(unit.write, slot) == what.write.as_value()),
            ~self.alive | (pick(unit.reads, slot) == what.reads.as_value()),
            self.finished | (self.older == ahead),
            ~self.issued | self.finished | (self.older < unit.outstanding),
            self.issued | ((self.before == queued) & (self.before < unit.level)),
            self.issued | (self.older == unit.outstanding + self.before),
            self.issued | (held == op),
            self.announced | (self.quiet + unit.outstanding - unit.silent == self.older),
            ~self.issued | self.announced | (self.quiet < unit.silent),
            self.finished | ~self.announced | (self.older < unit.outstanding - unit.silent),
        )
        if unit.number == Dispatch.EXECUTE:
            said = pick(list(self.board.announced), slot)
            self.board.claim(m, ~self.alive | (said == self.announced))

    def _held(self, m: Module, unit: UnitView):
        """What the queue of ops holds in this command's place."""
        name = f"{self.name}_{unit.name}_held"
        return self.board.inside.row(m, f"{unit.name}.ops.fifo.storage", self.seen.slot, name)

    def waits(self, m: Module):
        """The entries that it waits for, of all units."""
        width = sum(unit.depth for unit in self.board.units)
        out = Signal(width, name=f"{self.name}_waits")
        for unit in self.board.units:
            with m.If(self.seen.what.unit == unit.number):
                m.d.comb += out.eq(pick(unit.waits, self.seen.slot))
        return out

    def entry(self, m: Module):
        """Its place among the entries of all units."""
        out = Signal(6, name=f"{self.name}_entry")
        start = 0
        for unit in self.board.units:
            with m.If(self.seen.what.unit == unit.number):
                m.d.comb += out.eq(start + self.seen.slot)
            start += unit.depth
        return out
