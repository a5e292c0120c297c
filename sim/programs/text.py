"""Programs as text: a failure is printed as the file that will repeat it."""

import dataclasses

from hw.config import Config
from hw.config_text import parse_config
from hw.formats import Format, Multiplier
from hw.isa import assemble

from .program import TestProgram


def config_text(config: Config) -> str:
    """The configuration as `parse_config` reads it, less its name."""
    base, changes = Config(), []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.name == "name" or value == getattr(base, field.name):
            continue
        if isinstance(value, bool):
            value = "on" if value else "off"
        value = value.name if isinstance(value, Format | Multiplier) else value
        changes.append(f"{field.name}={value}")
    return f"default:{','.join(changes)}"


def program_text(program: TestProgram, title: str = "") -> str:
    """The program, after a comment; the inverse of `read_program`."""
    lines = [f"# {line}" for line in title.splitlines()]
    lines += [f"config {config_text(program.config)}", f"seed {program.seed}"]
    for segment in program.segments:
        lines += ["segment", *(f"  {command}" for command in segment)]
    return "\n".join(lines) + "\n"


def read_program(text: str) -> TestProgram:
    """A program from its text; lines that begin with # are comments."""
    config, seed, segments = None, 0, []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "config":
            config = parse_config(rest).replace(name="program")
        elif word == "seed":
            seed = int(rest)
        elif word == "segment":
            segments.append([])
        elif not word.startswith("#"):
            segments[-1].append(assemble(line))
    return TestProgram(config, seed, tuple(map(tuple, segments)))
