"""What the units are counted as doing: on the RTL, by its counters, and in the cycle model."""

import re
from pathlib import Path

import pytest

from hw.config import PRESETS
from hw.control.activity import EVENTS
from hw.control.states import UnitState
from hw.isa import encode
from sim.breakdown import BOUNDS, STATES, UNITS, Timing
from sim.programs import random_program
from sim.rtl.engine import RtlEngine
from sim.timing import TimingEngine, predict

TINY = PRESETS["tiny"]
SEEDS = range(12)


@pytest.fixture(scope="module")
def rtl():
    engine = RtlEngine(TINY, latency=5, timeline=True)
    yield engine
    engine.close()


def program(seed):
    return random_program(TINY, seed, bus_errors=False).segments[0]


def test_numbers_are_the_same_everywhere():
    header = Path("sim/timing/states.h").read_text()
    in_header = re.findall(r"^    (\w+),", header, re.MULTILINE)
    assert in_header == [state.name for state in UnitState]
    assert STATES == tuple(state.name.lower().replace("_", " ") for state in UnitState)


@pytest.mark.parametrize("seed", SEEDS)
def test_states_add_up_to_all_cycles(rtl, seed):
    rtl.reset()
    run = rtl.run(program(seed))
    assert {sum(states.values()) for states in run.timing.units.values()} == {run.cycles}
    assert sum(run.timing.bounds.values()) == run.cycles
    assert set(run.timing.bounds) <= set(BOUNDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_model_says_what_the_rtl_does(rtl, seed):
    rtl.reset()
    timing, model = rtl.run(program(seed)).timing, predict(TINY, program(seed), latency=5)
    for unit in UNITS:
        for state in STATES:
            assert abs(timing.share(unit, state) - model.share(unit, state)) < 0.1


def counted(rtl, events, commands):
    """Cycles of every event while `commands` run, and of nothing else."""
    rtl.reset()
    choose = [
        encode("counter", configure=1, index=n, event=event) for n, event in enumerate(events)
    ]
    read = [encode("counter", index=n) for n in range(len(events))]
    around = [encode("counter", reset=1)], [encode("error"), encode("counter", snapshot=1)]
    answers = rtl.run([*choose, *around[0], *commands, *around[1], *read]).responses
    return dict(zip(events, answers[-len(events) :], strict=True))


@pytest.mark.parametrize("seed", [2, 5])
def test_counters_split_every_cycle_of_every_unit(rtl, seed):
    commands = [c for c in program(seed) if c.spec is None or c.spec.name != "counter"]
    totals = set()
    for table in EVENTS:
        events = list(dict.fromkeys(table.values()))
        counts = counted(rtl, events[:8], commands) | counted(rtl, events[-1:], commands)
        totals.add(sum(counts.values()))
    assert len(totals) == 1 and totals.pop() > len(commands)


def test_commands_have_their_times(rtl):
    model = TimingEngine(TINY, latency=5, timeline=True)
    for seed in SEEDS:
        rtl.reset()
        model.reset()
        run = rtl.run(program(seed))
        assert run.commands
        for command in run.commands:
            assert 0 <= command.start < command.end <= run.cycles
        kinds = {"load": "mvin", "execute": "compute", "store": "mvout"}
        for index, unit, _, _ in run.commands:
            assert program(seed)[index].spec.name.startswith((kinds[unit], "loop"))


def test_timings_of_runs_add_up():
    one = Timing(10, {"load": {"idle": 10}}, {"compute": 10})
    two = Timing(5, {"load": {"idle": 2, "active": 3}}, {"memory in": 5})
    both = Timing.sum([one, two])
    assert both.cycles == 15 and both.units["load"] == {"idle": 12, "active": 3}
    assert both.bound == "compute" and both.share("load") == 0.2
