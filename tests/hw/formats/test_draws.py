"""The integers of stochastic rounding: against plain Python, and as random numbers."""

import numpy as np

from hw.formats.draws import Draws


def words(seed, row, count):
    """The words of one array row, one integer operation after the other."""
    x = (seed ^ (0x9E3779B9 * (row + 1))) % 2**32 or 1
    for _ in range(count):
        yield x >> 16
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF


def test_equal_plain_python():
    for seed in (0, 1, 0x9E3779B9, 0xDEADBEEF):  # the third: a state that would be zero
        draws = Draws(5)
        draws.seed(seed)
        got = np.concatenate([draws.take(3, 7, 9), draws.take(4, 7, 9)], axis=1)
        for k in range(5):
            for i, word in enumerate(words(seed, k, 7)):
                for column in range(7):
                    turned = word * 2 ** (5 * column % 16)
                    turned = turned % 2**16 + turned // 2**16
                    assert got[k, i, column] == turned % 2**9


def test_are_uniform_and_independent_along_k_and_rows():
    draws, bits, rows = Draws(16), 4, 20_000
    values = draws.take(rows, 16, bits).astype(float) - 7.5
    spread = (16**2 - 1) / 12
    deviation = np.sqrt(spread / rows)
    assert abs(values.mean(axis=1)).max() < 5 * deviation
    assert abs(values.var(axis=1) / spread - 1).max() < 0.05
    along_k = (values[:-1] * values[1:]).mean(axis=1) / spread
    along_rows = (values[:, :-1] * values[:, 1:]).mean(axis=1) / spread
    assert max(abs(along_k).max(), abs(along_rows).max()) < 5 / np.sqrt(rows)


def test_seeds_start_anew():
    draws = Draws(4)
    first = draws.take(6, 4, 16)
    draws.seed(0)
    np.testing.assert_array_equal(draws.take(6, 4, 16), first)
    draws.seed(7)
    assert (draws.take(6, 4, 16) != first).any()
