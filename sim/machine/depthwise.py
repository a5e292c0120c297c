"""compute_depthwise: one line of outputs, a filter of its own in every lane."""

import numpy as np

from hw.isa import Local

from .compute import take_weights, write_result
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
    sums = np.zeros((outputs, cols))
    for line in lines:
        for tap in range(TAPS):
            pixel = np.arange(outputs) * f["stride"] + tap - f["left"]
            seen = (pixel >= 0) & (pixel < width)
            rows = base + line * f["line_stride"] + np.where(seen, pixel, 0)
            inputs = state.scratchpad[np.where(seen, rows, 0), :cols] * seen[:, None]
            sums += inputs * state.weights[TAPS * line + tap, :cols]
    write_result(state, state.config.accumulator.wrap(sums.astype(np.int64)))
