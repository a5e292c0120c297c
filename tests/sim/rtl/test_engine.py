"""The engine and its memory model, with a stand-in that has the accelerator's ports."""

import functools
import random

import pytest

from hw.config import PRESETS
from hw.isa import Command, ErrorCode
from hw.verilog import emit
from sim.engine import Engine, EngineError
from sim.rtl.engine import RtlEngine, stretches
from sim.rtl.flat import Flat
from tests.sim.rtl.copier import ANSWER, CLAIM, COPY, HANG, MISBEHAVE, Copier

SMALL = PRESETS["small"]
WORD = SMALL.bus_bytes


@functools.cache
def _verilog() -> str:
    return emit(Flat(Copier(SMALL.bus_width), reset=False))


def engine(**options) -> RtlEngine:
    return RtlEngine(SMALL, 1 << 16, verilog=_verilog(), **{"cycle_limit": 100_000, **options})


def copy(source: int, target: int, count: int) -> Command:
    return Command(COPY, source, target | count << 32)


def copied_in(count: int, **options) -> int:
    """Cycles of a copy of `count` bytes whose result was checked."""
    sim = engine(**options)
    data = random.Random(count).randbytes(count)
    sim.write(0, data)
    run = sim.run([copy(0, 0x8000, count)])
    assert run.error is ErrorCode.NONE
    assert sim.read(0x8000, count) == data
    return run.cycles


def test_is_an_engine():
    assert isinstance(engine(), Engine)


@pytest.mark.parametrize("latency", [2, 5, 40])
def test_latency_is_that_of_the_first_word_and_of_the_acknowledgement(latency):
    assert copied_in(WORD, latency=latency) - copied_in(WORD) == 2 * (latency - 1)


def test_one_word_per_cycle_in_each_direction_at_any_latency():
    words = 512
    once = copied_in(WORD)
    assert copied_in(words * WORD) == once + words - 1
    assert copied_in(words * WORD, latency=9) == once + 2 * 8 + words - 1


@pytest.mark.parametrize("rate", [1, 3, 4, 6.5, 8])
def test_bytes_per_cycle_limit_the_rate(rate):
    words = 512
    expected = words * WORD / rate
    assert expected - WORD <= copied_in(words * WORD, bytes_per_cycle=rate) <= expected + 20


def test_requests_in_flight_limit_the_rate():
    words = 128
    cycles = copied_in(words * WORD, latency=20, max_outstanding=2)
    assert words / 2 * 20 - 20 <= cycles <= words / 2 * 21 + 50


@pytest.mark.parametrize("seed", range(4))
def test_stalls_change_time_but_not_data(seed):
    count = 256 * WORD
    stalled = copied_in(count, stall=0.5, seed=seed, latency=3)
    assert stalled > 1.5 * copied_in(count, latency=3)
    assert stalled == copied_in(count, stall=0.5, seed=seed, latency=3)


@pytest.mark.parametrize("stream", ["read_request", "read_data", "write", "ack", "host"])
def test_one_stream_can_stall_alone(stream):
    commands = [copy(0, 0x8000, WORD)] * 64
    free, slow = engine(), engine(stall={stream: 0.9}, seed=1)
    assert slow.run(commands).cycles > 1.5 * free.run(commands).cycles


def test_command_gap_idles_after_each_command():
    answers = [Command(ANSWER, value) for value in range(10)]
    free, gapped = engine().run(answers), engine(command_gap=30).run(answers)
    assert free.responses == gapped.responses == list(range(10))
    assert gapped.cycles - free.cycles >= 9 * 28


@pytest.mark.parametrize(
    ("source", "target", "error"),
    [(0x1_0000 - WORD, 0, None), (0x1_0000, 0, "BUS_READ"), (0, 0x1_0000, "BUS_WRITE")],
)
def test_addresses_outside_the_memory_answer_with_an_error(source, target, error):
    sim = engine()
    run = sim.run([copy(0, 0, WORD), copy(source, target, WORD)])
    assert run.error.name == (error or "NONE")
    assert run.error_index == (1 if error else 0)
    assert sim.statistics()["errors"] == (1 if error else 0)


def test_reset_is_power_up_and_keeps_the_memory():
    sim = engine()
    sim.write(0, b"keep")
    sim.run([copy(0, 0x1_0000, WORD)])
    sim.reset()
    run = sim.run([Command(ANSWER, 5)])
    assert (run.error, run.responses) == (ErrorCode.NONE, [5])
    assert sim.read(0, 4) == b"keep"


def test_a_hang_is_an_error_that_names_the_state():
    sim = engine(patience=100)
    with pytest.raises(EngineError, match=r"deadlock.*1 of 2 commands.*one waits.*execute"):
        sim.run([Command(HANG), Command(ANSWER)])


def test_a_request_that_is_withdrawn_is_an_error():
    sim = engine(stall={"read_request": 0.9}, seed=3)
    with pytest.raises(EngineError, match="read request changed before it was taken"):
        sim.run([Command(MISBEHAVE)])


def test_a_failed_assertion_of_the_design_ends_a_run_and_is_forgotten_by_the_next_model():
    first, second = engine(), engine()
    for _ in range(2):
        with pytest.raises(EngineError, match=r"an assertion fails: \S*top.v:\d+ in cycle \d+:"):
            first.run([copy(0, 64, 64), Command(CLAIM), Command(HANG)])
        assert second.run([copy(0, 64, 64)]).error is ErrorCode.NONE
        first.reset()


def test_the_cycle_limit_ends_a_run():
    with pytest.raises(EngineError, match="cycle limit was reached in cycle 50:"):
        engine(cycle_limit=50).run([Command(MISBEHAVE)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"latency": 0}, "latency is 0; it must be at least 1"),
        ({"command_gap": -5}, "command_gap is -5; it must be from 0 to 100000"),
        ({"bytes_per_cycle": 0}, "bytes_per_cycle is 0; it must be above 0"),
        ({"stall": 1.0}, "is 1.0; names are read_request"),
        ({"stall": {"reads": 0.5}}, r"stall\['reads'\] is 0.5; names are read_request, "),
    ],
)
def test_bad_options_name_field_and_remedy(options, message):
    with pytest.raises(EngineError, match=message):
        engine(**options)


def test_reads_outside_the_memory_raise():
    with pytest.raises(EngineError, match="larger memory_bytes"):
        engine().read(0xFFFF, 2)


def test_timeline_shows_when_units_had_work():
    sim = engine(timeline=True)
    sim.run([copy(0, 0x8000, WORD)])
    run = sim.run([copy(0, 0x8000, 100 * WORD)])
    units = {unit: (start, end) for unit, start, end in run.activity}
    assert units["load"] == (1, 101)
    assert units["store"][1] - units["load"][1] == 2
    assert sim.last.load_cycles == 100


def test_stretches_pair_changes():
    changes = [(10, 0), (12, 1), (15, 3), (18, 2), (20, 0)]
    assert stretches(changes, start=10) == [("load", 2, 8), ("execute", 5, 10)]


def test_waves_are_written(tmp_path):
    sim = engine(waves=tmp_path / "run.vcd")
    sim.run([copy(0, 0x8000, WORD)])
    sim.close()
    text = (tmp_path / "run.vcd").read_text()
    assert "memory_read_request_valid" in text and "#2" in text
