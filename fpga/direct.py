"""Operands of a simulated board straight into its SDRAM: its serial line would take long."""

import struct
from collections.abc import Sequence

import numpy as np

from sw.board.engine import BoardEngine
from sw.board.frames import Operation
from sw.runtime.lists import add_outcome, pack_commands, run_in_batches


class DirectEngine(BoardEngine):
    """A `board` engine that reads and writes its memory in `chips`, bytes of simulated SDRAMs that
    hold the same; command lists go into the last quarter, and only requests over the line."""

    chips: Sequence[np.ndarray]

    def read(self, address: int, count: int) -> bytes:
        """From the first chip."""
        return self.chips[0][address : address + count].tobytes()

    def write(self, address: int, data: bytes):
        """Into all."""
        for chip in self.chips:
            chip[address : address + len(data)] = np.frombuffer(data, np.uint8)

    def _run_batch(self, commands, total):
        lists = self.memory_bytes // 4 * 3
        self.write(lists, pack_commands(commands))
        request = struct.pack("<4I", lists, len(commands), 0, 0)
        reply = self.link.request(Operation.RUN, request, self.time_limit)
        add_outcome(total, reply, lambda count: b"")

    def run(self, commands):
        """One list for all commands."""
        return run_in_batches(commands, len(commands), self._run_batch)
