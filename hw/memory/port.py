"""The memory port: what the accelerator and the processor ask of any memory.

Reads are requests of a byte range, answered in order by the bus words that cover it. Writes are
single bus words with a byte mask, acknowledged in order. Any number may be in flight; a full
memory simply is not ready. Adapters to AXI4 and Wishbone are in ``hw/bus``.
"""

from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

ADDRESS_BITS = 32
MAX_REQUEST_BYTES = 1024


class ReadRequest(data.StructLayout):
    """`bytes` (1 to 1024) from byte address `address`, both unaligned."""

    def __init__(self):
        super().__init__({"address": ADDRESS_BITS, "bytes": range(MAX_REQUEST_BYTES + 1)})


class ReadWord(data.StructLayout):
    """One bus word of an answer; with `error`, its data mean nothing."""

    def __init__(self, width: int):
        super().__init__({"data": width, "error": 1})


def most_words(width: int) -> range:
    """What counts the words of an answer, 0 to the most."""
    return range(MAX_REQUEST_BYTES // (width // 8) + 2)


def words_of(request, width: int):
    """How many words of `width` bits answer a :class:`ReadRequest`."""
    size = width // 8
    shift = (size - 1).bit_length()
    return (request.address[:shift] + request.bytes + size - 1) >> shift


class WriteRequest(data.StructLayout):
    """Bytes of one bus word; `address` is a multiple of the word's size."""

    def __init__(self, width: int):
        super().__init__({"address": ADDRESS_BITS, "data": width, "mask": width // 8})


class MemoryPort(wiring.Signature):
    """The port as its master sees it, `width` bits a word.

    A read of `bytes` from `address` is answered by the words from ``address // W`` to
    ``(address + bytes - 1) // W`` (W = ``width // 8``), in order, requests in order too.

    Members
    -------
    read_request : Out(stream(ReadRequest))
    read_data : In(stream(ReadWord))
    write_request : Out(stream(WriteRequest))
    write_ack : In(stream(1))
        One beat per write request, in order; payload 1 is an error.
    """

    def __init__(self, width: int):
        self.width = width
        super().__init__(
            {
                "read_request": Out(stream.Signature(ReadRequest())),
                "read_data": In(stream.Signature(ReadWord(width))),
                "write_request": Out(stream.Signature(WriteRequest(width))),
                "write_ack": In(stream.Signature(1)),
            }
        )
