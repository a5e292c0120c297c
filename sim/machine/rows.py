"""Memory rows as arrays: gathering, scattering and packing many rows at once."""

import numpy as np
from numpy.typing import NDArray

from hw.formats import Format

from .elements import Elements, from_codes, to_codes

_NATIVE = {8: np.dtype("u1"), 16: np.dtype("<u2"), 32: np.dtype("<u4")}


def unpack_rows(fmt: Format, data: NDArray[np.uint8], count: int) -> Elements:
    """``data[rows, bytes]`` to ``elements[rows, count]``, packed to the bit."""
    if fmt.width in _NATIVE:
        codes = np.ascontiguousarray(data).view(_NATIVE[fmt.width])[:, :count]
        return from_codes(fmt, codes.astype(np.uint64))
    bits = np.unpackbits(data, axis=1, bitorder="little")[:, : count * fmt.width]
    bits = bits.reshape(len(data), count, fmt.width)
    number = object if fmt.width > 64 else np.uint64
    places = np.arange(fmt.width).astype(number)
    return from_codes(fmt, (bits.astype(number) << places).sum(2, dtype=number))


def pack_rows(fmt: Format, elements: Elements) -> NDArray[np.uint8]:
    """``elements[rows, count]`` to ``data[rows, bytes]``, the last byte filled with zeros."""
    codes = to_codes(fmt, elements)
    if fmt.width in _NATIVE:
        return codes.astype(_NATIVE[fmt.width]).view(np.uint8).reshape(len(codes), -1)
    bits = codes[:, :, None] >> np.arange(fmt.width).astype(codes.dtype) & codes.dtype.type(1)
    return np.packbits(bits.astype(np.uint8).reshape(len(codes), -1), axis=1, bitorder="little")


class Memory:
    """Bytes behind a bus: word by word, words outside answer with an error."""

    def __init__(self, size: int, word_bytes: int):
        self.size = size
        self.word_bytes = word_bytes
        self.bytes = np.zeros(size, np.uint8)

    def _addresses(self, address: int, stride: int, rows: int, count: int) -> NDArray[np.int64]:
        starts = (address + np.arange(rows, dtype=np.int64) * stride) % (1 << 32)
        return (starts[:, None] + np.arange(count)) % (1 << 32)

    def _inside(self, where: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which bytes lie in a word that the memory has."""
        return where - where % self.word_bytes < self.size

    def gather(
        self, address: int, stride: int, rows: int, count: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """``data[rows, count]`` and which of these bytes came without a bus error."""
        where = self._addresses(address, stride, rows, count)
        good = self._inside(where)
        if good.all():
            return self.bytes[where], good
        return np.where(good, self.bytes[np.where(good, where, 0)], np.uint8(0)), good

    def scatter(self, address: int, stride: int, data: NDArray[np.uint8]) -> bool:
        """Write ``data[rows, count]``, rows in order; False if a word answered with an error."""
        where = self._addresses(address, stride, *data.shape)
        good = self._inside(where)
        self.bytes[where[good]] = data[good]
        return bool(good.all())
