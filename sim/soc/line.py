"""The simulated system at the end of a pseudo-terminal, with a line that makes mistakes."""

import os
import random
import threading
import tty

from .model import Soc


class Noise:
    """Every byte is lost, doubled or corrupted with these probabilities."""

    def __init__(self, lost: float = 0, doubled: float = 0, corrupted: float = 0, seed: int = 0):
        self.chances = lost, doubled, corrupted
        self.rng = random.Random(seed)
        self.faults = [0, 0, 0]

    def __call__(self, data: bytes) -> bytes:
        """What arrives of `data`."""
        arrived = bytearray()
        for byte in data:
            lost, doubled, corrupted = (self.rng.random() < chance for chance in self.chances)
            self.faults = [
                n + hit for n, hit in zip(self.faults, (lost, doubled, corrupted), strict=True)
            ]
            if corrupted:
                byte ^= 1 << self.rng.randrange(8)
            arrived += bytes([byte] * ((not lost) + doubled))
        return bytes(arrived)


class SimulatedLine:
    """A `Soc` that runs in a thread of its own; `path` is the terminal to its console.

    A character takes `cycles_per_byte`, as on a board. `close` ends it.
    """

    BURST = 8

    def __init__(
        self,
        soc: Soc,
        down: Noise | None = None,
        up: Noise | None = None,
        cycles_per_byte: int = 100,
    ):
        self.soc, self.down, self.up = soc, down or Noise(), up or Noise()
        self.slice = self.BURST * cycles_per_byte
        self._host, self._terminal = os.openpty()
        tty.setraw(self._terminal)
        os.set_blocking(self._host, False)
        self.path = os.ttyname(self._terminal)
        self.cycles = 0
        self._error: Exception | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            self._carry()
        except Exception as error:
            self._error = error

    def _carry(self):
        waiting = b""
        while not self._ending.is_set():
            try:
                waiting += self.down(os.read(self._host, 4096))
            except BlockingIOError:
                pass
            self.soc.type(waiting[: self.BURST])
            waiting = waiting[self.BURST :]
            sent = self.up(self.soc.step(self.slice))
            self.cycles += self.slice
            while sent:
                try:
                    sent = sent[os.write(self._host, sent) :]
                except BlockingIOError:
                    self._ending.wait(0.001)

    def close(self):
        """Stop the system and take the terminal away; what went wrong in it is raised here."""
        self._ending.set()
        self._thread.join()
        os.close(self._host)
        os.close(self._terminal)
        if self._error is not None:
            raise self._error
