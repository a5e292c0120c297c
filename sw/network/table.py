"""The table that tells firmware where the network's layers lie in memory.

All words are little-endian 32 bit. `HEADER` comes first, then one `LAYER` record per layer.
Both firmware programs read the same table: ``network.c`` replays the command lists,
``software.c`` computes the layers in plain C.

==========  ==============================================================================
Header      magic, layers, images
Layer       kind (0 convolution, 1 fully connected), in_h, in_w, in_c, out_h, out_w, out_c,
            kernel, stride, padding, relu, scale (float32 bits),
            weights (int8 [kernel, kernel, in_c, out_c] or [in, out]), bias (int32 [out_c]),
            input (int8 [images, in_h, in_w, in_c]), output (int8 [images, out_h, out_w, out_c]),
            commands (address of `count` commands), count,
            cycles (written by the firmware: cycles of this layer over all images)
==========  ==============================================================================

A fully connected layer is in_h = in_w = out_h = out_w = 1. A command in a list is six words:
funct, 0, rs1 low, rs1 high, rs2 low, rs2 high.
"""

import struct
from collections.abc import Sequence
from dataclasses import astuple, dataclass

MAGIC = 0x4E48_4C41
"""The letters ALHN."""

CONV, FC = 0, 1


@dataclass
class LayerRecord:
    """One layer of the table; words in this order."""

    kind: int
    in_h: int
    in_w: int
    in_c: int
    out_h: int
    out_w: int
    out_c: int
    kernel: int
    stride: int
    padding: int
    relu: int
    scale: int
    weights: int
    bias: int
    input: int
    output: int
    commands: int = 0
    count: int = 0
    cycles: int = 0

    WORDS = 19


HEADER_WORDS = 3


def pack_table(images: int, layers: Sequence[LayerRecord]) -> bytes:
    """The bytes of a table."""
    words = [MAGIC, len(layers), images]
    for layer in layers:
        words += astuple(layer)
    return struct.pack(f"<{len(words)}I", *words)


def unpack_table(data: bytes) -> tuple[int, list[LayerRecord]]:
    """Images and layers of a table; ValueError if it does not start with the magic word."""
    magic, count, images = struct.unpack_from("<3I", data)
    if magic != MAGIC:
        raise ValueError(f"a network table starts with {MAGIC:#x}, not {magic:#x}")
    records = []
    for index in range(count):
        offset = 4 * (HEADER_WORDS + index * LayerRecord.WORDS)
        records.append(LayerRecord(*struct.unpack_from(f"<{LayerRecord.WORDS}I", data, offset)))
    return images, records
