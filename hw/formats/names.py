"""Formats and accumulators by their names."""

import re
from difflib import get_close_matches

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

NUMBERS = (*range(1100), 1 << 16)
"""Those among which the nearest that would do is looked for."""

SINGLE = {each.name: each for each in (Binary(), Ternary(), E8M0())}


KNOWN = (
    *SINGLE,
    *block.NAMED,
    *NAMED,
    "e4m3",
    "e4m3fn",
    "e5m2",
    "int8",
    "uint8",
    "posit8es1",
    "log8",
)
SUMS = ("int32", "fixed32e-8", "fixed32e-8-sat", "fp32", "fp32-rz", "fp32-sr8", "bf16", "fp16")
"""Names that are proposed in place of unreadable ones."""


def parse_format(name: str) -> Format | Block:
    """The format called `name`; ValueError says what would do, and names the nearest."""
    return _parsed(name, _format, KNOWN)


def parse_accumulator(name: str) -> Int | Fixed | Rounded:
    """The accumulator called `name`; ValueError says what would do, and names the nearest."""
    return _parsed(name, _accumulator, SUMS)


def _format(name: str) -> Format | Block:
    if name in SINGLE or name in block.NAMED:
        return SINGLE.get(name) or block.NAMED[name]
    found = re.fullmatch(r"(.+)x(\d+)-(.+?)(-fp32)?", name)
    if name.startswith("table-"):
        return Codebook.parse(name, _format)
    if found:
        element, scale = _format(found[1]), _format(found[3])
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


def _accumulator(name: str) -> Int | Fixed | Rounded:
    if name.startswith("fixed"):
        return Fixed.parse(name)
    found = re.fullmatch(r"(.+?)(-rz|-sr(\d+))?", name)
    fmt = _format(found[1]) if found else None
    if isinstance(fmt, Float | Posit):
        if found[3]:
            return Rounded(fmt, "stochastic", int(found[3]))
        return Rounded(fmt, "zero" if found[2] else "rne")
    if isinstance(fmt, Int) and fmt.signed and not found[2]:
        return fmt
    raise ValueError(f"no accumulator {name!r}; there are {ACCUMULATORS}".replace("\n", " "))


def _parsed(name: str, parse, known: tuple[str, ...]):
    try:
        return parse(name)
    except ValueError as error:
        if _wrong(name, parse):
            near = _moved(name, parse, set())
        else:
            near = next(iter(get_close_matches(name.lower(), known, 1)), None)
        if near is None:
            raise
        raise ValueError(f"{error}; the nearest is {near}") from error


def _moved(name: str, parse, seen: set[str]) -> str | None:
    """`name` with its numbers changed by as little as makes `parse` take it, if that helps."""
    wrong, moves = _wrong(name, parse), []
    for kind in ("fn", "fnuz"):
        if wrong == "Float.specials" and _wrong(name + kind, parse) is None:
            return name + kind
    seen = seen | {"", wrong}
    parts = re.split(r"(\d+)", name)
    for place in range(1, len(parts), 2):
        value = int(parts[place])
        for other in sorted(NUMBERS, key=lambda n, value=value: abs(n - value)):
            text = "".join([*parts[:place], str(other), *parts[place + 1 :]])
            after = _wrong(text, parse)
            if after not in seen:
                moves.append((after is not None, abs(other - value), -place, text))
                break
    found = (text if not more else _moved(text, parse, seen) for more, *_, text in sorted(moves))
    return next(filter(None, found), None)


def _wrong(name: str, parse) -> str | None:
    """The parameter that is not as it must be, "" for other reasons, None if nothing is wrong."""
    try:
        parse(name)
    except ValueError as error:
        field, told, _ = str(error).partition(" is ")
        return field if told and " " not in field and not name.startswith("table-") else ""
    return None
