"""The protocol of a number format, and the packing of elements into memory rows."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray


@runtime_checkable
class Format(Protocol):
    """What every number format offers.

    Values are numpy arrays (``int64`` for integers); codes are ``uint64`` arrays whose low
    ``width`` bits are the element as it stands in memory.
    """

    width: int

    @property
    def name(self) -> str:
        """Short name, for example ``int8``; also what the command line accepts."""

    @property
    def min(self) -> float | int:
        """Smallest finite value."""

    @property
    def max(self) -> float | int:
        """Largest finite value."""

    def encode(self, values: ArrayLike) -> NDArray[np.uint64]:
        """Codes of values that the format can hold; raises ValueError for others."""

    def decode(self, codes: ArrayLike) -> NDArray:
        """Values of codes; bits above ``width`` are ignored."""

    def quantize(self, values: ArrayLike, rounding: str = "rne") -> NDArray:
        """Nearest representable values, saturating."""


def row_bytes(fmt: Format, count: int) -> int:
    """Bytes that `count` elements occupy in a memory row, the last byte filled with zeros."""
    return -(-fmt.width * count // 8)


def pack(fmt: Format, values: ArrayLike) -> bytes:
    """One memory row: elements packed to the bit, element 0 in the lowest bits (little endian).

    `values` is one-dimensional; the last byte is filled up with zeros.
    """
    codes = fmt.encode(values).ravel()
    bits = (codes[:, None] >> np.arange(fmt.width, dtype=np.uint64)) & np.uint64(1)
    return np.packbits(bits.astype(np.uint8).ravel(), bitorder="little").tobytes()


def unpack(fmt: Format, data: bytes, count: int) -> NDArray:
    """The first `count` elements of a memory row; the inverse of :func:`pack`."""
    need = row_bytes(fmt, count)
    if len(data) < need:
        raise ValueError(f"{count} elements of {fmt.name} need {need} bytes, got {len(data)}")
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    bits = bits[: count * fmt.width].reshape(count, fmt.width).astype(np.uint64)
    return fmt.decode((bits << np.arange(fmt.width, dtype=np.uint64)).sum(axis=1, dtype=np.uint64))
