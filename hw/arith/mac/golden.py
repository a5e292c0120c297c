"""The multiply-accumulate in numpy, bit for bit, from the operands' parts."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...formats import Fixed, Rounded
from ...formats.exact import sum_to_odd


def golden(mac, a_codes: ArrayLike, w_codes: ArrayLike, sums: ArrayLike, random: ArrayLike):
    """See :meth:`.mac.Mac.golden`."""
    a, w = (o.golden(c) for o, c in zip(mac.operands, (a_codes, w_codes), strict=True))
    multiply = mac.multiplier.golden if mac.multiplier else np.multiply
    if mac.whole:
        product = multiply(a, w)
        if isinstance(mac.sum, Fixed):
            up = sum(o.least for o in mac.operands) - mac.sum.lsb
            return _fixed(mac, product.astype(object) << up, False, sums)
        sums = np.asarray(sums, np.uint64).astype(np.int64)
        return mac.sum.encode(mac.sum.wrap(sums + product))
    product = multiply(a.significand, w.significand)
    exponent = a.exponent + w.exponent + sum(o.least for o in mac.operands)
    sign = a.sign ^ w.sign
    if isinstance(mac.sum, Rounded):
        return _rounded(mac, a, w, product, exponent, sign, sums, random)
    size = _moved(product.astype(object), exponent - mac.sum.lsb)
    return _fixed(mac, np.where(sign == 1, -size, size), a.nan | w.nan, sums)


_moved = np.vectorize(lambda x, n: x << n if n >= 0 else x >> -n, otypes=[object])


def _fixed(mac, units: NDArray, nan: ArrayLike, sums: ArrayLike) -> NDArray:
    fixed = mac.sum
    sums = np.asarray(sums).astype(object)
    number = sums % (1 << fixed.width)
    total = np.where(number >> (fixed.width - 1) == 1, number - (1 << fixed.width), number) + units
    if fixed.overflow == "saturate":
        total = np.clip(total, fixed.min, fixed.max)
    out = total % (1 << fixed.width)
    if mac.has_nan:
        flags = ((sums >> fixed.width) % 2 == 1) | nan
        out = out + np.asarray(flags, object) * (1 << fixed.width)
    return out.astype(np.uint64) if fixed.width + mac.has_nan <= 64 else out


def _rounded(mac, a, w, product, exponent, sign, sums, random) -> NDArray:
    value = np.ldexp(product.astype(np.float64), exponent)
    value = np.where(sign == 1, -value, value)
    infinite = a.infinite | w.infinite
    nan = a.nan | w.nan
    nan |= (a.infinite & ~w.infinite & (w.significand == 0)) | (
        w.infinite & ~a.infinite & (a.significand == 0)
    )
    value = np.where(infinite, np.where(sign == 1, -np.inf, np.inf), value)
    value = np.where(nan, np.nan, value)
    total = sum_to_odd(mac.sum.format.decode(sums), value)
    result = mac.sum.format.quantize(total, mac.sum.rounding, random, mac.sum.bits)
    return mac.sum.format.encode(result)
