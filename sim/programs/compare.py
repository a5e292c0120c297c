"""One program on two engines: what differs first."""

from dataclasses import dataclass

import numpy as np

from hw.isa import BY_NAME, RESPONDS, Command
from sim.engine import Engine, EngineError

from .program import TestProgram

_COUNTER = BY_NAME["counter"].funct


@dataclass
class _Outcome:
    """Error register and answers after every segment, and all memory at the end."""

    segments: list[tuple[str, int, list[int]]]
    memory: np.ndarray


def _answers(segment: tuple[Command, ...], responses: list[int]) -> list[int]:
    """Responses without those of counters, which count what engines do differently."""
    asked = [command.funct for command in segment if command.funct in RESPONDS]
    if len(asked) != len(responses):
        raise EngineError(f"{len(asked)} commands respond, but {len(responses)} answers came")
    pairs = zip(asked, responses, strict=True)
    return [answer for funct, answer in pairs if funct != _COUNTER]


def outcome(engine: Engine, program: TestProgram) -> _Outcome:
    """Run a program from reset and collect everything it leaves behind."""
    if engine.memory_bytes != program.memory_bytes or engine.config != program.config:
        raise EngineError(
            f"the engine has {engine.config.name} with {engine.memory_bytes} bytes; this program "
            f"needs {program.config.name} with exactly {program.memory_bytes} bytes"
        )
    engine.reset()
    engine.write(0, program.memory)
    engine.run(program.prologue())
    segments = []
    for segment in program.segments:
        run = engine.run(segment)
        segments.append((run.error.name, run.error_index, _answers(segment, run.responses)))
    engine.run(program.epilogue())
    return _Outcome(segments, np.frombuffer(engine.read(0, program.memory_bytes), np.uint8))


def compare(reference: Engine, engine: Engine, program: TestProgram) -> str | None:
    """How `engine` differs from `reference`; None if not at all.

    Compared: error register and answers after each segment, all memory, and every row of both
    local memories (an epilogue stores them).
    """
    want, got = outcome(reference, program), outcome(engine, program)
    pairs = zip(want.segments, got.segments, strict=True)
    for number, (expected, found) in enumerate(pairs):
        if expected != found:
            return f"segment {number}: (error, index, answers) {found}; expected {expected}"
    where = np.flatnonzero(want.memory != got.memory)
    if where.size:
        first = int(where[0])
        return (
            f"{program.place(first)} is {got.memory[first]:#04x}; expected "
            f"{want.memory[first]:#04x} ({where.size} bytes differ)"
        )
    return None
