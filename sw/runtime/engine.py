"""The `soc` engine: the Verilated system whose firmware issues the commands."""

import os
import struct
from collections.abc import Sequence
from pathlib import Path

from hw.config import Config
from hw.isa import RESPONDS, Command
from hw.soc.host import Host
from hw.soc.map import FIRMWARE
from sim.cache import build_directory
from sim.engine import EngineError, Run, check_range
from sim.soc.model import FirmwareRun, Soc

from .build import Firmware, build
from .lists import COMMAND_BYTES, OUTCOME, add_outcome, pack_commands, run_in_batches

LISTS = FIRMWARE.base + (1 << 20)
"""Where command lists go: behind the monitor."""

ANSWERS = FIRMWARE.base + FIRMWARE.size - (1 << 19)
"""Where the monitor puts answers; its stack is at the region's end."""

BATCH = (ANSWERS - LISTS) // COMMAND_BYTES
"""Commands that one round of the monitor executes."""

ROOM = 1 << 16
"""Answers that a batch may give."""


class SocEngine:
    """An :class:`sim.engine.Engine` whose commands pass a RISC-V core.

    A resident monitor executes lists of commands that `run` leaves in the firmware memory; user
    memory [0, memory_bytes) is free for operands. Lists without responding commands are replayed
    by the command port, others issued one by one by the core; `Run.cycles` include either.

    Parameters
    ----------
    memory_bytes, latency, stall, seed
        The memory, as in :class:`sim.soc.model.Soc`.
    core, attach
        The soft core ("vexriscv", "vexriscv_lite", "picorv32", "serv") and the way its commands
        take: "cfu" or "pcpi" (custom instructions), "mmio" (memory-mapped registers); default: the
        core's best.
    timeline
        Whether `Run.activity` is recorded (load, execute, store, accelerator, core waits).
    waves
        Path of a VCD file; default: ``WAVES=1`` writes ``build/waves/<config>-<host>.vcd``.
    cycle_limit
        Cycles after which a run ends in EngineError.
    """

    def __init__(
        self,
        config: Config,
        memory_bytes: int = 1 << 24,
        *,
        core: str = "vexriscv",
        attach: str = "",
        latency: int = 1,
        stall: float = 0.0,
        seed: int = 0,
        timeline: bool = False,
        waves: Path | str | None = None,
        cycle_limit: int = 200_000_000,
    ):
        self.host = host = Host(core, attach)
        if waves is None and os.environ.get("WAVES") == "1":
            waves = build_directory("waves") / f"{config.name}-{host.name}.vcd"
        self.config = config
        self.memory_bytes = memory_bytes
        self.cycle_limit = cycle_limit
        self.soc = Soc(
            config,
            memory_bytes,
            host,
            latency=latency,
            stall=stall,
            seed=seed,
            timeline=timeline,
            waves=waves,
        )
        self._monitor = build("monitor", config, host)
        self._running = False

    def read(self, address: int, count: int) -> bytes:
        """`count` bytes from `address`; EngineError outside the memory."""
        check_range(self.memory_bytes, address, count)
        return self.soc.read(address, count)

    def write(self, address: int, data: bytes) -> None:
        """Store bytes from `address` on; EngineError outside the memory."""
        check_range(self.memory_bytes, address, len(data))
        self.soc.write(address, data)

    def reset(self) -> None:
        """Back to the state after power-up; the memory keeps its bytes."""
        self.soc.reset()
        self._running = False

    def close(self) -> None:
        """Free the system and finish the wave file."""
        self.soc.close()

    def run(self, commands: Sequence[Command]) -> Run:
        """Leave `commands` in memory and let the monitor execute them, until all is idle."""
        return run_in_batches(commands, BATCH, self._run_batch)

    def _run_batch(self, commands: Sequence[Command], total: Run) -> None:
        mailbox = self._monitor.symbols["mailbox"]
        if not self._running:
            self.soc.load(self._monitor.segments)
            self.soc.run(self.cycle_limit)
            self._running = True
        self.soc.write(LISTS, pack_commands(commands))
        room = ROOM if any(command.funct in RESPONDS for command in commands) else 0
        self.soc.write(mailbox, struct.pack("<4I", LISTS, len(commands), ANSWERS, room))
        done = self.soc.run(self.cycle_limit)
        if done.exit_code:
            raise EngineError(f"the monitor ended with {done.exit_code}; console: {done.console}")
        total.activity += [
            (unit, a + total.cycles, b + total.cycles) for unit, a, b in done.activity
        ]
        add_outcome(total, self.soc.read(mailbox + 16, OUTCOME.size), self._answers)

    def _answers(self, count: int) -> bytes:
        if count > ROOM:
            raise EngineError(f"{count} commands answered; one run has room for {ROOM} answers")
        return self.soc.read(ANSWERS, 4 * count)

    def run_firmware(
        self, program: str | Firmware, arguments: Sequence[int] = (), check: bool = True
    ) -> FirmwareRun:
        """Run a program (one of ``sw/firmware`` by name, or built) from reset until it ends.

        `arguments` are words for the program's variable ``arguments``. With `check`, an exit code
        other than 0 is an EngineError that shows the console.
        """
        firmware = build(program, self.config, self.host) if isinstance(program, str) else program
        self._running = False
        self.soc.load(firmware.segments)
        if arguments:
            if "arguments" not in firmware.symbols:
                raise EngineError(f"{firmware.elf.parent.name} has no variable `arguments`")
            words = struct.pack(f"<{len(arguments)}I", *arguments)
            self.soc.write(firmware.symbols["arguments"], words)
        done = self.soc.run(self.cycle_limit)
        if check and done.exit_code:
            raise EngineError(f"the program ended with {done.exit_code}; console:\n{done.console}")
        return done
