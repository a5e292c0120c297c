"""Sums of products with Python integers, written from docs/numbers.md, not from the code."""

import math

import numpy as np


def parts(value: float) -> tuple[int, int]:
    """(n, e) with value = n * 2**e."""
    n, d = value.as_integer_ratio()
    return n, 1 - d.bit_length()


def largest(fmt) -> int:
    """Code of the largest number."""
    size = fmt.exp + fmt.man
    if fmt.specials == "ieee":
        return ((1 << fmt.exp) - 1 << fmt.man) - 1
    return (1 << size) - (2 if fmt.specials == "fn" else 1)


def no_number(fmt) -> int:
    size = fmt.exp + fmt.man
    return {
        "ieee": ((1 << fmt.exp) - 1 << fmt.man) | (1 << fmt.man >> 1),
        "fn": (1 << size) - 1,
        "fnuz": 1 << size,
        "none": 0,
    }[fmt.specials]


def fused(fmt, a: float, b: float, c: float, rounding="rne", random=0, bits=0) -> int:
    """Code of round(c + a·b)."""
    top = 1 << (fmt.exp + fmt.man)
    if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c)):
        with np.errstate(invalid="ignore"):
            total = float(np.float64(a) * np.float64(b) + np.float64(c))
        if math.isnan(total):
            return no_number(fmt)
        sign = top if total < 0 else 0
        if fmt.saturate:
            return sign | largest(fmt)
        return sign | largest(fmt) + 1 if fmt.specials == "ieee" else no_number(fmt)
    (na, ea), (nb, eb), (nc, ec) = parts(a), parts(b), parts(c)
    e = min(ea + eb, ec)
    n = (na * nb << ea + eb - e) + (nc << ec - e)
    if n == 0:
        minus = (math.copysign(1, a) * math.copysign(1, b) < 0) and math.copysign(1, c) < 0
        return top if minus and fmt.specials != "fnuz" else 0
    sign, m = (top if n < 0 else 0), abs(n)
    exponent = max(m.bit_length() - 1 + e, fmt.emin)
    down = exponent - fmt.man - e
    count, rest, one = (
        (m >> down, m & (1 << down) - 1, 1 << down) if down > 0 else (m << -down, 0, 1)
    )
    if rounding == "rne":
        odd = count & 1 if fmt.man else count & (exponent + fmt.bias) & 1
        count += 2 * rest > one or (2 * rest == one and odd)
    elif rounding == "stochastic":
        count += (rest << bits) // one + random >= 1 << bits
    code = (exponent - fmt.emin << fmt.man) + count
    if not fmt.subnormals and code < 1 << fmt.man:
        code = 0
    if code > largest(fmt):
        if fmt.saturate or rounding == "zero":
            code = largest(fmt)
        elif fmt.specials == "ieee":
            code = largest(fmt) + 1
        else:
            return no_number(fmt)
    return 0 if code == 0 and fmt.specials == "fnuz" else sign | code


def _integer(value: float, lsb: int) -> int:
    """Units of 2**lsb, cut off."""
    n, e = parts(value)
    size = abs(n) << e - lsb if e >= lsb else abs(n) >> lsb - e
    return size if n >= 0 else -size


def fixed(acc, flagged: bool, a, b, sums) -> list[int]:
    """Sums (integer, flag above it) after one step, as bit patterns."""
    out = []
    half, mask = 1 << acc.width - 1, (1 << acc.width) - 1
    for x, y, s in zip(a.tolist(), b.tolist(), sums, strict=True):
        flag = int(s) >> acc.width
        total = ((int(s) & mask) ^ half) - half
        if math.isfinite(x) and math.isfinite(y):
            total += _integer(x * y, acc.lsb)
        else:
            flag = 1
        if acc.overflow == "saturate":
            total = min(max(total, 1 - half), half - 1)
        # where the flag is set the number means nothing
        out.append((total & mask, flag if flagged else 0))
    return out
