"""Configurations whose weights are indices into a table."""

from hw.config import Config
from hw.formats import Codebook, Format, Int
from tests.support.plain import PLAIN

CUBES = Codebook.of([n**3 / 4 for n in range(-8, 8)], Int(8))
"""16 integers of 8 bits."""


def tabled(book: Codebook = CUBES, input: Format | None = None, dim: int = 4, **options) -> Config:
    """A small machine with weights of `book`; inputs, if not given, of its format."""
    plain = PLAIN["tiny"].replace(dim=dim, sp_bank_rows=16, acc_bank_rows=16)
    formats = plain.with_formats(input or book.format, book)
    return formats.replace(**{"name": "tabled"} | options)
