import random

import pytest

from hw.control.counters import Counters
from hw.isa import ErrorCode, Event, encode
from tests.support.streams import simulate

NONE, REFUSED = ErrorCode.NONE, ErrorCode.NOT_SUPPORTED


def run(steps, count=8):
    """Answers `(value, error)` to steps `(events, fields of a command or None)`, one per cycle."""
    dut = Counters(count)
    answers = []

    async def bench(ctx):
        for events, fields in steps:
            ctx.set(dut.events, sum(1 << event for event in events))
            ctx.set(dut.go, fields is not None)
            if fields is not None:
                command = encode("counter", **fields)
                ctx.set(
                    dut.command, {"funct": command.funct, "rs1": command.rs1, "rs2": command.rs2}
                )
                answers.append((ctx.get(dut.value), ErrorCode(ctx.get(dut.error))))
            await ctx.tick()

    simulate(dut, bench)
    return answers


def choose(event, index=0):
    return {"configure": 1, "index": index, "event": event}


def read(index=0):
    return {"index": index}


@pytest.mark.parametrize("event", [event for event in Event if event])
def test_every_event_counts_its_own_cycles(event):
    others = [other for other in Event if other not in (event, Event.NONE)]
    steps = [([], choose(event)), ([event], None), (others, None), ([event, *others], None)]
    assert run([*steps, ([], read())])[-1] == (2, NONE)


def test_event_none_counts_nothing():
    steps = [([], choose(Event.NONE)), *[(list(Event)[1:], None)] * 3, ([], read())]
    assert run(steps)[-1] == (0, NONE)


def test_counters_are_independent():
    steps = [([], choose(Event.LOAD_BUSY, 0)), ([], choose(Event.EXECUTE_ACTIVE, 7))]
    steps += [([Event.LOAD_BUSY], None)] * 3 + [([Event.EXECUTE_ACTIVE], None)] * 5
    answers = run([*steps, ([], read(0)), ([], read(7)), ([], read(3))])
    assert answers[2:] == [(3, NONE), (5, NONE), (0, NONE)]


def test_configure_zeroes_one_counter_and_answers_what_it_held():
    busy = Event.ALL_BUSY
    steps = [([], choose(busy, 1)), ([], choose(busy, 2)), ([busy], None), ([busy], None)]
    steps += [([], choose(Event.STORE_BUSY, 1)), ([], read(1)), ([], read(2))]
    assert run(steps)[2:] == [(2, NONE), (0, NONE), (2, NONE)]


def test_reset_zeroes_all_and_keeps_their_events():
    busy = Event.ALL_BUSY
    steps = [([], choose(busy, 1)), ([], choose(busy, 2)), ([busy], None)]
    steps += [([], {"reset": 1, "index": 1}), ([], read(2)), ([busy], None), ([], read(2))]
    assert run(steps)[2:] == [(1, NONE), (0, NONE), (1, NONE)]


def test_snapshot_freezes_until_it_is_left():
    busy = Event.LOAD_ACTIVE
    steps = [([], choose(busy)), ([busy], None), ([busy], {"snapshot": 1}), ([busy], None)]
    steps += [([busy], read()), ([], {"snapshot_reset": 1}), ([], read())]
    assert run(steps)[1:] == [(1, NONE), (1, NONE), (1, NONE), (4, NONE)]


def test_counting_goes_on_in_the_cycle_of_a_read():
    busy = Event.COMMAND_WAITS
    steps = [([busy], choose(busy)), ([busy], read()), ([busy], read()), ([], read())]
    assert [value for value, _ in run(steps)] == [0, 0, 1, 2]


@pytest.mark.parametrize(
    "fields, count",
    [
        ({"configure": 1, "event": 15}, 8),
        ({"configure": 1, "event": 63}, 8),
        ({"configure": 1, "event": 24, "external": 1}, 8),
        ({"index": 2}, 2),
        ({"index": 7, "configure": 1, "event": 1}, 7),
        ({"index": 0}, 0),
    ],
)
def test_refused(fields, count):
    assert run([([], fields)], count) == [(0, REFUSED)]


def test_a_refused_command_changes_nothing():
    busy = Event.LOAD_BUSY
    steps = [([], choose(busy)), ([busy], None), ([], choose(15) | {"reset": 1})]
    steps += [([], read() | {"configure": 1, "external": 1}), ([busy], None), ([], read())]
    assert run(steps)[1:] == [(0, REFUSED), (0, REFUSED), (2, NONE)]


def test_without_configure_the_event_does_not_matter():
    assert run([([], {"event": 63}), ([], {"external": 1})]) == [(0, NONE)] * 2


def test_random_commands():
    """Against a plain list of counters, with several bits of a command set at once."""
    rng = random.Random(11)
    events = [int(event) for event in Event]
    count = 4
    values, chosen, kept, frozen = [0] * count, [0] * count, [0] * count, False
    steps, expected = [], []
    for _ in range(800):
        happening = [event for event in events if event and rng.random() < 0.3]
        fields = None
        if rng.random() < 0.5:
            fields = {"index": rng.randrange(6), "event": rng.choice([*events, 10, 40])}
            fields |= {
                bit: int(rng.random() < 0.15) for bit in ("reset", "snapshot", "snapshot_reset")
            }
            fields |= {"configure": rng.randrange(2), "external": int(rng.random() < 0.1)}
        steps.append((happening, fields))
        after = [value + (chosen[n] in happening) for n, value in enumerate(values)]
        if fields is not None:
            n = fields["index"]
            strange = fields["external"] or fields["event"] not in events
            wrong = n >= count or (fields["configure"] and strange)
            expected.append((0, REFUSED) if wrong else ((kept if frozen else values)[n], NONE))
            if not wrong:
                if fields["reset"]:
                    after = [0] * count
                if fields["configure"]:
                    after[n], chosen[n] = 0, fields["event"]
                if fields["snapshot"]:
                    kept = list(values)
                frozen = bool(fields["snapshot"] or (frozen and not fields["snapshot_reset"]))
        values = after
    assert run(steps, count) == expected
