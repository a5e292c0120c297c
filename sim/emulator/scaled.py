"""A compiled loop for sums in blocks that fp32 adds up."""

import numpy as np
from numba import njit

OPTIONS = {"error_model": "numpy", "nogil": True}


@njit(**OPTIONS)
def add_scaled(total, part, rows, columns, fresh):
    """total[M, N] += float32(part[M, N] · rows[M] · columns[N]) in float32; `fresh` overwrites it.

    `part` is exact, and so are the products in float64.
    """
    for i in range(part.shape[0]):
        row = rows[i]
        for j in range(part.shape[1]):
            value = np.float32(np.float64(part[i, j]) * (row * columns[j]))
            total[i, j] = value if fresh else total[i, j] + value
