"""Formats and accumulators by their names."""

import re

from . import block
from .accumulator import Fixed, Rounded
from .base import Format
from .block import Block
from .codebook import Codebook
from .e8m0 import E8M0
from .float import NAMED, Float
from .integer import Int
from .log import Log
from .posit import Posit
from .ternary import Binary, Ternary

FORMATS = f"""\
integers int2 … int32, uint1 … uint32, binary, ternary; floats {", ".join(NAMED)} or
e<bits>m<bits> with fn, fnuz or none, b<bias>, -ftz, -sat; posit<bits>es<bits>;
log<bits>f<fraction bits>; table-<format>-<hex>.<hex>…; e8m0; blocks {", ".join(block.NAMED)} or
<element>x<size>-<scale>"""
"""What :func:`parse_format` understands."""

ACCUMULATORS = """\
int<bits>; fixed<bits>e<lsb>, -sat behind; a float or a posit, alone (to nearest) or with -rz
(toward zero) or -sr<random bits> (stochastic) behind"""
"""What :func:`parse_accumulator` understands."""

SINGLE = {each.name: each for each in (Binary(), Ternary(), E8M0())}


def parse_format(name: str) -> Format | Block:
    """The format called `name`; ValueError says what would do."""
    if name in SINGLE or name in block.NAMED:
        return SINGLE.get(name) or block.NAMED[name]
    found = re.fullmatch(r"(.+)x(\d+)-(.+?)(-fp32)?", name)
    if name.startswith("table-"):
        return Codebook.parse(name, parse_format)
    if found:
        element, scale = parse_format(found[1]), parse_format(found[3])
        return Block(element, int(found[2]), scale, bool(found[4]))
    for pattern, kind in {
        r"u?int\d+": Int,
        r"posit\d.*": Posit,
        r"log\d.*": Log,
        r"e\d+m\d+.*": Float,
        f"({'|'.join(NAMED)})(-.*)?": Float,
    }.items():
        if re.fullmatch(pattern, name):
            return kind.parse(name)
    raise ValueError(f"no format {name!r}; there are {FORMATS}".replace("\n", " "))


def parse_accumulator(name: str) -> Int | Fixed | Rounded:
    """The accumulator called `name`; ValueError says what would do."""
    if name.startswith("fixed"):
        return Fixed.parse(name)
    found = re.fullmatch(r"(.+?)(-rz|-sr(\d+))?", name)
    fmt = parse_format(found[1]) if found else None
    if isinstance(fmt, Float | Posit):
        if found[3]:
            return Rounded(fmt, "stochastic", int(found[3]))
        return Rounded(fmt, "zero" if found[2] else "rne")
    if isinstance(fmt, Int) and fmt.signed and not found[2]:
        return fmt
    raise ValueError(f"no accumulator {name!r}; there are {ACCUMULATORS}".replace("\n", " "))
