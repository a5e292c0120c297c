"""Multipliers that come with the project, as functions; `hw/arith/multipliers` has their gates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .multiplier import Multiplier


@dataclass(frozen=True)
class Exact:
    """a · b."""

    def __call__(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        return a * b


@dataclass(frozen=True)
class Truncated:
    """Without the `columns` lowest columns of the partial products.

    Row k of the product is b's bit k times ``a·2^k`` with its `columns` low bits cleared; in two's
    complement the row of b's sign is subtracted. Nothing makes up for what is lost.
    """

    columns: int

    def __call__(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        low = (1 << self.columns) - 1
        rows = [(a << k & ~low) * (b >> k & 1) for k in range(self.columns)]
        high = a * (b >> self.columns << self.columns)
        return sum(rows, high)


@dataclass(frozen=True)
class Mitchell:
    """The antilogarithm of the sum of logarithms, both approximated by straight lines.

    J. N. Mitchell, "Computer Multiplication and Division Using Binary Logarithms", 1962: of
    2^k · (1 + x), 0 ≤ x < 1, the logarithm is taken as k + x, and the other way round. Magnitudes
    are multiplied, and get the sign of the exact product. Never too large, at most by a ninth too
    small.
    """

    def __call__(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        x, y = np.abs(a), np.abs(b)
        top_x, top_y = (1 << np.maximum(np.frexp(v)[1] - 1, 0).astype(np.int64) for v in (x, y))
        whole, rest = top_x * top_y, (x - top_x) * top_y + (y - top_y) * top_x
        size = np.where(rest < whole, whole + rest, 2 * rest)
        return np.sign(a) * np.sign(b) * size


NAMES = "exact, mitchell, truncated<columns> such as truncated4"


def parse_multiplier(name: str) -> Multiplier:
    """The multiplier called `name`; ValueError lists what there is."""
    found = {"exact": Exact(), "mitchell": Mitchell()}.get(name)
    columns = name.removeprefix("truncated")
    if columns != name and columns.isdecimal() and 1 <= int(columns) <= 32:
        found = Truncated(int(columns))
    if found is None:
        raise ValueError(f"no multiplier {name!r}; there are {NAMES}")
    return Multiplier(name, found)
