import itertools
import random
from dataclasses import dataclass, field

import pytest

from hw.control.in_order import InOrder
from hw.control.ops import Dispatch
from hw.control.scoreboard import UNITS, Scoreboard
from tests.support.plain import PLAIN
from tests.support.streams import simulate

LOAD, EXECUTE, STORE = Dispatch.LOAD, Dispatch.EXECUTE, Dispatch.STORE
TINY = PLAIN["tiny"]
COPYING = TINY.replace(name="copying", spad_store=True)
NARROW = TINY.replace(name="narrow", load_queue=2, execute_queue=2, store_queue=2)
ODD = TINY.replace(name="odd", load_queue=3, execute_queue=5, store_queue=7)
SERIAL = ODD.replace(name="serial", serial_hazards=True)
SERIAL_COPYING = SERIAL.replace(name="serial-copying", spad_store=True)
BOTH = pytest.mark.parametrize("serial", [False, True])
NEVER = 1 << 30


@dataclass
class Item:
    """A command with the rows it touches, as sets, and what became of it."""

    unit: int
    reads: list = field(default_factory=list)  # (acc, first, last)
    write: tuple | None = None
    name: int = 0
    follows: tuple | None = None  # (in order, single) of a store
    soon: int = 1 << 30
    accepted: int = NEVER
    issued: int = NEVER
    done: int = NEVER

    @staticmethod
    def rows(spans):
        return {(acc, row) for acc, first, last in spans for row in range(first, last + 1)}

    def after(self, older) -> bool:
        """Whether it has to wait for an older command."""
        written, read = self.rows([self.write] if self.write else []), self.rows(self.reads)
        theirs = older.rows([older.write] if older.write else [])
        used = older.rows(older.reads)
        if self.unit == older.unit:
            return self.unit != LOAD and bool(read & theirs)
        return bool(theirs & (written | read) or used & written)

    def turns(self, config) -> int:
        """Cycles for which it stands before the queues."""
        return max(1, len(self.reads) + bool(self.write)) if config.serial_hazards else 0

    def payload(self):
        spans = [*self.reads, *[None] * (3 - len(self.reads)), self.write]
        valid = [
            {"valid": 1, "acc": s[0], "first": s[1], "last": s[2]} if s else {"valid": 0}
            for s in spans
        ]
        key = "a_row" if self.unit == EXECUTE else "row"
        op = {UNITS[self.unit]: {key: self.name}}
        in_order, single = self.follows or (0, 0)
        spans = {"reads": valid[:3], "write": valid[3]}
        return {"unit": self.unit, "op": op, **spans, "in_order": in_order, "single": single}


def load(first, last, acc=0):
    return Item(LOAD, write=(acc, first, last))


def execute(reads=(), write=None):
    return Item(EXECUTE, [(0, *rows) for rows in reads], write)


def store(first, last, acc=0):
    return Item(STORE, [(acc, first, last)])


def copy(first, last, target, acc=0):
    return Item(STORE, [(acc, first, last)], (0, *target))


def run(config, items, takes=lambda unit: True, works=lambda unit: 3, sends=lambda: True, early=0):
    """Dispatch the items; each unit finishes one after another, `works(unit)` cycles each.

    Execute announces a command `early` cycles before its end, if it has begun by then.
    """
    dut = (InOrder if config.in_order else Scoreboard)(config)
    for name, item in enumerate(items):
        item.name = name
    queued = [[] for _ in UNITS]  # accepted and not issued
    inside = [[] for _ in UNITS]  # (item, cycle in which it is finished at the earliest)
    announce = []  # the same for execute's commands that have not been announced
    outs = [getattr(dut, name) for name in UNITS]

    async def bench(ctx):
        todo, cycle, holds = list(items), 0, False
        while todo or any(queued) or any(inside) or not ctx.get(dut.idle):
            holds = holds or (bool(todo) and sends())
            ctx.set(dut.i.valid, holds)
            if holds:
                ctx.set(dut.i.payload, todo[0].payload())
            for unit, out in enumerate(outs):
                ctx.set(out.ready, takes(unit))
            finished = [bool(work) and work[0][1] <= cycle for work in inside]
            ctx.set(dut.done, sum(end << unit for unit, end in enumerate(finished)))
            soon = bool(announce) and announce[0][1] - early <= cycle
            ctx.set(dut.soon, soon)
            if soon:
                announce.pop(0)[0].soon = cycle
            assert not any(queued) or not ctx.get(dut.idle)
            alone = config.serial_hazards or config.in_order
            assert alone or not ctx.get(dut.entering)
            for unit, out in enumerate(outs):
                if finished[unit]:
                    inside[unit].pop(0)[0].done = cycle
                assert not inside[unit] or ctx.get(dut.working) >> unit & 1
                if ctx.get(out.valid) and ctx.get(out.ready):
                    item = queued[unit].pop(0)
                    name = out.p.a_row if unit == EXECUTE else out.p.row
                    assert ctx.get(name) == item.name % (1 << len(name)), "not the oldest"
                    item.issued = cycle
                    ready = max([cycle, *(end for _, end in inside[unit])])
                    inside[unit].append((item, ready + works(unit)))
                    if unit == EXECUTE:
                        announce.append(inside[unit][-1])
            if holds and ctx.get(dut.i.ready):
                item, holds = todo.pop(0), False
                item.accepted = cycle
                queued[item.unit].append(item)
            cycle += 1
            await ctx.tick()

    simulate(dut, bench, cycles=200 * len(items) + 2000)


