"""Whether a program's result depends on timing: then it is no test."""

import numpy as np

from sim.machine import Machine
from sim.machine.rows import Memory

from .program import TestProgram


class _WatchedMemory(Memory):
    """Remembers which bytes a segment wrote, and whether it read one of them."""

    def __init__(self, size: int, word_bytes: int):
        super().__init__(size, word_bytes)
        self.new_segment()

    def new_segment(self) -> None:
        self.written = np.zeros(self.size, bool)
        self.raced = False

    def _note(self, address: int, stride: int, rows: int, count: int) -> np.ndarray:
        where = self._addresses(address, stride, rows, count)
        return where[where < self.size]

    def gather(self, address, stride, rows, count):
        self.raced |= bool(self.written[self._note(address, stride, rows, count)].any())
        return super().gather(address, stride, rows, count)

    def scatter(self, address, stride, data):
        self.written[self._note(address, stride, *data.shape)] = True
        return super().scatter(address, stride, data)


def races(program: TestProgram) -> str | None:
    """Why the program's result depends on timing; None if it does not."""
    config = program.config
    machine = Machine(config, program.memory_bytes)
    machine._memory = memory = _WatchedMemory(program.memory_bytes, config.bus_bytes)
    machine.write(0, program.memory)
    machine.run(program.prologue())
    for number, segment in enumerate(program.segments):
        memory.new_segment()
        for command in segment:
            machine.run([command])
            if memory.raced:
                return f"segment {number} reads memory that it wrote: {command}"
    return None
