"""Max-pooling of the rows that a mvout moves."""

import numpy as np

from hw.formats import Format
from hw.formats.order import order

from .elements import Elements, to_codes
from .state import StoreSettings


def pooled(fmt: Format, elements: Elements, store: StoreSettings) -> Elements:
    """``elements[out_rows·out_cols, cols]`` to ``[pool_out_rows, pool_out_cols, cols]``.

    The maximum over windows of size² in the format's order, where taps outside the image count
    as 0.
    """
    image = elements.reshape(store.out_rows, store.out_cols, -1)
    rows = np.arange(store.pool_out_rows) * store.pool_stride - store.upper_pad
    cols = np.arange(store.pool_out_cols) * store.pool_stride - store.left_pad
    out = None
    for down in range(store.pool_size):
        for right in range(store.pool_size):
            y, x = rows + down, cols + right
            seen_y = (y >= 0) & (y < store.out_rows)
            seen_x = (x >= 0) & (x < store.out_cols)
            tap = image[np.where(seen_y, y, 0)][:, np.where(seen_x, x, 0)]
            tap = tap * (seen_y[:, None] & seen_x)[:, :, None]
            if out is None:
                out = tap
            else:
                larger = order(fmt, to_codes(fmt, tap)) > order(fmt, to_codes(fmt, out))
                out = np.where(larger, tap, out)
    return out
