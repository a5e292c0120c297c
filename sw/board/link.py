"""Requests to the loader, repeated until they are answered."""

import struct
import time
from typing import Protocol

from sim.engine import EngineError

from .frames import MOST, REPLY, Frame, Operation, Parser


class Line(Protocol):
    """Bytes to and from a board: what pyserial's ``Serial`` offers."""

    def write(self, data: bytes) -> int | None:
        """Send all of `data`."""

    def read(self, size: int) -> bytes:
        """What has come, up to `size` bytes; waits for the first as long as the line's timeout."""


class Link:
    """One loader at the end of a `line`, whose reads time out after a while without a byte.

    A request that is not answered within `patience` seconds is sent again, up to `tries` times and
    with up to 16 times the patience: EngineError after that. Lost, doubled and corrupted bytes in
    either direction cost time, nothing else: no request is carried out twice.

    Members
    -------
    ended : (number, exit code) of the last program whose end was heard of
    repeats : requests that were sent again
    """

    def __init__(self, line: Line, patience: float = 0.5, tries: int = 20):
        self.line = line
        self.patience = patience
        self.tries = tries
        self.parser = Parser()
        self.repeats = 0
        self.ended: tuple[int, int] | None = None
        self._number = 0
        self._heard = time.monotonic()

    def next_number(self) -> int:
        """Of a new request; 0 is for what the loader says by itself."""
        self._number = self._number % 255 + 1
        return self._number

    def request(self, operation: Operation, payload: bytes = b"", limit: float = 0) -> bytes:
        """The payload of the reply; `limit` is how many seconds the work itself may take."""
        number, end, attempt = self.next_number(), time.monotonic() + limit, 0
        while attempt < self.tries or time.monotonic() < end:
            self.repeats += attempt > 0
            reply = self.ask(number, operation, payload, self.patience * 2 ** min(attempt, 4))
            if reply is not None:
                return reply
            attempt += 1
        raise EngineError(
            f"the board has not answered {operation.name} in {attempt} tries; is it on this "
            "port, and its loader running (reset it)?"
        )

    def ask(
        self, number: int, operation: Operation, payload: bytes = b"", patience: float | None = None
    ) -> bytes | None:
        """Send a request once; the payload of its reply, None if none came in time."""
        self.line.write(Frame(number, operation, payload).pack())
        end = time.monotonic() + (self.patience if patience is None else patience)
        while time.monotonic() < end:
            for frame in self.poll():
                if (frame.number, frame.operation) == (number, operation | REPLY):
                    return frame.payload
        return None

    def poll(self) -> list[Frame]:
        """Frames that have come by now."""
        data, now = self.line.read(4 * MOST), time.monotonic()
        frames = self.parser.feed(data)
        if data:
            self._heard = now
        elif now - self._heard > self.patience / 2:
            frames += self.parser.flush()
        for frame in frames:
            if frame.operation == Operation.ENDED and len(frame.payload) == 8:
                self.ended = struct.unpack("<II", frame.payload)
        return frames

    def console(self) -> bytes:
        """What came between frames since the last call."""
        text = bytes(self.parser.console)
        self.parser.console.clear()
        return text
