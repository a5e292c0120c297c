"""Numbers of all formats in fractions, written from docs/numbers.md alone: the oracle of RTL."""

from fractions import Fraction
from functools import cache
from typing import NamedTuple

import gmpy2

from hw.formats import E8M0, Fixed, Float, Int, Log, Posit, Rounded, Ternary


class Number(NamedTuple):
    """A sign and a magnitude, which is a Fraction, ``inf`` or ``nan``."""

    sign: int
    size: Fraction | str


NAN = Number(0, "nan")


def power(exponent: int) -> Fraction:
    return Fraction(2) ** exponent


def log2(size: Fraction) -> int:
    """Floor of the logarithm."""
    guess = size.numerator.bit_length() - size.denominator.bit_length()
    return guess if size >= power(guess) else guess - 1


def number(value: Fraction | int) -> Number:
    return Number(int(value < 0), abs(Fraction(value)))


@cache
def decoded(fmt, code: int) -> Number:
    """What a code stands for."""
    if isinstance(fmt, Rounded):
        fmt = fmt.format
    if isinstance(fmt, Float):
        return _decode_float(fmt, code)
    half = 1 << (fmt.width - 1)
    if isinstance(fmt, Posit):
        if code == half:
            return NAN
        size = _posit(min(code, 2 * half - code), fmt.n, fmt.es)
        return number(-size if code > half else size)
    if isinstance(fmt, Log):
        return _decode_log(fmt, code)
    if isinstance(fmt, Ternary):
        return Number(int(code == 3), Fraction(code & 1))
    if isinstance(fmt, E8M0):
        return NAN if code == 255 else number(power(code - 127))
    if isinstance(fmt, Fixed):
        return NAN if code == half else number(((code ^ half) - half) * power(fmt.lsb))
    return number((code ^ half) - half if fmt.signed else code)


def _decode_float(fmt: Float, code: int) -> Number:
    sign, field = code >> (fmt.width - 1), code >> fmt.man & ((1 << fmt.exp) - 1)
    mantissa = code & ((1 << fmt.man) - 1)
    top, ones = field == (1 << fmt.exp) - 1, mantissa == (1 << fmt.man) - 1
    if fmt.specials == "ieee" and top:
        return NAN if mantissa else Number(sign, "inf")
    if fmt.specials == "fn" and top and ones:
        return NAN
    if fmt.specials == "fnuz" and code == 1 << (fmt.width - 1):
        return NAN
    if field:
        return Number(sign, ((1 << fmt.man) + mantissa) * power(field - fmt.bias - fmt.man))
    size = mantissa * power(1 - fmt.bias - fmt.man) if fmt.subnormals else Fraction(0)
    return Number(sign if size or fmt.specials != "fnuz" else 0, size)


def _decode_log(fmt: Log, code: int) -> Number:
    """2**((f - bias) / 2**fraction), in each octave rounded to `man` bits behind the point."""
    sign, field = code >> (fmt.width - 1), code & ((1 << (fmt.width - 1)) - 1)
    if not field:
        return NAN if sign else Number(0, Fraction(0))
    whole, rest = divmod(field - fmt.bias, 1 << fmt.fraction)
    with gmpy2.context(precision=200):
        root = gmpy2.exp2(gmpy2.mpfr(rest) / (1 << fmt.fraction))
        significand = int(gmpy2.rint(root * (1 << fmt.man)))
    return Number(sign, significand * power(whole - fmt.man))


@cache
def _posit(code: int, n: int, es: int) -> Fraction:
    """A posit that is not negative: ``(1 + f) · 2**(r·2**es + e)``."""
    if code == 0:
        return Fraction(0)
    bits = f"{code:0{n - 1}b}"
    run = len(bits) - len(bits.lstrip(bits[0]))
    regime = run - 1 if bits[0] == "1" else -run
    rest = bits[run + 1 :] + "0" * es
    fraction = Fraction(int("0" + rest[es:], 2), 1 << len(rest[es:]))
    return (1 + fraction) * power((regime << es) + int("0" + rest[:es], 2))


def to_bits(x: Number, bits: int = 24) -> Number:
    """Rounded to a significand of so many bits, ties to even."""
    if not isinstance(x.size, Fraction) or not x.size:
        return x
    step = power(log2(x.size) - bits + 1)
    return Number(x.sign, round(x.size / step) * step)


def nearest(fmt, x: Number) -> int:
    """The code for a number, ties to even; NaN becomes the NaN, or 0."""
    if isinstance(fmt, Rounded):
        fmt = fmt.format
    if isinstance(fmt, Int | Ternary):
        if x.size == "nan":
            return 0
        whole = 1 << 40 if x.size == "inf" else round(x.size)
        return min(max(-whole if x.sign else whole, fmt.min), fmt.max) % (1 << fmt.width)
    if isinstance(fmt, Posit):
        return _nearest_posit(fmt, x)
    if isinstance(fmt, Log):
        return _nearest_log(fmt, x)
    return _nearest_float(fmt, x)


