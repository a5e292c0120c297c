"""The protocol of a number format, and the packing of elements into memory rows."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray


@runtime_checkable
class Format(Protocol):
    """What every number format offers.

    Values are numpy arrays (``int64`` for integers); codes are ``uint64`` arrays whose low
    ``width`` bits are the element as it stands in memory (Python integers beyond 64 bits).
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
    return pack_codes(fmt.width, fmt.encode(values).ravel())


def unpack(fmt: Format, data: bytes, count: int) -> NDArray:
    """The first `count` elements of a memory row; the inverse of :func:`pack`."""
    need = row_bytes(fmt, count)
    if len(data) < need:
        raise ValueError(f"{count} elements of {fmt.name} need {need} bytes, got {len(data)}")
    return fmt.decode(unpack_codes(fmt.width, data, count))


def pack_codes(width: int, codes: NDArray) -> bytes:
    """Codes of `width` bits, packed as in :func:`pack`."""
    if width > 64:
        words = codes[:, None] >> 64 * np.arange(-(-width // 64)).astype(object)
        words = (words & ((1 << 64) - 1)).astype(np.uint64)
    else:
        words = codes[:, None]
    bits = np.unpackbits(words.astype("<u8").view(np.uint8), axis=1, bitorder="little")
    return np.packbits(bits[:, :width].ravel(), bitorder="little").tobytes()


def unpack_codes(width: int, data: bytes, count: int) -> NDArray:
    """`count` codes of a row: ``uint64``, or Python integers beyond 64 bits."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    bits = bits[: count * width].reshape(count, width)
    full = np.zeros((count, -(-width // 64) * 64), np.uint8)
    full[:, :width] = bits
    words = np.packbits(full, axis=1, bitorder="little").view("<u8").astype(np.uint64)
    if width <= 64:
        return words[:, 0]
    places = 64 * np.arange(words.shape[1]).astype(object)
    return (words.astype(object) << places).sum(axis=1)
