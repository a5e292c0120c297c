"""What a program has configured so far, and which memory it touches."""

import copy
from collections.abc import Sequence

from hw.config import Config
from hw.formats import row_bytes
from hw.isa import Command, ErrorCode, Local
from sim.machine import Machine, checks
from sim.machine.compute import operands
from sim.machine.depthwise import lines_of

from .program import DATA, PAGE


class Tracker(Machine):
    """The simulator's checks and configuration; data neither moves nor counts.

    Members
    -------
    ran : commands executed or refused by the last `follow`, those inside loops included.
    reads, writes : pages that it touched; those from DATA on are one, None is outside memory.
    """

    def __init__(self, config: Config, memory_bytes: int):
        super().__init__(config, 64)
        self.limit = memory_bytes
        self._forget()

    def _forget(self) -> None:
        self.ran, self.reads, self.writes = 0, set(), set()

    def follow(self, commands: Sequence[Command]) -> bool:
        """Run commands; whether each of them passed its own checks."""
        self._forget()
        self.state.error = ErrorCode.NONE
        return self.run(commands).error is ErrorCode.NONE

    def save(self):
        """The configuration, for `restore`."""
        state = copy.copy(self.state)
        state.draws = copy.copy(state.draws)
        state.loads, state.norm = list(state.loads), copy.copy(state.norm)
        state.loop_ws, state.loop_conv = dict(state.loop_ws), dict(state.loop_conv)
        return state

    def restore(self, saved) -> None:
        self.state = saved

    def _execute(self, command: Command) -> int:
        self.ran += 1
        return super()._execute(command)

    def _touch(self, pages: set, address: int, stride: int, rows: int, count: int) -> None:
        for row in range(rows):
            first = (address + row * stride) % (1 << 32)
            for byte in (first, (first + count - 1) % (1 << 32)):
                inside = min(byte, DATA) // PAGE if byte < self.limit else None
                pages.add(inside)

    def _load(self, f: dict[str, int], number: int) -> None:
        settings, config = self.state.loads[number], self.config
        checks.mvin(config, f, settings)
        count = row_bytes(settings.format(config, Local.parse(f["local"])), f["cols"])
        if count and f["address"]:
            self._touch(self.reads, f["address"], settings.stride, f["rows"], count)

    def _mvout(self, f: dict[str, int]) -> None:
        state, config = self.state, self.config
        checks.mvout(config, f, state.store)
        local, store = Local.parse(f["local"]), state.store
        full = local.acc and local.full
        stored = config.output if local.acc else config.input
        count = row_bytes(config.accumulator if full else stored, f["cols"])
        if not count or (local.acc and local.norm):
            return
        rows, lines, step = f["rows"], 1, 0
        if store.image(local):
            rows = store.out_rows * store.out_cols if store.moves_rows() else 0
            if store.pool_stride and rows:
                rows, lines = store.pool_out_cols, store.pool_out_rows
                step = store.pool_out_dim * state.store_stride
        for line in range(lines):
            address = f["address"] + line * step
            self._touch(self.writes, address, state.store_stride, rows, count)

    def _mvout_spad(self, f: dict[str, int]) -> None:
        checks.mvout_spad(self.config, f)

    def _compute(self, f: dict[str, int], preloaded: bool) -> None:
        a, second = operands(self.state, f)
        checks.compute(self.state, a, second, preloaded)

    def _compute_depthwise(self, f: dict[str, int]) -> None:
        checks.depthwise(self.state, f, lines_of(self.state, f["lines"]))
