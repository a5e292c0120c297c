"""Rounding to a short list of values."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .rounding import unchanged


def nearest(
    table: NDArray[np.float64], values: NDArray[np.float64], rounding: str = "rne"
) -> NDArray[np.int64]:
    """Index of the entry of `table` (ascending, different from each other) that stands for each of
    `values` (not NaN).

    ``rne`` takes the nearest, of two the one with the even index; ``zero`` the next one in the
    direction of zero, or the end of the table.
    """
    above = np.clip(np.searchsorted(table, values), 1, len(table) - 1)
    below = above - 1
    if rounding == "zero":
        up = (values >= table[above]) | ((values < 0) & (values > table[below]))
    elif rounding == "rne":
        middle = (table[below] + table[above]) / 2
        up = (values > middle) | ((values == middle) & (above % 2 == 0))
    else:
        raise ValueError(f"rounding is {rounding!r}; it must be rne or zero")
    return np.where(up, above, below)


class Listed:
    """A format that is a list of values: index in ascending order, codes beside it.

    Subclasses offer `name`, `width`, `_values` (of all codes) and `_order` (codes of the values
    that are told apart, ascending by value).
    """

    @property
    def _table(self) -> NDArray[np.float64]:
        return self._values[self._order]

    @property
    def min(self) -> float:
        return float(self._table[0])

    @property
    def max(self) -> float:
        return float(self._table[-1])

    def decode(self, codes: ArrayLike) -> NDArray:
        """Values of codes; bits above `width` are ignored."""
        return self._values[np.asarray(codes, np.uint64) & np.uint64((1 << self.width) - 1)]

    def encode(self, values: ArrayLike) -> NDArray[np.uint64]:
        """Codes of values of this format; ValueError for others (quantize() rounds)."""
        values = np.asarray(values, np.float64)
        codes = self._codes(values, "rne")
        unchanged(self.name, values, self.decode(codes))
        return codes

    def quantize(self, values: ArrayLike, rounding: str = "rne") -> NDArray:
        """Nearest values of the list; of two equally near ones that of even place in it."""
        return self.decode(self._codes(np.asarray(values, np.float64), rounding))

    def _codes(self, values: NDArray[np.float64], rounding: str) -> NDArray[np.uint64]:
        place = nearest(self._table, np.where(np.isnan(values), 0.0, values), rounding)
        return self._order[place].astype(np.uint64)
