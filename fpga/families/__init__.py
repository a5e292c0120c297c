"""Families of devices, one file each."""

from .ecp5 import Ecp5
from .family import Family

FAMILIES: dict[str, Family] = {family.name: family for family in (Ecp5(),)}
