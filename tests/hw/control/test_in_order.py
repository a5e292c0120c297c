"""Commands in program order, kept apart by halves of the memories."""

import random

import pytest

from tests.hw.control.test_scoreboard import (
    EXECUTE,
    FIRST_AND_SECOND,
    LOAD,
    ODD,
    STORE,
    UNITS,
    Item,
    copy,
    execute,
    load,
    run,
    store,
)

ORDER = ODD.replace(name="order", in_order=True)
COPYING = ORDER.replace(name="order-copying", spad_store=True)
SP, ACC = ORDER.sp_rows // 2, ORDER.acc_rows // 2


def touched(spans) -> set:
    """Halves of memories that (acc, first, last) spans reach."""
    half = {0: SP, 1: ACC}
    return {(acc, row >= half[acc]) for acc, first, last in spans for row in (first, last)}


def test_one_command_per_cycle_one_cycle_through():
    items = [load(n, n) for n in range(12)]
    run(ORDER.replace(load_queue=16), items, works=lambda _: 1)
    assert [item.accepted for item in items] == list(range(12))
    assert [item.issued for item in items] == list(range(1, 13))


def test_units_work_on_different_halves_side_by_side():
    first, second = load(0, 3), load(SP, SP + 3)
    tile, out = execute([(0, 3)], (1, 0, 3)), store(ACC, ACC + 3, acc=1)
    run(ORDER, [first, tile, second, out], works=lambda _: 50)
    assert tile.issued > first.done
    assert second.issued == tile.issued + 1 and out.issued == second.issued + 1


def test_the_same_half_is_waited_for():
    tile, other = execute([(0, 3)], (1, 0, 3)), load(8, 9)
    run(ORDER, [tile, other], works=lambda _: 50)
    assert other.issued == tile.done + 1


def test_a_span_over_the_middle_is_in_both():
    tile, other = execute([(SP - 1, SP)]), load(SP + 4, SP + 5)
    run(ORDER, [tile, other], works=lambda _: 50)
    assert other.issued == tile.done + 1


@pytest.mark.parametrize("case", FIRST_AND_SECOND)
def test_whoever_must_wait_does(case):
    first, second, waits = FIRST_AND_SECOND[case]
    first, second = (Item(i.unit, i.reads, i.write) for i in (first, second))
    copies = any(item.unit == STORE and item.write for item in (first, second))
    run(COPYING if copies else ORDER, [first, second], works=lambda _: 20)
    assert not waits or second.issued > first.done


def draw(rng: random.Random, copies: bool) -> Item:
    def span(acc):
        rows = (ORDER.sp_rows, ORDER.acc_rows)[acc]
        first = rng.randrange(rows)
        return acc, first, min(first + rng.randrange(6), rows - 1)

    unit = rng.choice((LOAD, EXECUTE, STORE))
    if unit == LOAD:
        return load(*span(0)[1:]) if rng.random() < 0.7 else load(*span(1)[1:], acc=1)
    if unit == EXECUTE:
        reads = [span(0)[1:] for _ in range(rng.randrange(4))]
        return execute(reads, span(rng.randrange(2)) if rng.random() < 0.8 else None)
    acc, first, last = span(rng.randrange(2))
    if copies and rng.random() < 0.4:
        return copy(first, last, span(0)[1:], acc)
    return store(first, last, acc)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("config", [ORDER, COPYING], ids=lambda config: config.name)
def test_random_commands(config, seed):
    rng = random.Random(f"in order {config.name} {seed}")
    items = [draw(rng, config.spad_store) for _ in range(150)]
    run(
        config,
        items,
        takes=lambda _: rng.random() < 0.8,
        works=lambda _: rng.randint(1, 12),
        sends=lambda: rng.random() < 0.8,
    )
    assert [item.issued for item in items] == sorted({item.issued for item in items})
    depths = dict(enumerate((config.load_queue, config.execute_queue, config.store_queue)))
    for n, item in enumerate(items):
        for older in items[:n]:
            assert not item.after(older) or item.issued > older.done
        inside = [x for x in items[:n] if x.unit == item.unit and x.done >= item.issued]
        assert len(inside) < depths[item.unit], UNITS[item.unit]