def follows(tile, item) -> bool:
    """Whether a store takes the rows of a tile in order (dim 4)."""
    if not item.follows or not item.follows[0] or tile.unit != EXECUTE or not tile.write:
        return False
    first, base = tile.write[1], item.reads[0][1]
    return first >= base and (item.follows[1] or (first - base) % 4 == 0)


def check(items):
    """No command was issued while an older one that it has to wait for was not complete."""
    for n, item in enumerate(items):
        assert item.accepted < item.issued < item.done < NEVER
        for older in items[:n]:
            if item.after(older):
                assert item.issued > (older.soon if follows(older, item) else older.done)


@pytest.mark.parametrize("unit", [LOAD, EXECUTE, STORE])
def test_one_command_per_cycle_one_cycle_through(unit):
    items = [Item(unit) for _ in range(40)]
    run(TINY.replace(load_queue=16, execute_queue=16, store_queue=16), items, works=lambda _: 1)
    assert [item.accepted for item in items] == list(range(40))
    assert [item.issued for item in items] == list(range(1, 41))


@BOTH
def test_units_do_not_wait_for_one_another_without_need(serial):
    items = []
    for n in range(10):
        items += [load(4 * n, 4 * n + 3), execute([(100, 103)], (1, n, n)), store(200, 203)]
    config = TINY.replace(load_queue=32, execute_queue=32, store_queue=32, serial_hazards=serial)
    run(config, items, works=lambda _: 50)
    turns = [item.turns(config) or 1 for item in items]
    assert [item.accepted for item in items] == [0, *itertools.accumulate(turns[:-1])]
    assert [item.issued for item in items] == [
        item.accepted + 1 + item.turns(config) for item in items
    ]


FIRST_AND_SECOND = {
    "execute reads what load wrote": (load(4, 7), execute([(0, 3), (7, 9)]), True),
    "execute reads beside it": (load(4, 7), execute([(0, 3), (8, 9)]), False),
    "execute reads the other memory": (load(4, 7, acc=1), execute([(4, 7)]), False),
    "execute writes what load wrote": (load(4, 7), execute(write=(0, 1, 4)), True),
    "execute adds to what load wrote": (load(4, 7, acc=1), execute(write=(1, 7, 9)), True),
    "load writes what execute reads": (execute([(0, 1), (3, 4), (8, 9)]), load(9, 12), True),
    "load writes what execute wrote": (execute(write=(0, 3, 5)), load(5, 5), True),
    "load writes beside it": (execute([(0, 1)], (0, 3, 5)), load(2, 2), False),
    "store reads what load wrote": (load(4, 7), store(0, 4), True),
    "store reads what execute wrote": (execute(write=(1, 4, 7)), store(7, 8, acc=1), True),
    "store reads what execute reads": (execute([(4, 7)]), store(4, 7), False),
    "execute reads what store reads": (store(4, 7), execute([(4, 7)]), False),
    "execute writes what store reads": (store(4, 7), execute(write=(0, 7, 7)), True),
    "load writes what store reads": (store(4, 7, acc=1), load(7, 7, acc=1), True),
    "load writes what load wrote": (load(4, 7), load(4, 7), False),
    "execute reads its own result": (execute(write=(0, 4, 7)), execute([(7, 7)]), True),
    "execute writes its own operand": (execute([(4, 7)]), execute(write=(0, 4, 7)), False),
    "execute writes its own result": (execute(write=(1, 4, 7)), execute(write=(1, 4, 7)), False),
    "store after store": (store(4, 7), store(4, 7), False),
    "store reads its own copy": (copy(0, 3, (4, 7)), store(7, 8), True),
    "store reads beside its own copy": (copy(0, 3, (4, 7)), store(8, 9), False),
    "store copies what it copied": (copy(0, 3, (4, 7)), copy(4, 4, (9, 9)), True),
    "store writes what it reads": (store(4, 7), copy(0, 3, (4, 7), acc=1), False),
    "store writes its own copy": (copy(0, 3, (4, 7)), copy(0, 3, (4, 7), acc=1), False),
    "execute reads a copy": (copy(0, 3, (4, 7)), execute([(1, 2), (7, 8)]), True),
    "execute reads the other memory's": (copy(4, 7, (8, 9), acc=1), execute([(4, 7)]), False),
    "execute writes a copy": (copy(0, 3, (4, 7)), execute(write=(0, 7, 9)), True),
    "load writes a copy": (copy(0, 3, (4, 7)), load(5, 5), True),
    "load writes beside a copy": (copy(0, 3, (4, 7)), load(8, 8), False),
    "copy writes what execute reads": (execute([(1, 2), (7, 8)]), copy(20, 23, (8, 9)), True),
    "copy writes what execute wrote": (execute(write=(0, 4, 7)), copy(20, 23, (6, 9)), True),
    "copy reads what execute wrote": (execute(write=(1, 4, 7)), copy(7, 8, (6, 9), 1), True),
    "copy writes beside execute": (execute([(1, 2)], (1, 8, 9)), copy(20, 23, (8, 9)), False),
    "copy writes what load wrote": (load(4, 7), copy(20, 23, (7, 8)), True),
}


