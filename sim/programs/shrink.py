"""Delta debugging: the smallest program that still fails."""

from collections.abc import Callable

from hw.isa import Command, encode

from .program import TestProgram
from .races import races

Fails = Callable[[TestProgram], bool]


class _Budget:
    """Calls `fails` at most `tries` times, and only on programs that are proper tests."""

    def __init__(self, fails: Fails, tries: int):
        self.fails, self.tries = fails, tries

    def __call__(self, program: TestProgram) -> bool:
        if self.tries <= 0 or not len(program) or races(program):
            return False
        self.tries -= 1
        return self.fails(program)


def shrink(program: TestProgram, fails: Fails, tries: int = 400) -> TestProgram:
    """A smaller program for which `fails` still holds; at most `tries` calls of it."""
    check = _Budget(fails, tries)
    before = None
    while before != program and check.tries > 0:
        before = program
        program = _drop_segments(program, check)
        program = _drop_commands(program, check)
    return _simplify(program, check)


def _drop_segments(program: TestProgram, check: _Budget) -> TestProgram:
    number = 0
    while number < len(program.segments) and len(program.segments) > 1:
        parts = program.segments
        candidate = program.replace(parts[:number] + parts[number + 1 :])
        if check(candidate):
            program = candidate
        else:
            number += 1
    return program


def _drop_commands(program: TestProgram, check: _Budget) -> TestProgram:
    """Cut runs of commands, long ones first."""
    for number in reversed(range(len(program.segments))):
        if number >= len(program.segments):
            continue
        size = len(program.segments[number]) // 2 or 1
        while size:
            start = 0
            while number < len(program.segments) and start < len(program.segments[number]):
                segments = list(program.segments)
                segments[number] = segments[number][:start] + segments[number][start + size :]
                candidate = program.replace(segments)
                if check(candidate):
                    program = candidate
                else:
                    start += size
            size //= 2
    return program


def _simpler(command: Command):
    """The command with one field set to a simpler value, for every field and value."""
    spec = command.spec
    if spec is None:
        return
    values = command.fields()
    for name, value in values.items():
        for simple in (0, 1):
            if simple < value:
                yield encode(spec.name, **(values | {name: simple}))


def _simplify(program: TestProgram, check: _Budget) -> TestProgram:
    for number, segment in enumerate(program.segments):
        for place, command in enumerate(segment):
            for simple in _simpler(command):
                segments = [list(s) for s in program.segments]
                segments[number][place] = simple
                candidate = program.replace(segments)
                if check(candidate):
                    program = candidate
                    break
    return program
