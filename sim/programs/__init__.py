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

__all__ = ["TestProgram", "compare", "races", "random_config", "random_program", "shrink"]
