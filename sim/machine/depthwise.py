"""compute_depthwise: one line of outputs, a filter of its own in every lane."""

import numpy as np

from hw.isa import Local

from .compute import take_weights, write_result
from .elements import values_of
from .state import State

TAPS = 3
"""Columns of a filter."""


def lines_of(state: State, mask: int) -> tuple[int, ...]:
    """Lines of the mask that the array has."""
    return tuple(line for line in range(state.config.dw_lines) if mask >> line & 1)


def depthwise(state: State, f: dict[str, int], lines: tuple[int, ...]) -> None:
    """Execute a checked compute_depthwise."""
    if not f["keep"]:
        take_weights(state, state.b)
    cols, outputs, width = state.c.cols, f["outputs"], f["width"]
    if Local.parse(state.c.address) is None or not (cols and outputs):
        return
    base = Local.parse(f["a_addr"]).row
    taps = TAPS * state.config.dw_lines
    elements = np.zeros((outputs, taps, cols), np.int64)
    for line in lines if state.depth else ():
        for tap in range(TAPS):
            pixel = np.arange(outputs) * f["stride"] + tap - f["left"]
            seen = (pixel >= 0) & (pixel < width)
            rows = base + line * f["line_stride"] + np.where(seen, pixel, 0)
            elements[seen, TAPS * line + tap] = state.scratchpad[rows[seen], :cols]
    inputs, weights = values_of(state.config.input, elements), state.weights[:taps]
    zero = np.zeros((outputs, 1))
    columns = [state.sum.tile(inputs[:, :, n], weights[:, n : n + 1], zero) for n in range(cols)]
    write_result(state, np.concatenate(columns, axis=1))
