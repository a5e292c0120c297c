import pytest
from amaranth.hdl import Assert, Assume, Cover, Elaboratable, Module, Mux, Signal

from hw.bus.stream import Queue
from sim.formal import Inside, anything, constant, prove


class Counter(Elaboratable):
    """Counts 0, 2, 4, 6 and again; asserts `claim(count)`, covers the count `reach`."""

    def __init__(self, claim, reach=4, contradiction=False):
        self.claim, self.reach, self.contradiction = claim, reach, contradiction

    def elaborate(self, platform):
        m = Module()
        count = Signal(4)
        steps = anything(m, 1, "steps")
        with m.If(steps):
            m.d.sync += count.eq(Mux(count == 6, 0, count + 2))
        if self.contradiction:
            m.d.comb += Assume(steps & ~steps)
        if self.reach is not None:
            m.d.comb += Cover(count == self.reach)
        if self.claim is not None:
            m.d.comb += Assert(self.claim(count))
        return m


def test_what_holds_is_proven_and_remembered():
    for _ in range(2):
        prove(Counter(lambda count: ~count[0]), "even", depth=1, cover=4)


def test_a_counterexample_names_line_and_values():
    with pytest.raises(AssertionError) as failure:
        prove(Counter(lambda count: count != 6), "six", depth=6, cover=4)
    text = str(failure.value)
    assert "six (prove, depth 6): assertion fails: tests/formal/test_runner.py:" in text
    assert "m.d.comb += Assert(self.claim(count))" in text
    assert "count 0 2 4 6" in " ".join(text.split())


def test_depth_bounds_a_proof_without_induction():
    prove(Counter(lambda count: count != 6), "six_later", depth=3, cover=4, induction=False)


def test_what_does_not_follow_from_itself_is_not_proven():
    with pytest.raises(AssertionError, match="fourteen .*: assertion is not inductive"):
        prove(Counter(lambda count: count != 14), "fourteen", depth=2, cover=4)


def test_an_unreached_cover_fails():
    with pytest.raises(AssertionError, match="never .cover, depth 6.: cover not reached: .*Cover"):
        prove(Counter(lambda count: ~count[0], reach=5), "never", depth=1, cover=6)


def test_contradicting_assumptions_prove_nothing():
    with pytest.raises(AssertionError, match="cover"):
        prove(Counter(lambda count: count == 1, contradiction=True), "absurd", depth=1, cover=4)


@pytest.mark.parametrize(
    "claim, reach, missing", [(None, 4, "Assert"), (lambda c: 1, None, "Cover")]
)
def test_a_proof_needs_claim_and_cover(claim, reach, missing):
    with pytest.raises(ValueError, match=f"empty has no {missing}; a proof needs both"):
        prove(Counter(claim, reach), "empty", depth=1, cover=1)


def test_inner_signals_are_found_by_path():
    class Design(Elaboratable):
        def elaborate(self, platform):
            m = Module()
            queue = Queue(4, 2)
            m.submodules.queue = inside = Inside(queue)
            value = constant(m, 4, "value")
            m.d.comb += [queue.i.valid.eq(1), queue.i.payload.eq(value)]
            level = inside.signal("fifo.level")
            row = inside.row(m, "fifo.storage", 0, "row")
            m.d.comb += [Assert((level == 0) | (row == value)), Cover(level == 2)]
            for wrong, message in (
                ("fifo.depth", "no signal 'fifo.depth'; driven there are .*'level'"),
                ("lifo.level", "no submodule 'lifo' in 'lifo'; there are .'fifo'."),
            ):
                with pytest.raises(ValueError, match=message):
                    inside.signal(wrong)
            with pytest.raises(ValueError, match="'fifo' is no memory"):
                inside.row(m, "fifo", 0, "none")
            return m

    prove(Design(), "inside", depth=2, cover=4)
