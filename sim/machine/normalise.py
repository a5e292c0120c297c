"""Softmax, layernorm and GELU: docs/normalisation.md in whole numbers.

Arrays hold Python integers (``dtype=object``), so that no width is ever too small.
"""

from dataclasses import dataclass, field
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from hw.config import Config

LAYERNORM, IGELU, SOFTMAX = 2, 3, 4
NORMALISES = (LAYERNORM, IGELU, SOFTMAX)
NONE, SUM, SQUARES, MAXIMUM, EXPONENTIALS = range(5)
SERIES = (NONE, SUM, SUM, SQUARES, SQUARES, MAXIMUM, EXPONENTIALS, EXPONENTIALS)
MEAN, INVERSE_DEVIATION, INVERSE_SUM = 2, 4, 7
MOST = 65535
"""Elements that a series counts."""

Values = NDArray[np.object_]


@dataclass
class Statistics:
    """One of the four sets."""

    series: int = NONE
    count: int = 0
    total: int = 0
    centre: int = 0
    m: int = 0
    k: int = 0


@dataclass
class Normalisation:
    """Everything that config_norm and the statistics steps leave behind."""

    top_bit: int = 0
    stat_id: int = 0
    qln2: int = 0
    qb: int = 0
    qc: int = 0
    sets: list[Statistics] = field(default_factory=lambda: [Statistics() for _ in range(4)])

    @property
    def statistics(self) -> Statistics:
        return self.sets[self.stat_id]

    def configure(self, f: dict[str, int]) -> None:
        """A checked config_norm."""
        self.stat_id = f["stat_id"]
        if f["stat_only"]:
            return
        self.top_bit = f["activation_msb"]
        self.qb, self.qc = _signed(f["igelu_qb"]), _signed(f["igelu_qc"])
        if not f["q_const_type"]:
            self.qln2 = f["q_const"]


def _signed(word: int) -> int:
    return word - (word >> 31 << 32)


def _clip(x, bits: int):
    return np.clip(x, -(1 << bits - 1), (1 << bits - 1) - 1)


def _round(x, shift: int):
    """x / 2^shift to the nearest, halves up."""
    return (2 * x >> shift) + 1 >> 1


def _shift(norm: Normalisation) -> int:
    """How far the constants are shifted to the left."""
    return 17 - min(abs(norm.qb).bit_length(), 17)


def _limit(norm: Normalisation) -> int:
    """qc, shifted like a square."""
    return int(_clip(norm.qc << 2 * _shift(norm), 36))


def _square(t: Values, norm: Normalisation) -> Values:
    return _clip(_clip(t, 18) * (1 << _shift(norm)), 18) ** 2


def exponentials(x: Values, norm: Normalisation) -> Values:
    """e(x)."""
    u = np.maximum((norm.statistics.centre - 8 * x) // 8, 0)
    far = u >= 32 * norm.qln2
    z = np.where(far, 0, u // max(norm.qln2, 1))
    e = np.clip(_square(norm.qb - (u - z * norm.qln2), norm) + _limit(norm), 0, (1 << 35) - 1)
    return np.where(far, 0, e >> z)


def _bell(x: Values, norm: Normalisation) -> Values:
    """f(x)."""
    square = _square(np.minimum(abs(x) + norm.qb, 0), norm)
    return _clip(_round(np.where(x >= 0, square + 2 * _limit(norm), -square), 19), 18)


def fraction_bits(config: Config, activation: int) -> int:
    """Fraction bits of values normalised by layernorm or softmax."""
    width = config.accumulator.width
    if activation == LAYERNORM:
        return min(16, max(width - 9, 0))
    return min(16, width - 1 - config.output.max.bit_length())


def gather(config: Config, norm: Normalisation, step: int, values: NDArray[np.int64]) -> None:
    """A statistics step over ``values[rows, cols]``, blocks of `dim` columns."""
    s = norm.statistics
    if s.series != SERIES[step]:
        s.series, s.count, s.total = SERIES[step], 0, 0
        if s.series == MAXIMUM:
            s.centre = 8 * config.accumulator.min
    x = values.astype(object)
    if s.series == SQUARES:
        x = (8 * x - s.centre) ** 2
    elif s.series == EXPONENTIALS:
        x = exponentials(x, norm)
    for row in x:
        for start in range(0, len(row), config.dim):
            part = row[start : start + config.dim]
            if s.count + len(part) > MOST:
                continue
            s.count += len(part)
            if s.series == MAXIMUM:
                s.centre = max(s.centre, 8 * max(part))
            else:
                s.total += sum(part)
    _close(config, s, step)


def _close(config: Config, s: Statistics, step: int) -> None:
    if step == MEAN:
        s.centre = (8 * s.total + s.count // 2) // s.count
    elif step == INVERSE_DEVIATION:
        r = max(isqrt((s.total << 16) // s.count), 128)
        s.m, s.k = _inverse((1 << 17) - 1, r), r.bit_length() + 8 - fraction_bits(config, LAYERNORM)
    elif step == INVERSE_SUM:
        r = max(s.total, 1 << 16)
        most = config.output.max
        bits = most.bit_length()
        s.m = _inverse(most << 17 - bits, r)
        s.k = r.bit_length() + 16 - bits - fraction_bits(config, SOFTMAX)
    else:
        return
    s.series = NONE


def _inverse(numerator: int, r: int) -> int:
    return (numerator << r.bit_length() - 1) // r


def transform(
    config: Config, norm: Normalisation, activation: int, values: NDArray[np.int64]
) -> tuple[NDArray[np.int64], int]:
    """What enters the scaler instead of ``values[…]``, and g, the power of two for its scale."""
    x, s, width = values.astype(object), norm.statistics, config.accumulator.width
    if activation == IGELU:
        reach = min(min(abs(norm.qb).bit_length(), 17) + 4, width - 1)
        j = max(reach + 18 - width, 0)
        v, g = _round(x * _bell(x, norm), j), j + 19 - 2 * _shift(norm)
    else:
        s.series = NONE
        x = 8 * x - s.centre if activation == LAYERNORM else exponentials(x, norm)
        v, g = _round(x * s.m, s.k), -fraction_bits(config, activation)
    return _clip(v, width).astype(np.int64), g


def scale_by_power(scale: np.float32, g: int) -> np.float32:
    """``scale·2^g`` on the exponent field: 0 below it, held at 254 above."""
    bits = int(scale.view(np.uint32))
    exponent = bits >> 23 & 0xFF
    moved = min(exponent + g, 254)
    if exponent == 0 or moved < 1:
        return np.float32(0)
    return np.uint32(bits & ~(0xFF << 23) | moved << 23).view(np.float32)
