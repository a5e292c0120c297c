"""The scoreboard: commands wait here until the rows that they touch are theirs."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..bus.stream import Queue
from ..config import Config
from .ops import Dispatch, ExecuteOp, LoadOp, Span, StoreOp
from .turns import Turns

UNITS = ("load", "execute", "store")


def overlap(a, b):
    """Whether two spans share a row."""
    return a.valid & b.valid & (a.acc == b.acc) & (a.first <= b.last) & (b.first <= a.last)


def any_of(bits):
    """Whether one of `bits` is set."""
    return Cat(bits).any()


class UnitQueue(wiring.Component):
    """The commands of one unit, from dispatch to completion, in order.

    An entry keeps one bit for every entry of every unit that it has to wait for; a bit falls when
    that entry completes. The oldest entry that has not been issued goes to the unit when it has no
    bit left; one that `follows` need not wait for entries that are `passable`.

    Members
    -------
    i : In(stream(Dispatch)), o : Out(stream(op))
    depends : In(waits), follows : In(1)
        Entries that the arriving command waits for, and whether it may start behind passable ones.
    passable : In(waits)
        Entries whose rows will be there in time for whoever takes them in order.
    completed : In(waits)
        Entries that complete in this cycle, of all units.
    done : In(1)
        The oldest issued entry completes.
    completes : Out(depth)
        The same as one-hot.
    reads, write, valid : Out
        Rows of each entry in use.
    oldest : Out(range(depth))
        The entry that completes next.
    level : Out(range(depth + 1))
        Entries in use.
    working : Out(1)
        An entry is issued and not complete.
    held : Out(3)
        Units for whose entries the next one to be issued waits.
    """

    def __init__(self, config: Config, op: data.Layout, depth: int, waits: int):
        self.config = config
        self.op = op
        self.depth = depth
        self.waits = waits
        super().__init__(
            {
                "i": In(stream.Signature(Dispatch(config))),
                "o": Out(stream.Signature(op)),
                "depends": In(waits),
                "follows": In(1),
                "passable": In(waits),
                "completed": In(waits),
                "done": In(1),
                "completes": Out(depth),
                "reads": Out(Span(config)).array(depth, 3),
                "write": Out(Span(config)).array(depth),
                "valid": Out(depth),
                "oldest": Out(range(depth)),
                "level": Out(range(depth + 1)),
                "working": Out(1),
                "held": Out(3),
            }
        )

    def elaborate(self, platform):
        m = Module()
        depth = self.depth
        m.submodules.ops = ops = Queue(self.op, depth)
        deps = [Signal(self.waits, name=f"waits{n}") for n in range(depth)]
        follows = Signal(depth)
        tail, issue, head = (Signal(range(depth), name=n) for n in ("tail", "issue", "head"))
        issued = Signal(range(depth + 1))  # issued and not complete
        accept, leave, free, held = Signal(), Signal(), Signal(), Signal(3)
        self._hold(m, held, deps, follows, issue)

        def step(pointer):
            return Mux(pointer == depth - 1, 0, pointer + 1)

        m.d.comb += [
            free.eq(held == 0),
            self.held.eq(Mux(ops.o.valid, held, 0)),
            self.oldest.eq(head),
            accept.eq(self.i.valid & self.i.ready),
            self.i.ready.eq(~self.valid.bit_select(tail, 1)),
            ops.i.valid.eq(accept),
            ops.i.payload.eq(self.i.p.op.as_value()[: self.op.size]),
            self.o.payload.eq(ops.o.payload),
            self.o.valid.eq(ops.o.valid & free),
            ops.o.ready.eq(self.o.ready & free),
            leave.eq(self.o.valid & self.o.ready),
            self.working.eq(issued != 0),
            self.completes.eq(self.done << head),
        ]
        m.d.sync += [
            issued.eq(issued + leave - self.done),
            self.level.eq(self.level + accept - self.done),
        ]
        for n in range(depth):
            m.d.sync += deps[n].eq(deps[n] & ~self.completed)
            with m.If(self.completes[n]):
                m.d.sync += self.valid[n].eq(0)
            with m.If(accept & (tail == n)):
                m.d.sync += [
                    self.valid[n].eq(1),
                    deps[n].eq(self.depends & ~self.completed),
                    follows[n].eq(self.follows),
                    self.write[n].eq(self.i.p.write),
                ]
                m.d.sync += [self.reads[n][k].eq(self.i.p.reads[k]) for k in range(3)]
        for happens, pointer in ((accept, tail), (leave, issue), (self.done, head)):
            with m.If(happens):
                m.d.sync += pointer.eq(step(pointer))
        return m

    def _hold(self, m: Module, held, deps, follows, issue):
        """For which units' entries the next one to be issued waits."""
        config, start = self.config, 0
        for n, depth in enumerate((config.load_queue, config.execute_queue, config.store_queue)):
            part = slice(start, start + depth)
            passable = [self.passable[part] & follow.replicate(depth) for follow in follows]
            waits = (bits[part] & ~passed for bits, passed in zip(deps, passable, strict=True))
            m.d.comb += held[n].eq(Cat(bits.any() for bits in waits).bit_select(issue, 1))
            start += depth


