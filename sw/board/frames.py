"""What goes over the line between host and loader (docs/board.md).

A frame is ``MAGIC, number, operation, length (2), payload, CRC-32 (4)``, little endian; the CRC is
zlib's, over everything between magic and itself. The host numbers its requests; a reply has the
request's number and its operation with bit 7 set. A frame that is broken in any way is dropped by
either side, and whoever waits for it asks again. What is no frame is a program's console.
"""

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

MAGIC = 0xA5
MOST = 1024
"""Bytes of a payload."""

REPLY = 0x80
HEADER, TAIL = struct.Struct("<BBBH"), struct.Struct("<I")


class Operation(IntEnum):
    """Requests, with payload -> payload of the reply; ENDED comes by itself."""

    PING = 1  # -> most, number of the GO before it (0: none), exit code, configuration's name
    WRITE = 2  # address, bytes
    READ = 3  # address, count -> bytes
    RUN = 4  # list, count, answers, room -> answered, error, index, 0, cycles (8)
    GO = 5  # entry; the program's console follows
    ENDED = 6  # number of its GO, exit code
    RESET = 7  # core and accelerator start anew


@dataclass(frozen=True)
class Frame:
    """`operation` as it is on the line: replies have `REPLY` in it."""

    number: int
    operation: int
    payload: bytes = b""

    def pack(self) -> bytes:
        """Its bytes; ValueError if the payload is too long."""
        if len(self.payload) > MOST:
            raise ValueError(f"a frame of {len(self.payload)} bytes; it holds at most {MOST}")
        head = HEADER.pack(MAGIC, self.number, self.operation, len(self.payload))
        body = head[1:] + self.payload
        return head[:1] + body + TAIL.pack(zlib.crc32(body))


class Parser:
    """Finds frames in what comes from the line; the rest is `console`."""

    def __init__(self):
        self._waiting = bytearray()
        self.console = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete now."""
        self._waiting += data
        found = []
        while self._waiting:
            frame = self._first()
            if frame is None:
                break
            if frame:
                found.append(frame)
        return found

    def flush(self) -> list[Frame]:
        """Nothing came for a while: what looked like the start of a frame was none, but there may
        be frames behind it."""
        found = []
        while self._waiting:
            self.console.append(self._waiting.pop(0))
            found += self.feed(b"")
        return found

    def _first(self) -> Frame | bool | None:
        """The frame at the start; False after a byte that starts none, None if more must come."""
        data = self._waiting
        whole = 0
        if data[0] == MAGIC:
            if len(data) < HEADER.size:
                return None
            _, number, operation, length = HEADER.unpack_from(data)
            whole = HEADER.size + length + TAIL.size if length <= MOST else 0
            if len(data) < whole:
                return None
        if whole:
            body = bytes(data[1 : whole - TAIL.size])
            if TAIL.unpack_from(data, whole - TAIL.size)[0] == zlib.crc32(body):
                del data[:whole]
                return Frame(number, operation, body[HEADER.size - 1 :])
        self.console.append(data.pop(0))
        return False


def defines() -> dict[str, int]:
    """The protocol's numbers for the loader in C."""
    names = {f"FRAME_{operation.name}": int(operation) for operation in Operation}
    return names | {"FRAME_MAGIC": MAGIC, "FRAME_MOST": MOST, "FRAME_REPLY": REPLY}