def _nearest_log(fmt: Log, x: Number) -> int:
    """Of two equally near values that with the odd field (docs/numbers.md)."""
    half = 1 << (fmt.width - 1)
    if x.size == "nan":
        return half
    low, high = 0, half - 1
    if x.size == "inf" or x.size >= decoded(fmt, high).size:
        low = high
    while high - low > 1:  # the highest field whose value is not above the size
        middle = (low + high) // 2
        low, high = (middle, high) if decoded(fmt, middle).size <= x.size else (low, middle)
    twice = decoded(fmt, low).size + decoded(fmt, high).size
    up = low < high and (2 * x.size > twice or (2 * x.size == twice and low % 2 == 0))
    code = low + up
    return code + half if x.sign and code else code


def _nearest_posit(fmt: Posit, x: Number) -> int:
    """Between two codes the border is the posit of one more bit between them."""
    if not isinstance(x.size, Fraction):
        return 1 << (fmt.n - 1)
    if not x.size:
        return 0
    low, high = 0, 1 << (fmt.n - 1)
    while high - low > 1:  # the highest code whose value is not above the size
        middle = (low + high) // 2
        low, high = (middle, high) if _posit(middle, fmt.n, fmt.es) <= x.size else (low, middle)
    border = _posit(2 * low + 1, fmt.n + 1, fmt.es)
    up = high < 1 << (fmt.n - 1) and (x.size > border or (x.size == border and low % 2))
    code = max(low + up, 1)
    return -code % (1 << fmt.n) if x.sign else code


@cache
def largest(fmt: Float) -> tuple[int, Fraction]:
    """Code and value of the largest number."""
    code = (1 << (fmt.width - 1)) - 1
    if fmt.specials == "ieee":
        code = ((1 << fmt.exp) - 1 << fmt.man) - 1
    while not isinstance(decoded(fmt, code).size, Fraction):
        code -= 1
    return code, decoded(fmt, code).size


def _nearest_float(fmt: Float, x: Number) -> int:
    minus, top = 1 << (fmt.width - 1), ((1 << fmt.exp) - 1) << fmt.man
    nan = {"ieee": top | 1 << max(fmt.man - 1, 0), "fn": minus - 1, "fnuz": minus, "none": 0}
    if x.size == "nan":
        return nan[fmt.specials]
    size = power(1000) if x.size == "inf" else x.size
    code = 0
    if size:
        exponent = max(log2(size), 1 - fmt.bias)
        steps = size / power(exponent - fmt.man)
        count = round(steps)
        if fmt.man == 0 and steps == Fraction(3, 2):
            count = 1 if (exponent + fmt.bias) % 2 == 0 else 2
        code = (exponent + fmt.bias - 1 << fmt.man) + count
        if count < 1 << fmt.man:
            code = count
    if code > largest(fmt)[0]:
        code = largest(fmt)[0]
        if not fmt.saturate and fmt.specials != "none":
            if fmt.specials != "ieee":
                return nan[fmt.specials]
            code = top
    if not fmt.subnormals and code < 1 << fmt.man:
        code = 0
    return code | (minus if x.sign and (code or fmt.specials != "fnuz") else 0)


def factor(code: int) -> Number:
    """A finite float32; subnormals are zero."""
    field, mantissa = code >> 23 & 255, code & ((1 << 23) - 1)
    size = ((1 << 23) + mantissa) * power(field - 150) if field else Fraction(0)
    return Number(code >> 31, size)


def product(x: Number, y: Number) -> Number:
    if "nan" in (x.size, y.size) or {"inf", Fraction(0)} <= {x.size, y.size}:
        return NAN
    infinite = "inf" in (x.size, y.size)
    return Number(x.sign ^ y.sign, "inf" if infinite else x.size * y.size)


def rectified(x: Number) -> Number:
    return Number(0, Fraction(0)) if x.sign and x.size != "nan" else x


def scaled(source, target, code: int, scale: int, relu: bool) -> int:
    """The whole path, on codes; `scale` is a float32's."""
    x = rectified(decoded(source, code)) if relu else decoded(source, code)
    return nearest(target, to_bits(product(to_bits(x), factor(scale))))


def entered(source, target, code: int) -> int:
    """The code of an accumulator that an element becomes."""
    x = decoded(source, code)
    if not isinstance(target, Fixed):
        return nearest(target, x)
    width, lowest = target.width, 1 << (target.width - 1)
    if not isinstance(x.size, Fraction):
        return lowest
    size = int(x.size / power(target.lsb))
    units = -size if x.sign else size
    if target.overflow == "saturate":
        return min(max(units, 1 - lowest), lowest - 1) % (1 << width)
    units %= 1 << width
    return units + (units == lowest)