def board_members(config: Config) -> dict:
    """Members of whatever stands between decoder and units (:class:`Scoreboard`)."""
    return {
        "i": In(stream.Signature(Dispatch(config))),
        "load": Out(stream.Signature(LoadOp(config))),
        "execute": Out(stream.Signature(ExecuteOp(config))),
        "store": Out(stream.Signature(StoreOp(config))),
        "done": In(3),
        "soon": In(1),
        "slow": Out(3),
        "level": Out(range(65)).array(3),
        "entering": Out(3),
        "full": Out(1),
        "unit": Out(2),
        "idle": Out(1),
        "working": Out(3),
        "held": Out(3).array(3),
    }


class Scoreboard(wiring.Component):
    """Dispatches commands in program order, issues them to the units when it is safe.

    Within a unit commands run in order; between units a command waits for every earlier one that
    writes rows it touches or touches rows it writes. Execute and store also wait for what they
    themselves wrote to the scratchpad, when they read it. A command takes one cycle to pass when
    nothing stands in its way; with `Config.serial_hazards` one more for every span that it touches,
    as they are compared in turn (:class:`.turns.Turns`).

    A store that takes rows in order need not wait for the end of a tile: `soon` says that the
    rows of the oldest tile that has not been announced will be there in time for whoever starts
    now and takes one of them per cycle, the first one first.

    Members
    -------
    i : In(stream(Dispatch))
    load, execute, store : Out(stream(LoadOp)), Out(stream(ExecuteOp)), Out(stream(StoreOp))
    done : In(3)
        Pulses from load, execute and store: the oldest command is complete, and whoever reads
        from now on sees what it wrote.
    soon : In(1)
        A pulse of execute for every command, in order, not after its `done`.
    slow : Out(3)
        The oldest command of the unit writes the accumulator memory.
    level : Out(range(65)).array(3)
        Commands of each unit.
    entering : Out(3)
        The unit whose command is being compared with the others (never without `serial_hazards`).
    full, unit : Out(1), Out(2)
        A command finds no place in the queue of its `unit`.
    idle : Out(1)
        No command is inside.
    working : Out(3)
        Units that have issued commands.
    held : Out(3).array(3)
        For each unit: those for whose commands its next one waits.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(board_members(config))

    def elaborate(self, platform):
        m = Module()
        config = self.config
        depths = (config.load_queue, config.execute_queue, config.store_queue)
        layouts = (LoadOp(config), ExecuteOp(config), StoreOp(config))
        queues = [
            UnitQueue(config, layout, depth, sum(depths))
            for layout, depth in zip(layouts, depths, strict=True)
        ]
        m.submodules.load, m.submodules.execute, m.submodules.store = queues
        completed = Cat(queue.completes for queue in queues)
        passable = self._passable(m, queues[Dispatch.EXECUTE])
        arriving, conflicts = self._arriving(m, queues)
        m.d.comb += [
            self.idle.eq((Cat(queue.valid for queue in queues) == 0) & (self.entering == 0)),
            self.working.eq(Cat(queue.working for queue in queues)),
            self.full.eq(arriving.valid & ~arriving.ready),
            self.unit.eq(arriving.p.unit),
        ]
        follows = self._follows(
            m, arriving.p, queues[Dispatch.EXECUTE], conflicts[Dispatch.EXECUTE]
        )
        before = Const(0, config.load_queue)
        with m.Switch(arriving.p.unit):
            for n, queue in enumerate(queues):
                with m.Case(n):
                    m.d.comb += [
                        queue.i.valid.eq(arriving.valid),
                        arriving.ready.eq(queue.i.ready),
                    ]
        for n, (queue, name) in enumerate(zip(queues, UNITS, strict=True)):
            m.d.comb += [
                queue.i.payload.eq(arriving.payload),
                queue.depends.eq(Cat(conflicts)),
                queue.completed.eq(completed),
                queue.done.eq(self.done[n]),
                self.slow[n].eq(Cat(w.acc for w in queue.write).bit_select(queue.oldest, 1)),
                self.level[n].eq(queue.level),
                self.held[n].eq(queue.held),
            ]
            if n == Dispatch.STORE:
                m.d.comb += [queue.follows.eq(follows), queue.passable.eq(Cat(before, passable))]
            connect(m, queue.o, flipped(getattr(self, name)))
        return m

    def _arriving(self, m: Module, queues: list[UnitQueue]):
        """The command that enters a queue next, and the entries of each that it waits for."""
        if not self.config.serial_hazards:
            return self.i, [self._conflicts(m, n, q, self.i.p) for n, q in enumerate(queues)]
        m.submodules.turns = turns = Turns(self.config)
        connect(m, flipped(self.i), turns.i)
        m.d.comb += self.entering.eq(turns.busy << turns.o.p.unit)
        found = []
        for n, queue in enumerate(queues):
            known = Signal(queue.depth, name=f"known_{UNITS[n]}")  # from the turns before
            here = Signal(queue.depth, name=f"found_{UNITS[n]}")
            hits = self._conflicts(m, n, queue, turns.shown)
            m.d.comb += here.eq(hits | Mux(turns.first, 0, known))
            m.d.sync += known.eq(here & ~queue.completes)
            found.append(here)
        return turns.o, found

    def _passable(self, m: Module, queue: UnitQueue):
        """Entries of execute that were announced by `soon`."""
        announced = Signal(queue.depth)
        next_soon = Signal(range(queue.depth))
        with m.If(self.soon):
            m.d.sync += next_soon.eq(Mux(next_soon == queue.depth - 1, 0, next_soon + 1))
        for n in range(queue.depth):
            with m.If(queue.completes[n]):
                m.d.sync += announced[n].eq(0)
            with m.Elif(self.soon & (next_soon == n)):
                m.d.sync += announced[n].eq(1)
        return announced

    def _follows(self, m: Module, new, queue: UnitQueue, conflicts):
        """Whether the arriving store takes the rows of all tiles it waits for in their order."""
        first, dim = new.reads[0].first, self.config.dim
        low = dim.bit_length() - 1 if dim & (dim - 1) == 0 else None
        ordered = Signal(queue.depth)
        for n, write in enumerate(queue.write):
            good = new.single
            if low is not None:
                good |= (write.first ^ first)[:low] == 0
            m.d.comb += ordered[n].eq(good & (first <= write.first))
        return new.in_order & ((conflicts & ~ordered) == 0)

    def _conflicts(self, m: Module, unit: int, queue: UnitQueue, new):
        """Entries of `queue` that a command which touches the spans of `new` has to wait for."""
        conflicts = Signal(queue.depth, name=f"conflicts_{UNITS[unit]}")
        load, _, store = (new.unit == n for n in range(3))
        copies = self.config.spad_store  # stores may write, too
        others = load | store if copies else load
        for n in range(queue.depth):
            old_reads, old_write = queue.reads[n], queue.write[n]
            if unit == Dispatch.LOAD:
                hit = ~load & any_of(overlap(span, old_write) for span in (*new.reads, new.write))
            elif unit == Dispatch.EXECUTE:
                wrote = any_of(overlap(span, old_write) for span in new.reads)
                used = any_of(overlap(new.write, span) for span in old_reads)
                hit = wrote | (others & (used | overlap(new.write, old_write)))
            else:
                hit = ~store & overlap(new.write, old_reads[0])
                if copies:
                    wrote = any_of(overlap(span, old_write) for span in new.reads)
                    hit |= wrote | (~store & overlap(new.write, old_write))
            m.d.comb += conflicts[n].eq(queue.valid[n] & hit)
        return conflicts
