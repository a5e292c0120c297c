"""Random programs: one seed, two engines, one verdict, and the smallest program that still fails.

>>> program = random_program(config, seed=7)
>>> difference = compare(Machine(config, program.memory_bytes), engine, program)
"""

from .compare import compare
from .configs import random_config
from .generate import random_program
from .program import TestProgram
from .races import races
from .shrink import shrink
from .text import config_text, program_text, read_program

__all__ = [
    "TestProgram",
    "compare",
    "config_text",
    "program_text",
    "races",
    "random_config",
    "random_program",
    "read_program",
    "shrink",
]
