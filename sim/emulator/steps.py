"""Compiled loops for fixed-point sums whose products are cut off or looked up, or that saturate.

All numbers are float64, and exact as long as sums stay below 2**52 units.
"""

import numpy as np
from numba import njit

OPTIONS = {"error_model": "numpy", "nogil": True}


@njit(inline="always", **OPTIONS)
def held(number, most):
    return min(max(number, -most), most)


@njit(**OPTIONS)
def multiplied(a, w, start, scale, most):
    """start[M, N] + trunc(a[M, K] · w[K, N] · scale), k after k, held to ±`most` (which may be
    infinite) at every step."""
    out = start.copy()
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            x = a[i, k]
            for j in range(w.shape[1]):
                step = held(np.trunc(x * w[k, j] * scale), 2 * most)
                out[i, j] = held(out[i, j] + step, most)
    return out


@njit(**OPTIONS)
def looked_up(a, w, table, start, scale, most):
    """:func:`multiplied` with codes as operands, and table[a, w] as their product."""
    out = start.copy()
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            row = table[a[i, k]]
            for j in range(w.shape[1]):
                step = held(np.trunc(row[w[k, j]] * scale), 2 * most)
                out[i, j] = held(out[i, j] + step, most)
    return out
