"""Whether a program's result depends on timing: then it is no test."""

import numpy as np

from sim.machine import Machine
from sim.machine.rows import Memory

from .program import TestProgram


class _WatchedMemory(Memory):
    """Remembers which bytes a segment read and wrote, and whether one of them was both."""

    def __init__(self, size: int, word_bytes: int):
        super().__init__(size, word_bytes)
        self.new_segment()

    def new_segment(self) -> None:
        self.written, self.came = np.zeros((2, self.size), bool)
        self.raced = False

    def _note(self, address: int, stride: int, rows: int, count: int) -> np.ndarray:
        where = self._addresses(address, stride, rows, count)
        return where[where < self.size]

    def gather(self, address, stride, rows, count):
        where = self._note(address, stride, rows, count)
        self.came[where] = True
        self.raced |= bool(self.written[where].any())
        return super().gather(address, stride, rows, count)

    def scatter(self, address, stride, data):
        where = self._note(address, stride, *data.shape)
        self.written[where] = True
        self.raced |= bool(self.came[where].any())
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
                return f"segment {number} reads and writes the same memory: {command}"
    return None
