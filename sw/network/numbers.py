"""Rounding for the plain-numpy reference: from the parameters of a format alone.

Shares no code with hw.formats: formats of up to 16 bits are tables of magnitudes and of the points
between them; wide floats are rounded by adding and subtracting a large number.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hw.formats import Float, Format, Int, Posit

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Magnitudes of the codes 0, 1, 2, … and, one fewer, the points between neighbours.

    A point belongs to the even neighbour. `beyond` is what the last magnitude, which is then none
    of the format, stands for.
    """

    magnitudes: Values
    between: Values
    beyond: float

    def nearest(self, size: Values) -> Values:
        """Magnitudes for sizes (not negative, no NaN)."""
        code = np.searchsorted(self.between, size)
        tie = self.between[np.minimum(code, len(self.between) - 1)] == size
        code = code + (tie & (code % 2 == 1))
        last = len(self.magnitudes) - 1
        return np.where(code == last, self.beyond, self.magnitudes[np.minimum(code, last)])


@cache
def float_grid(fmt: Float) -> Grid:
    """Magnitudes up to the one behind the largest number."""
    top = (1 << fmt.exp) - 1
    count = (top + 1) << fmt.man
    count -= {"ieee": 1 << fmt.man, "fn": 1}.get(fmt.specials, 0)
    code = np.arange(count + 1)
    field, fraction = code >> fmt.man, code % (1 << fmt.man)
    significand = np.where(field > 0, 1 << fmt.man, 0) + fraction
    sizes = significand * 2.0 ** (np.maximum(field, 1) - fmt.bias - fmt.man)
    between = (sizes[1:] + sizes[:-1]) / 2
    beyond = np.inf if fmt.specials == "ieee" else np.nan
    beyond = sizes[-2] if fmt.saturate or fmt.specials == "none" else beyond
    kept = sizes if fmt.subnormals else np.where(field == 0, 0.0, sizes)
    return Grid(kept, between, float(beyond))


def posit_size(code: int, n: int, es: int) -> float:
    """Magnitude of a posit's code below 2**(n-1)."""
    if not code:
        return 0.0
    text = format(code, f"0{n - 1}b")
    body = text.lstrip(text[0])
    run = len(text) - len(body)
    power = (run - 1 if text[0] == "1" else -run) * 2**es
    exponent, fraction = body[1 : 1 + es], body[1 + es :]
    power += int(exponent.ljust(es, "0") or "0", 2)
    return (1 + int(fraction or "0", 2) / 2 ** len(fraction)) * 2.0**power


@cache
def posit_grid(fmt: Posit) -> Grid:
    """Between two posits lies the one of one bit more: so nothing rounds to zero."""
    sizes = [posit_size(code, fmt.n, fmt.es) for code in range(1 << (fmt.n - 1))]
    finer = [posit_size(code, fmt.n + 1, fmt.es) for code in range(1, 1 << fmt.n, 2)]
    finer[0] = 0.0
    between = np.array([*finer[:-1], np.inf])
    return Grid(np.array([*sizes, sizes[-1]]), between, sizes[-1])


def nearest(fmt: Format, values: Values) -> Values:
    """`values` rounded to `fmt` (at most 16 bits, or a float), ties to even; NaN becomes 0 without
    a NaN."""
    if isinstance(fmt, Int):
        return np.clip(np.rint(np.nan_to_num(values, nan=0.0)), fmt.min, fmt.max)
    if isinstance(fmt, Float) and fmt.width > 16:
        return _rounded(fmt, "rne", np.where(np.isfinite(values), np.abs(values), 0.0), values)
    nan = np.isnan(values)
    grid = posit_grid(fmt) if isinstance(fmt, Posit) else float_grid(fmt)
    size = np.copysign(grid.nearest(np.where(nan, 0.0, np.abs(values))), values)
    if isinstance(fmt, Posit):
        return np.where(nan | np.isinf(values), np.nan, size)
    return np.where(nan, 0.0 if fmt.specials == "none" else np.nan, size)


def _steps(size: Values, step: Values) -> Values:
    """Sizes to whole multiples of a power of two, ties to even; size / step is below 2**51."""
    magic = step * (1.5 * 2.0**52)
    return (size + magic) - magic


def _power(size: Values) -> Values:
    """The power of two at or below a size: its exponent's bits."""
    return (size.view(np.int64) & (0x7FF << 52)).view(np.float64)


def significant(values: Values, bits: int = 24) -> Values:
    """`values` rounded to `bits` bits, ties to even, whatever the exponent."""
    size = np.where(np.isfinite(values), np.abs(values), 0.0)
    size = _steps(size, _power(size) * 2.0 ** (1 - bits))
    return np.where(np.isfinite(values), np.copysign(size, values), values)


def add_rounded(fmt: Float, rounding: str, x: Values, y: Values) -> Values:
    """x + y rounded once to `fmt`; `rounding` is ``rne`` or ``zero``."""
    with np.errstate(invalid="ignore"):
        total = x + y
        other = total - x
        error = (x - (total - other)) + (y - other)
    size = np.where(np.isfinite(total), np.abs(total), 0.0)
    error = np.where(np.isfinite(error), error * np.sign(total), 0.0)
    step = np.maximum(_power(size), 2.0 ** (1 - fmt.bias)) * 2.0**-fmt.man
    on_edge = _steps(size, step / 2) == size  # only there the error decides
    size = np.where(on_edge & (error > 0), np.nextafter(size, np.inf), size)
    size = np.where(on_edge & (error < 0), np.nextafter(size, 0.0), size)
    return _rounded(fmt, rounding, size, total)


def _rounded(fmt: Float, rounding: str, size: Values, total: Values) -> Values:
    step = np.maximum(_power(size), 2.0 ** (1 - fmt.bias)) * 2.0**-fmt.man
    kept = _steps(size, step)
    if rounding == "zero":
        kept = np.where(kept > size, kept - step, kept)
    elif fmt.man == 0:
        kept = float_grid(fmt).nearest(size)
    if not fmt.subnormals:
        kept = np.where(kept < 2.0 ** (1 - fmt.bias), 0.0, kept)
    over = (kept > fmt.max) | np.isinf(total)
    clips = fmt.saturate or (rounding == "zero" and np.isfinite(total))
    beyond = np.inf if fmt.specials == "ieee" else np.nan
    kept = np.where(over, np.where(clips, fmt.max, beyond), kept)
    nan = 0.0 if fmt.specials == "none" else np.nan
    return np.where(np.isnan(total), nan, np.copysign(kept, total))
