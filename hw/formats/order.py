"""Codes as keys of one order, in which max-pooling takes the highest."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .accumulator import Rounded
from .base import Format
from .float import Float
from .log import Log
from .ternary import Ternary


def order(fmt: Format, codes: ArrayLike) -> NDArray:
    """Keys (unsigned, as wide as the codes) that compare as the values of codes do.

    Floats are in the total order of IEEE 754-2019, section 5.10: sign and magnitude, minus zero
    below zero, NaN where its code stands (above infinity if it is positive; `fnuz`: just below
    zero). `Log` and `Ternary` are sign and magnitude, too: NaN, and the second zero, lie just
    below zero. In all others, which are two's complement, the lowest code is the lowest key.
    """
    if isinstance(fmt, Rounded):
        fmt = fmt.format
    codes = np.asarray(codes)
    top, mask = 1 << (fmt.width - 1), (1 << fmt.width) - 1
    if codes.dtype != object:
        codes = codes.astype(np.uint64)
        top, mask = np.uint64(top), np.uint64(mask)
    if isinstance(fmt, Float | Log | Ternary):
        return np.where(codes & top != 0, codes ^ mask, codes | top)
    return codes ^ top if fmt.signed else codes
