"""The scheduler's promises: legal orders, full queues never waited for, configuration once."""

import random

import pytest

from hw.config import Config
from hw.isa import Command, encode
from sw.compiler.schedule import Job, Unit, schedule


def job(unit, tag, cycles=10, after=(0, 0, 0), settings=()):
    return Job(unit, (Command(100 + unit, tag),), settings, cycles, after)


def test_the_order_respects_every_dependency():
    rng = random.Random(3)
    jobs, counts = [[], [], []], [0, 0, 0]
    for tag in range(200):
        unit = rng.choice(list(Unit))
        after = [rng.randint(max(0, n - 5), n) if u != unit else 0 for u, n in enumerate(counts)]
        jobs[unit].append(job(unit, tag, rng.randint(1, 30), tuple(after)))
        counts[unit] += 1
    commands, _ = schedule(Config(), jobs)
    assert len(commands) == 200
    seen, place = [0, 0, 0], [0, 0, 0]
    for command in commands:
        unit = command.funct - 100
        expected = jobs[unit][place[unit]]
        assert command.rs1 == expected.commands[0].rs1, "a unit's jobs left their order"
        assert all(have >= need for have, need in zip(seen, expected.after, strict=True))
        seen[unit] += 1
        place[unit] += 1


def test_settings_are_emitted_when_they_change():
    one, two = encode("config_ld", stride=1), encode("config_ld", stride=2)
    settings = [one, one, two, two, one]
    jobs = [job(Unit.LOAD, n, settings=(("ld0", s),)) for n, s in enumerate(settings)]
    commands, _ = schedule(Config(), [jobs, [], []])
    assert [c for c in commands if c.funct == 0] == [one, two, one]


def test_units_work_side_by_side():
    loads = [job(Unit.LOAD, n, 16) for n in range(20)]
    computes = [job(Unit.EXECUTE, n, 16, after=(n + 1, 0, 0)) for n in range(20)]
    stores = [job(Unit.STORE, n, 16, after=(0, n + 1, 0)) for n in range(20)]
    _, cycles = schedule(Config(), [loads, computes, stores])
    assert cycles < 20 * 16 + 200


def test_loads_run_ahead_no_further_than_their_queue():
    config = Config(load_queue=4)
    loads = [job(Unit.LOAD, n, 100) for n in range(30)]
    computes = [job(Unit.EXECUTE, n, 1) for n in range(30)]
    commands, _ = schedule(config, [loads, computes, []])
    last_compute = max(i for i, c in enumerate(commands) if c.funct == 101)
    assert sum(c.funct == 100 for c in commands[:last_compute]) <= 4 + 1


def test_a_circle_is_an_error():
    jobs = [[job(Unit.LOAD, 0, after=(0, 1, 0))], [job(Unit.EXECUTE, 0, after=(1, 0, 0))], []]
    with pytest.raises(AssertionError, match="2 jobs wait for one another"):
        schedule(Config(), jobs)
