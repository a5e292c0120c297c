"""The `board` engine: commands and programs for a system at the end of a serial line."""

import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hw.config import Config
from hw.isa import RESPONDS, Command
from hw.soc.host import DEFAULT, Host
from hw.soc.map import FIRMWARE
from sim.engine import EngineError, Run, check_memory_bytes, check_range
from sw.runtime.build import Firmware, build
from sw.runtime.lists import COMMAND_BYTES, add_outcome, pack_commands, run_in_batches

from .frames import MOST, Operation
from .link import Line, Link


@dataclass(frozen=True)
class Ping:
    """What the loader says of itself: the `number` of the GO since which there were only pings (0
    for none), the last program's exit code, and the configuration's name."""

    most: int
    number: int
    exit_code: int
    config: str


@dataclass
class BoardRun:
    """A program's console and exit code."""

    console: str
    exit_code: int


class BoardEngine:
    """An :class:`sim.engine.Engine` on a board, whose loader is at the end of `line`.

    Parameters
    ----------
    line
        An open serial port (pyserial), or what behaves like one.
    memory_bytes, firmware_bytes
        What the board has of either. Lists and answers of `run` take the firmware memory.
    host
        The board's core.
    time_limit
        Seconds after which a run or a program ends in EngineError.

    EngineError if nothing answers, or another configuration does.
    """

    def __init__(
        self,
        config: Config,
        line: Line,
        memory_bytes: int,
        firmware_bytes: int,
        *,
        host: Host = DEFAULT,
        patience: float = 0.5,
        time_limit: float = 60,
    ):
        self.config = config
        self.memory_bytes = check_memory_bytes(memory_bytes)
        self.firmware_bytes = firmware_bytes
        self.host = host
        self.time_limit = time_limit
        self.link = Link(line, patience)
        found = self.ping()
        if found.config != config.name:
            raise EngineError(
                f"the board has {found.config}, not {config.name}; load its bitstream"
            )

    def ping(self) -> Ping:
        """Ask the loader who it is."""
        return self._ping(self.link.request(Operation.PING))

    @staticmethod
    def _ping(reply: bytes) -> Ping:
        return Ping(*struct.unpack_from("<3I", reply), reply[12:].decode(errors="replace"))

    def read(self, address: int, count: int) -> bytes:
        """`count` bytes from `address`; EngineError outside the memory."""
        check_range(self.memory_bytes, address, count)
        return self._read(address, count)

    def write(self, address: int, data: bytes) -> None:
        """Store bytes from `address` on; EngineError outside the memory."""
        check_range(self.memory_bytes, address, len(data))
        self._write(address, data)

    def _read(self, address: int, count: int) -> bytes:
        parts = []
        for start in range(0, count, MOST):
            part = min(MOST, count - start)
            parts.append(
                self.link.request(Operation.READ, struct.pack("<II", address + start, part))
            )
        return b"".join(parts)

    def _write(self, address: int, data: bytes) -> None:
        for start in range(0, len(data), MOST - 4):
            head = struct.pack("<I", address + start)
            self.link.request(Operation.WRITE, head + data[start : start + MOST - 4])

    def run(self, commands: Sequence[Command]) -> Run:
        """Leave `commands` in the firmware memory and have them carried out, until all is idle."""
        most = self.firmware_bytes // 2 // COMMAND_BYTES
        return run_in_batches(commands, most, self._run_batch)

    def _run_batch(self, commands: Sequence[Command], total: Run) -> None:
        answers = FIRMWARE.base + self.firmware_bytes // 2
        room = sum(command.funct in RESPONDS for command in commands)
        self._write(FIRMWARE.base, pack_commands(commands))
        request = struct.pack("<4I", FIRMWARE.base, len(commands), answers, room)
        reply = self.link.request(Operation.RUN, request, self.time_limit)
        add_outcome(total, reply, lambda count: self._read(answers, 4 * count))

    def reset(self) -> None:
        """Core and accelerator start anew; memory keeps its bytes."""
        self.link.request(Operation.RESET)

    def run_firmware(
        self,
        program: str | Firmware,
        check: bool = True,
        show: Callable[[str], None] = lambda text: None,
    ) -> BoardRun:
        """Load a program (one of ``sw/firmware`` by name, or built) and run it until it ends.

        `show` is given the console as it comes. With `check`, an exit code other than 0 is an
        EngineError that shows the console.
        """
        if isinstance(program, str):
            program = build(program, self.config, self.host, size=self.firmware_bytes)
        for address, data in program.segments:
            self._write(address, data)
        text, code = self._go(program.symbols["_start"], show)
        if check and code:
            raise EngineError(f"the program ended with {code}; console:\n{text}")
        return BoardRun(text, code)

    def _go(self, entry: int, show: Callable[[str], None]) -> tuple[str, int]:
        """Start a program; its console and exit code when it has ended."""
        link, text, end = self.link, "", time.monotonic() + self.time_limit
        number, request = link.next_number(), struct.pack("<I", entry)
        link.console()
        link.ended = None
        link.ask(number, Operation.GO, request)
        while True:
            new = link.console().decode(errors="replace")
            show(new)
            text += new
            if link.ended is not None and link.ended[0] == number:
                return text, link.ended[1]
            if time.monotonic() > end:
                raise EngineError(
                    f"the program has not ended after {self.time_limit} s; console:\n{text}"
                )
            if link.poll() or link.parser.console:
                continue
            reply = link.ask(link.next_number(), Operation.PING)  # silence: is it the loader's?
            if reply is not None and self._ping(reply).number != number:
                link.ask(number, Operation.GO, request)  # it has never started
            elif reply is not None:
                link.ended = number, self._ping(reply).exit_code
