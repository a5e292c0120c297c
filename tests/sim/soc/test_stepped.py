"""A line that simulates while a byte is awaited."""

import pytest

from sim.soc.stepped import Silence, SteppedLine


class Echo:
    """Pins that send back what was typed, `after` steps later."""

    def __init__(self, after: int):
        self.after, self.typed, self.steps = after, b"", 0

    def type(self, data):
        self.typed, self.steps = self.typed + data, 0

    def step(self, cycles):
        self.steps += 1
        sent, self.typed = (self.typed, b"") if self.steps > self.after else (b"", self.typed)
        return sent


def test_reads_simulate_until_something_comes():
    line = SteppedLine(Echo(after=3))
    assert line.write(b"answer") == 6 and line.cycles == 0
    assert line.read(4) == b"answ"
    assert line.cycles == 4 * SteppedLine.SLICE
    assert line.read(4) == b"er" and line.cycles == 4 * SteppedLine.SLICE


def test_what_comes_while_nobody_reads_is_kept():
    line = SteppedLine(Echo(after=0))
    line.write(b"early")
    line.wait(1)
    assert line.cycles == SteppedLine.SLICE and line.read(99) == b"early"


def test_silence_ends_a_read():
    line = SteppedLine(Echo(after=100), limit=1000)
    line.write(b"x")
    with pytest.raises(Silence, match="nothing has come from the board in 1000 cycles"):
        line.read(1)
    assert 1000 <= line.cycles < 1000 + SteppedLine.SLICE
