"""The cocotb runner: a failing bench is an AssertionError that names test, seed and log."""

import cocotb
import pytest

from hw.bus.stream import Queue
from tests.support.bench import Sink, Source, coins, run, seed


def bench(**options):
    from sim.cosim.runner import run_cocotb

    return run_cocotb(Queue(8, 3), __name__, name="queue", **options)


def test_a_bench_that_passes_leaves_its_log():
    directory = bench(test_filter="payloads")
    assert "passed" in (directory / "log.txt").read_text()
    assert directory.name == "queue-test_runner-payloads"  # not where a run beside it writes


def test_a_bench_that_fails_names_test_seed_and_log():
    with pytest.raises(AssertionError, match=r"(?s)COCOTB_RANDOM_SEED=77.*is_wrong: .*log: "):
        bench(test_filter="is_wrong", seed=77)


def test_a_bench_without_tests_fails():
    with pytest.raises(AssertionError, match="no test was found"):
        bench(test_filter="nothing_of_that_name")


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.5])
async def payloads_come_in_order(dut, stall):
    coin = coins(seed(), stall)
    source, sink = Source(dut, "i", range(200), coin(1)), Sink(dut, "o", "", coin(2))
    await run(dut, (source, sink), lambda: len(sink.taken) == 200)
    assert [payload for _, payload in sink.taken] == list(range(200))
    if not stall:
        assert {taken - sent for sent, (taken, _) in zip(source.sent, sink.taken, strict=True)} == {
            1
        }


@cocotb.test()
async def everything_is_wrong(dut):
    await run(dut, (), lambda: True)
    assert seed() == 78