@pytest.mark.parametrize("case", FIRST_AND_SECOND)
@pytest.mark.parametrize("works", [1, 9])
@BOTH
def test_two_commands(case, works, serial):
    first, second, waits = FIRST_AND_SECOND[case]
    one, two = (Item(item.unit, item.reads, item.write) for item in (first, second))
    assert two.after(one) == waits
    copies = any(item.unit == STORE and item.write for item in (one, two))
    config = NARROW.replace(spad_store=copies, serial_hazards=serial)
    run(config, [one, two], works=lambda _: works)
    check([one, two])
    turns = one.turns(config)
    assert (one.accepted, one.issued, two.accepted) == (0, 1 + turns, turns or 1)
    free = two.accepted + 1 + two.turns(config)
    assert two.issued == (max(free, one.done + 1) if waits else free)


def test_a_full_queue_holds_up_the_next_command():
    config = TINY.replace(load_queue=2)
    items = [Item(LOAD), Item(LOAD), Item(LOAD), Item(STORE)]
    run(config, items, works=lambda unit: 20)
    assert [item.accepted for item in items[:2]] == [0, 1]
    assert items[2].accepted == items[0].done + 1
    assert items[3].accepted == items[2].accepted + 1


FOLLOWERS = {
    "from the first row": ((8, 11), (8, 11), (1, 1), True),
    "from the row before": ((8, 11), (7, 10), (1, 1), True),
    "from the row behind": ((8, 11), (9, 12), (1, 1), False),
    "not in order": ((8, 11), (8, 11), (0, 1), False),
    "the second block": ((8, 11), (4, 11), (1, 0), True),
    "half of the second block": ((8, 11), (6, 13), (1, 0), False),
}


@pytest.mark.parametrize("case", FOLLOWERS)
def test_a_store_follows_a_tile(case):
    tile, rows, how, good = FOLLOWERS[case]
    one, two = execute(write=(1, *tile)), store(*rows, acc=1)
    two.follows = how
    run(TINY, [one, two], works=lambda unit: 20, early=7)
    assert follows(one, two) == good
    assert one.done == one.soon + 7
    assert two.issued == (one.soon if good else one.done) + 1


def test_a_store_waits_for_the_tile_that_it_cannot_follow():
    tiles = [execute(write=(1, 8, 11)), execute(write=(1, 4, 7)), store(8, 11, acc=1)]
    tiles[2].follows = (1, 1)
    blocked = [execute(write=(1, 8, 11)), execute(write=(1, 6, 9)), store(8, 11, acc=1)]
    blocked[2].follows = (1, 1)
    for items, last in ((tiles, 0), (blocked, 1)):
        run(TINY, items, works=lambda unit: 20, early=7)
        check(items)
        assert items[2].issued == (items[last].soon if last == 0 else items[last].done) + 1


def drawn(rng, config, count, rows):
    """Commands whose rows lie among the first `rows` of each memory."""

    def span(acc=0):
        first = rng.randrange(rows)
        return acc, first, min(rows - 1, first + rng.choice((0, 0, 1, 3)))

    items = []
    for _ in range(count):
        acc, unit = rng.randrange(2), rng.randrange(3)
        if unit == LOAD:
            items.append(Item(LOAD, write=span(acc)))
        elif unit == STORE:
            how = rng.choice((None, (1, 1), (1, 0), (0, 1)))
            target = span() if config.spad_store and rng.random() < 0.5 else None
            items.append(Item(STORE, [span(acc)], target, follows=None if target else how))
        else:
            reads = [span() for _ in range(rng.randint(0, 3))]
            items.append(Item(EXECUTE, reads, span(acc) if rng.random() < 0.8 else None))
    return items


@pytest.mark.parametrize(
    "config",
    [TINY, NARROW, ODD, COPYING, SERIAL, SERIAL_COPYING],
    ids=lambda config: config.name,
)
@pytest.mark.parametrize("rows", [8, 32, 200])
@pytest.mark.parametrize("stall", [0, 0.5])
def test_random_commands(config, rows, stall):
    rng = random.Random(f"{config.name} {rows} {stall}")
    items = drawn(rng, config, 150, rows)
    run(
        config,
        items,
        takes=lambda unit: rng.random() >= stall,
        works=lambda unit: rng.choice((1, 1, 2, 5, 20)),
        sends=lambda: rng.random() >= stall / 2,
        early=rng.randrange(9),
    )
    check(items)
    overlaps = sum(
        older.unit != item.unit and older.issued < item.issued < older.done
        for n, item in enumerate(items)
        for older in items[:n]
    )
    assert rows < 200 or overlaps > 20, "independent commands run at the same time"
    assert any(item.after(older) for n, item in enumerate(items) for older in items[:n])
