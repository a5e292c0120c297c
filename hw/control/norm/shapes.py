"""Names and widths of the normalisation (docs/normalisation.md)."""

from amaranth.hdl import signed
from amaranth.lib import data, enum

from ...config import Config

FACTOR_BITS = 17
"""Bits of m, and of qb once it is shifted."""

SQUARE_BITS = 18
"""Bits of t, of f and of the right factor of the last product."""

LIMIT_BITS = 36
"""Bits of c."""

EXP_BITS = 35
"""Bits of e(x)."""

STATISTICS_IDS = 4


class Activation(enum.IntEnum, shape=3):
    """What a mvout does to accumulator elements before it scales them."""

    NONE = 0
    RELU = 1
    LAYERNORM = 2
    IGELU = 3
    SOFTMAX = 4


class Series(enum.IntEnum, shape=3):
    """Which sum a set of statistics is taking."""

    NONE = 0
    SUM = 1
    SQUARES = 2
    MAXIMUM = 3
    EXPONENTIALS = 4


class Kind(enum.IntEnum, shape=3):
    """What the lanes make of an element."""

    SUM = 0
    SQUARES = 1
    MAXIMUM = 2
    EXPONENTIALS = 3
    LAYERNORM = 4
    IGELU = 5
    SOFTMAX = 6


class Step(enum.IntEnum, shape=3):
    """The norm bits of a local address."""

    NONE = 0
    SUM = 1
    MEAN = 2
    VARIANCE = 3
    INVERSE_DEVIATION = 4
    MAXIMUM = 5
    EXPONENTIALS = 6
    INVERSE_SUM = 7


class Widths:
    """Widths and constants that follow from a configuration; names as in the page."""

    def __init__(self, config: Config):
        self.w = config.accumulator.width
        self.centre = signed(self.w + 3)
        self.distance = signed(self.w + 4)  # 8x - centre
        self.factor = signed(max(self.w + 4, SQUARE_BITS))  # what is squared
        self.left = signed(max(self.w + 4, EXP_BITS + 1))  # left factor of the last product
        self.term = max(2 * self.w + 7, EXP_BITS)  # of what an element adds to a total
        self.most = config.output.max
        self.most_bits = self.most.bit_length()
        self.layernorm_bits = min(16, max(self.w - 9, 0))
        self.softmax_bits = min(16, self.w - 1 - self.most_bits)

    def total(self, count_bits: int) -> int:
        """Bits of the sum of up to 2^count_bits - 1 squares, exponentials or elements."""
        return max(2 * self.w + 6, EXP_BITS) + count_bits


def statistics_layout(widths: Widths, count_bits: int) -> data.StructLayout:
    """One set of statistics.

    `total` of a sum counts elements from the least accumulator value, so that it is positive.
    """
    return data.StructLayout(
        {
            "series": Series,
            "count": count_bits,
            "total": widths.total(count_bits),
            "centre": widths.centre,
            "m": FACTOR_BITS,
            "k": 7,
        }
    )


CONSTANTS = data.StructLayout({"qln2": 32, "qb": signed(32), "qc": signed(32), "keep": 1})
"""What config_norm sets; with `keep` qln2 stays."""
