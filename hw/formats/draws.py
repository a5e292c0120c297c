"""The random integers of stochastic rounding: which product gets which bits."""

import numpy as np
from numpy.typing import NDArray

GOLDEN = 0x9E37_79B9
WORD = 16
"""Bits that a row of the array draws at a time."""

TURN = 5
"""Places by which the columns turn a word, each one against the column before it."""


def first_state(seed: int, row: int) -> int:
    """State of an array row's generator after a seed: never 0."""
    return (seed ^ GOLDEN * (row + 1)) & 0xFFFF_FFFF or 1


class Draws:
    """The generators of an array of `dim` rows; the seed after reset is 0.

    Row k has a xorshift generator of 32 bits (Marsaglia, Xorshift RNGs, 2003; 13, 17, 5). For every
    row of A that makes a row of C, each generator gives its upper 16 bits and takes a step. Column
    c of the array takes the low bits of that word rotated left by 5·c. So the integers of different
    rows of A, and of different k, are independent; the columns of one k share 16 bits.
    """

    def __init__(self, dim: int):
        self.dim = dim
        self.seed(0)

    def seed(self, seed: int) -> None:
        """Start anew from a seed of 32 bits."""
        states = [first_state(seed, row) for row in range(self.dim)]
        self.states = np.array(states, np.uint32)

    def _words(self) -> NDArray[np.uint32]:
        words = self.states >> np.uint32(32 - WORD)
        for shift in (np.left_shift, 13), (np.right_shift, 17), (np.left_shift, 5):
            self.states = self.states ^ shift[0](self.states, np.uint32(shift[1]))
        return words

    def take(self, rows: int, cols: int, bits: int) -> NDArray[np.uint16]:
        """Integers of `bits` bits, ``[dim, rows, cols]``, for the next rows of A."""
        words = np.array([self._words() for _ in range(rows)], np.uint32).reshape(rows, self.dim)
        turn = (TURN * np.arange(cols) % WORD).astype(np.uint32)
        words = words.T[:, :, None]
        turned = words << turn | words >> (np.uint32(WORD) - turn)
        return (turned & np.uint32((1 << bits) - 1)).astype(np.uint16)
