"""Multipliers that come with the project, as functions; `hw/arith/multipliers` has their gates."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

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


NAMES = """exact, mitchell, truncated<columns> such as truncated4; a table in <file>.npy; \
<file>.py:<name of a Multiplier>"""


def parse_multiplier(name: str) -> Multiplier:
    """The multiplier called `name`, or in a file of the user's; ValueError lists what there is."""
    file, colon, variable = name.rpartition(":")
    if colon and file.endswith(".py"):
        return _from_python(Path(file), variable)
    if name.endswith(".npy"):
        return _from_array(Path(name))
    found = {"exact": Exact(), "mitchell": Mitchell()}.get(name)
    columns = name.removeprefix("truncated")
    if columns != name and columns.isdecimal() and 1 <= int(columns) <= 32:
        found = Truncated(int(columns))
    if found is None:
        raise ValueError(f"no multiplier {name!r}; there are {NAMES}")
    return Multiplier(name, found)


def _from_array(path: Path) -> Multiplier:
    try:
        return Multiplier.from_table(path.stem, np.load(path, allow_pickle=False))
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error}") from error


def _from_python(path: Path, variable: str) -> Multiplier:
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"multiplier_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = getattr(module, variable, None)
    if not isinstance(found, Multiplier):
        names = sorted(k for k, v in vars(module).items() if isinstance(v, Multiplier))
        raise ValueError(
            f"{path} has no Multiplier called {variable!r}; it has {', '.join(names) or 'none'}"
        )
    return found
