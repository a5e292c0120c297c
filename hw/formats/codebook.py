"""Codes that are places in a table of another format's values."""

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .base import Format
from .e8m0 import E8M0
from .exact import least_exponent
from .float import Float
from .integer import Int
from .log import Log
from .nearest import Listed
from .posit import Posit
from .ternary import Binary, Ternary


@dataclass(frozen=True)
class Codebook(Listed):
    """Indices of n bits into `table`, 2**n codes of `format` (n from 1 to 8).

    The table may be in any order and name a value twice: encoding takes the first place. Values of
    `format` that are no numbers are not allowed. As weights the table is what an accelerator begins
    with; the command weight_table loads another (:func:`entry`).
    """

    table: tuple[int, ...]
    format: Format

    def __post_init__(self):
        kinds = Int | Float | Posit | Log | Binary | Ternary | E8M0 | Codebook
        if not isinstance(self.format, kinds):
            name = getattr(self.format, "name", self.format)
            raise ValueError(f"Codebook.format is {name!r}; it must be a format of single numbers")
        object.__setattr__(self, "table", tuple(int(code) for code in self.table))
        if len(self.table) not in [1 << n for n in range(1, 9)]:
            raise ValueError(
                f"Codebook.table has {len(self.table)} codes; it must have 2, 4, 8, … or 256"
            )
        if not all(0 <= code < 1 << self.format.width for code in self.table):
            raise ValueError(f"Codebook.table must hold codes of {self.format.width} bits")
        if not np.isfinite(self._values).all() or len(self._order) < 2:
            raise ValueError("Codebook.table must hold numbers, and two different ones at least")

    @classmethod
    def of(cls, values: ArrayLike, format: Format) -> "Codebook":
        """The table of `values`, each rounded to `format`."""
        return cls(tuple(format.encode(format.quantize(values)).tolist()), format)

    def replace(self, values: ArrayLike) -> "Codebook":
        """The same with other values, which `format` must have; those that are not given stay."""
        values = np.ravel(values)
        if values.dtype.kind not in "iuf":
            raise ValueError(f"a table of {values.dtype}; {self.format.name} takes real numbers")
        codes = self.format.encode(values).tolist()
        if not 0 < len(codes) <= len(self.table):
            raise ValueError(f"{len(codes)} values for a table; it has {len(self.table)} of them")
        return Codebook((*codes, *self.table[len(codes) :]), self.format)

    @property
    def name(self) -> str:
        """Such as ``table-int8-81.00.01.7f``: the format and the codes in hexadecimal."""
        digits = -(-self.format.width // 4)
        return f"table-{self.format.name}-" + ".".join(f"{c:0{digits}x}" for c in self.table)

    @classmethod
    def parse(cls, name: str, format_of) -> "Codebook":
        """The format called `name`; `format_of` finds the table's format by its name."""
        found = re.fullmatch(r"table-(.+)-([0-9a-f]+(?:\.[0-9a-f]+)+)", name)
        if not found:
            raise ValueError(f"no format {name!r}; tables are table-<format>-<hex>.<hex>…")
        return cls(tuple(int(code, 16) for code in found[2].split(".")), format_of(found[1]))

    @property
    def width(self) -> int:
        """Bits of an index."""
        return len(self.table).bit_length() - 1

    @property
    def signed(self) -> bool:
        return self.min < 0

    has_nan = has_infinity = False

    @property
    def least_exponent(self) -> int:
        """All values are whole multiples of 2 to this."""
        return least_exponent(self._values.astype(np.float64))

    @property
    def _values(self) -> NDArray:
        return _entries(self)[0]

    @property
    def _order(self) -> NDArray[np.int64]:
        return _entries(self)[1]


@cache
def _entries(book: Codebook) -> tuple[NDArray, NDArray[np.int64]]:
    """Values by index, and the indices of different values, ascending by value."""
    values = book.format.decode(np.array(book.table, np.uint64))
    return values, np.unique(values, return_index=True)[1]


def entry(input: Format, weight: Format) -> Format:
    """What inputs are multiplied by: `weight`, or the format of its table if other values can be
    loaded into that. They can if a code of them fits into an input's lane."""
    if not isinstance(weight, Codebook) or isinstance(weight.format, E8M0 | Codebook):
        return weight
    return weight.format if weight.format.width <= input.width else weight
