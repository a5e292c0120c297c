"""Families of devices, one file each."""

from .ecp5 import Ecp5
from .family import Family
from .gowin import Gowin
from .ice40 import Ice40

FAMILIES: dict[str, Family] = {family.name: family for family in (Ecp5(), Gowin(), Ice40())}
