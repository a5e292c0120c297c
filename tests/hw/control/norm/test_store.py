"""The store unit with normalisation: operations that write nothing among those that do."""

import random

import numpy as np
import pytest

from tests.hw.control.test_store import BASE, Bench, elements, expected, random_op
from tests.support.normalisation import Page

CONFIG = BASE.replace(name="norm", normalisation=True)
SMALL = {"dim": 3, "bus_width": 64, "store_queue": 2}


def program(config, seed, count):
    """Random operations, some with normalisation; those that write nothing are `silent`."""
    rng, ops = random.Random(seed), []
    for index in range(count):
        op = random_op(config, rng, index) | {"keep": 0, "configures": 0, "index": index}
        norm = {"step": 0, "stat": rng.randrange(4), "activation": rng.choice((0, 1, 2, 3, 4))}
        kind = rng.random()
        if kind < 0.15:
            op |= {"configures": 1, "keep": rng.randrange(2), "scale": rng.randint(100, 1 << 26)}
            op |= {"address": -rng.getrandbits(20) & 0xFFFF_FFFF, "stride": rng.getrandbits(31)}
        elif op["acc"] and kind < 0.5:
            norm["step"], op["full"] = rng.randint(1, 7), 0
        ops.append(op | {"norm": norm})
    return ops


def silent(op):
    return bool(op["configures"] or op["norm"]["step"])


class Judge:
    """The page beside the operations: bytes of each."""

    def __init__(self, bench, ops):
        config = bench.config
        self.bench, self.memory, self.words = bench, {}, []
        self.page = Page(config.accumulator.width, config.output.max, config.dim)
        for op in ops:
            if silent(op):
                self.follow(op)
                continue
            memory, words = expected(self.prepared(op), [op | self.plain(op)])
            self.memory |= memory
            self.words += words

    def follow(self, op):
        if op["configures"]:
            signed = lambda word: word - (word >> 31 << 32)  # noqa: E731
            self.page.qb, self.page.qc = signed(op["address"]), signed(op["stride"])
            self.page.qln2 = self.page.qln2 if op["keep"] else op["scale"]
            return
        rows, dim = [], self.bench.config.dim
        for r in range(op["rows"]):
            values, _ = elements(self.bench, op | {"full": 1}, r)
            rows += [values[start : start + dim] for start in range(0, len(values), dim)]
        self.page.gather(op["norm"]["stat"], op["norm"]["step"], rows)

    def plain(self, op):
        """The same as an operation without normalisation."""
        activation = op["norm"]["activation"]
        changed = {"relu": activation == 1}
        if op["acc"] and not op["full"] and activation > 1:
            changed["scale"] = self.page.scale(activation, op["scale"])
        return changed

    def prepared(self, op):
        """The memories with the elements that such an operation would have to find."""
        activation, stat = op["norm"]["activation"], op["norm"]["stat"]
        if not op["acc"] or op["full"] or activation < 2:
            return self.bench

        class View:
            config, sp = self.bench.config, self.bench.sp
            value = np.vectorize(lambda x: self.page.value(stat, activation, int(x)))
            acc = value(self.bench.acc)

        return View


@pytest.mark.parametrize("config", [CONFIG, CONFIG.replace(**SMALL)], ids=["dim 4", "dim 3"])
@pytest.mark.parametrize("stall, latency", [(0, 1), (0.4, 1), (0.2, 30)])
def test_operations_that_write_nothing_complete_in_their_turn(config, stall, latency):
    ops = program(config, f"{stall} {latency}", 40)
    bench = Bench(config, seed=5, stall=stall, ack_latency=latency).run(ops)
    judge = Judge(bench, ops)
    assert bench.memory == judge.memory
    written = [0]
    for op in ops:
        written.append(written[-1] + (0 if silent(op) else judge.words.pop(0)))
    for op, words, (acknowledged, _) in zip(ops, written[1:], bench.done, strict=True):
        assert acknowledged >= words and (silent(op) or acknowledged == words)
