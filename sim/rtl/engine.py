"""The `rtl` engine: the Verilated accelerator with a simulated memory and an ideal host."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hw.arith.mac.multiplier import netlist
from hw.config import Config
from hw.isa import Command, ErrorCode
from hw.verilog import emit
from sim.breakdown import Timing
from sim.cache import build_directory, content_key, made_once, sources
from sim.engine import (
    CommandTime,
    EngineError,
    Run,
    check_memory_bytes,
    check_range,
    check_surroundings,
)
from sim.rtl.flat import Flat
from sim.rtl.model import Model, Options, Outcome, build_model
from sim.rtl.simulation import MemoryOptions

UNITS = ("load", "execute", "store")


def accelerator_verilog(config: Config) -> str:
    """Verilog of the accelerator of `config` with flat ports; cached by the content of ``hw``."""
    own = netlist(config.multiplier)
    key = content_key(repr(config), own, *sources("hw"), Path(__file__).with_name("flat.py"))

    def make(directory: Path):
        from hw.accelerator import Accelerator

        top = Flat(Accelerator(config), reset=False, times=config.array_clock)
        (directory / "top.v").write_text(emit(top))

    final = build_directory("verilog") / f"{config.name}-{key}"
    return (made_once(final, make, f"Elaborating {config.name}") / "top.v").read_text()


class RtlEngine:
    """An :class:`sim.engine.Engine` that runs the RTL cycle by cycle.

    Parameters
    ----------
    memory_bytes, latency, bytes_per_cycle, max_outstanding
        The memory: size; cycles from a request to its first word; bytes per cycle of each
        direction (None: one bus word); requests in flight per direction (None: any number).
    stall, seed
        Probability that each of the memory's four streams and both of the host's pause in a
        cycle: one number, or a dict over `read_request`, `read_data`, `write`, `ack`, `host`.
    command_gap
        Idle cycles of the host after each command.
    patience
        Cycles without a command or a transfer after which a run ends in EngineError; a loop may
        compute for a quarter of a million with all it needs inside.
    cycle_limit
        Cycles after which a run ends in EngineError; None: no limit.
    waves
        Path of a VCD file (needs a slower library of its own); default: ``WAVES=1`` writes
        ``build/waves/<config>.vcd``.
    timeline
        Whether `Run.activity` and `Run.commands` are recorded.

    A run costs about 10 µs of one core per cycle at 16×16. `last` is the last run's
    :class:`~sim.rtl.model.Outcome` (cycles in which each unit had work, commands taken).
    """

    def __init__(
        self,
        config: Config,
        memory_bytes: int = 1 << 24,
        *,
        latency: int = 1,
        bytes_per_cycle: float | None = None,
        max_outstanding: int | None = None,
        stall: float | dict[str, float] = 0.0,
        seed: int = 0,
        command_gap: int = 0,
        patience: int = 300_000,
        cycle_limit: int | None = None,
        waves: Path | str | None = None,
        timeline: bool = False,
        verilog: str | None = None,
    ):
        self.config = config
        self.memory_bytes = check_memory_bytes(memory_bytes)
        check_surroundings(latency, bytes_per_cycle, command_gap)
        names = ("read_request", "read_data", "write", "ack", "host")
        stall = stall if isinstance(stall, dict) else dict.fromkeys(names, stall)
        for name, probability in stall.items():
            if name not in names or not 0 <= probability < 1:
                raise EngineError(
                    f"stall[{name!r}] is {probability}; names are {', '.join(names)}, "
                    "probabilities 0 up to (not including) 1"
                )
        memory = MemoryOptions(
            size=memory_bytes,
            seed=seed,
            bytes_per_cycle=bytes_per_cycle or 0,
            stall=tuple(stall.get(name, 0.0) for name in names[:4]),
            word_bytes=config.bus_bytes,
            latency=latency,
            max_outstanding=max_outstanding or 0,
        )
        options = Options(
            memory=memory,
            command_stall=stall.get("host", 0.0),
            patience=patience + 4 * latency,
            cycle_limit=cycle_limit or 0,
            command_gap=command_gap,
            record_activity=timeline,
        )
        if waves is None and os.environ.get("WAVES") == "1":
            waves = build_directory("waves") / f"{config.name}.vcd"
        text, times = verilog or accelerator_verilog(config), config.array_clock
        library = build_model(text, config.name, waves is not None, times)
        self._model = Model(library, options)
        if waves is not None:
            self._model.waves(Path(waves))
        self.last: Outcome | None = None

    def read(self, address: int, count: int) -> bytes:
        """`count` bytes from `address`; EngineError outside the memory."""
        check_range(self.memory_bytes, address, count)
        return self._model.memory[address : address + count].tobytes()

    def write(self, address: int, data: bytes) -> None:
        """Store bytes from `address` on; EngineError outside the memory."""
        check_range(self.memory_bytes, address, len(data))
        self._model.memory[address : address + len(data)] = np.frombuffer(data, np.uint8)

    def reset(self) -> None:
        """Back to the state after power-up; the memory keeps its bytes."""
        self._model.reset()
        self.last = None

    def close(self) -> None:
        """Free the model and finish the wave file."""
        self._model.close()

    def statistics(self) -> dict[str, int]:
        """Requests, words and errors that the memory has seen since the engine was made."""
        return self._model.statistics()

    def run(self, commands: Sequence[Command] | np.ndarray) -> Run:
        """Send `commands` (or an array of `sim.rtl.model.COMMAND`) and run until idle."""
        accepted = self.last.accepted if self.last else 0
        self.last = outcome = self._model.run(commands)
        if outcome.ending != Outcome.IDLE:
            raise EngineError(self._explain(outcome, len(commands)))
        return Run(
            cycles=outcome.cycles,
            error=ErrorCode(outcome.error),
            error_index=outcome.error_index,
            responses=self._model.responses(),
            activity=stretches(self._model.activity(), outcome.start_cycle),
            commands=self._commands(outcome, accepted),
            timing=Timing.of(outcome.cycles, outcome.states, outcome.bounds),
        )

    def _commands(self, outcome: Outcome, accepted: int) -> list[CommandTime]:
        """Times of the commands of a run before which `accepted` ones had been taken."""
        start = outcome.start_cycle
        return [
            CommandTime(
                (index - accepted) % (1 << 32), UNITS[unit], issued - start, done + 1 - start
            )
            for index, unit, _, issued, done in self._model.times().tolist()
        ]

    def _explain(self, outcome: Outcome, count: int) -> str:
        what = {
            Outcome.NO_PROGRESS: "nothing moved for many cycles (deadlock)",
            Outcome.CYCLE_LIMIT: "the cycle limit was reached",
            Outcome.VIOLATION: self._model.violation(),
        }[outcome.ending]
        busy = [unit for bit, unit in enumerate((*UNITS, "anything")) if outcome.busy >> bit & 1]
        waits = "one waits" if outcome.command_waits else "none waits"
        return (
            f"{self.config.name}: {what} in cycle {outcome.start_cycle + outcome.cycles}: "
            f"{outcome.commands} of {count} commands taken, {waits}; "
            f"with work: {', '.join(busy) or 'nothing'}; in the memory: "
            f"{outcome.reads_pending} reads, {outcome.acks_pending} acknowledgements; "
            "WAVES=1 shows the signals"
        )


def stretches(changes: list[tuple[int, int]], start: int = 0) -> list[tuple[str, int, int]]:
    """(unit, first cycle, cycle after the last) from (cycle, busy bits) changes."""
    out, since = [], {}
    for cycle, bits in changes:
        for bit, unit in enumerate(UNITS):
            if bits >> bit & 1:
                since.setdefault(unit, cycle)
            elif unit in since:
                out.append((unit, since.pop(unit) - start, cycle - start))
    return sorted(out, key=lambda stretch: stretch[1:])
