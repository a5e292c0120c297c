"""A line to a board's pins that needs no terminal: they are simulated while a byte is awaited."""

from sim.engine import EngineError

from .pins import Lockstep, Pins


class Silence(EngineError):
    """Nothing comes from the board."""


class SteppedLine:
    """What :class:`sw.board.link.Link` wants of a line, the same cycle for cycle every time.

    Silence if nothing comes within `limit` cycles of a read.

    Members
    -------
    cycles : simulated so far
    """

    SLICE = 320
    """Cycles of one step."""

    def __init__(self, pins: Pins | Lockstep, limit: int = 2_000_000):
        self.pins = pins
        self.limit = limit
        self.cycles = 0
        self._came = b""

    def wait(self, cycles: int):
        """Simulate at least so many cycles."""
        end = self.cycles + cycles
        while self.cycles < end:
            self._came += self.pins.step(self.SLICE)
            self.cycles += self.SLICE

    def write(self, data: bytes) -> int:
        """Send all of `data`."""
        self.pins.type(data)
        return len(data)

    def read(self, size: int) -> bytes:
        """What has come, up to `size` bytes, after the first is there."""
        end = self.cycles + self.limit
        while not self._came:
            if self.cycles >= end:
                raise Silence(f"nothing has come from the board in {self.limit} cycles")
            self.wait(self.SLICE)
        taken, self._came = self._came[:size], self._came[size:]
        return taken
