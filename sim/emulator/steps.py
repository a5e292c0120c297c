"""Compiled loop for fixed-point sums whose products are cut off, or that saturate."""

import numpy as np
from numba import njit


@njit(error_model="numpy", nogil=True)
def tile_sums(a, w, start, scale, most):
    """start[M, N] + trunc(a[M, K] · w[K, N] · scale), k after k, held to ±`most` at every step.

    All are float64, and exact as long as sums stay below 2**52; `most` may be infinite.
    """
    rows, depth = a.shape
    columns = w.shape[1]
    out = start.copy()
    limit = 2 * most
    for i in range(rows):
        for k in range(depth):
            x = a[i, k]
            for j in range(columns):
                step = np.trunc(x * w[k, j] * scale)
                step = min(max(step, -limit), limit)
                out[i, j] = min(max(out[i, j] + step, -most), most)
    return out
